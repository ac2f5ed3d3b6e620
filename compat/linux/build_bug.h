/* SPDX-License-Identifier: MIT */
/* linux/build_bug.h - see linux/bug.h */
#include <linux/bug.h>
