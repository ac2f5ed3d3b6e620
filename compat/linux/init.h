/* SPDX-License-Identifier: MIT */
/* linux/init.h - there are no init calls: see linux/module.h */
#include <linux/compiler.h>
