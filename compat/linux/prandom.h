/* SPDX-License-Identifier: MIT */
/* linux/prandom.h - see linux/random.h */
#include <linux/random.h>
