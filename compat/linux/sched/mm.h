/* SPDX-License-Identifier: MIT */
/* linux/sched/mm.h - memory is malloc()'s, without scopes */
#ifndef LINUX_COMPAT_SCHED_MM_H
#define LINUX_COMPAT_SCHED_MM_H

#include <linux/sched.h>

#define might_alloc(gfp)	     ((void)(gfp))
#define fs_reclaim_acquire(gfp)	     ((void)(gfp))
#define fs_reclaim_release(gfp)	     ((void)(gfp))
#define memalloc_nofs_save()	     0u
#define memalloc_nofs_restore(flags) ((void)(flags))

#endif
