/* SPDX-License-Identifier: MIT */
/* linux/spinlock_types.h - see linux/spinlock.h */
#include <linux/spinlock.h>
