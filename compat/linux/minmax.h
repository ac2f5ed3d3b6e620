/* SPDX-License-Identifier: MIT */
/* linux/minmax.h - see linux/kernel.h */
#include <linux/kernel.h>
