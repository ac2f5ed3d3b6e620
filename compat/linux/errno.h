/* SPDX-License-Identifier: MIT */
/* linux/errno.h - the C library's, and what the kernel has besides */
#ifndef LINUX_COMPAT_ERRNO_H
#define LINUX_COMPAT_ERRNO_H

#if __has_include(<asm/errno.h>)
#include <asm/errno.h> /* the C library's header expects it to come with this one */
#endif

#define ERESTARTSYS 512
#define ENOTSUPP    524

#endif
