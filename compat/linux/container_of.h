/* SPDX-License-Identifier: MIT */
/* linux/container_of.h - see linux/kernel.h */
#include <linux/kernel.h>
