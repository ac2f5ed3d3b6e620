/* SPDX-License-Identifier: MIT */
/* linux/moduleparam.h - there are no parameters: see linux/module.h */
#include <linux/module.h>
