/* SPDX-License-Identifier: MIT */
/* linux/seqlock.h - nothing of it is provided */
#include <linux/spinlock.h>
