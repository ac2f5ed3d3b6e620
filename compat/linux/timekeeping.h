/* SPDX-License-Identifier: MIT */
/* linux/timekeeping.h - see linux/ktime.h */
#include <linux/ktime.h>
