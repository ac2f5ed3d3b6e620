/* SPDX-License-Identifier: MIT */
/* linux/lockdep.h - is not there: what it asserts is passed over, see linux/spinlock.h */
#ifndef LINUX_COMPAT_LOCKDEP_H
#define LINUX_COMPAT_LOCKDEP_H

#include <linux/spinlock.h>

struct lock_class_key {
	int unused;
};

#define lockdep_set_class(lock, key)		    ((void)(lock), (void)(key))
#define lockdep_set_class_and_name(lock, key, name) ((void)(lock), (void)(key), (void)(name))

#endif
