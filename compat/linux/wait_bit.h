/* SPDX-License-Identifier: MIT */
/* linux/wait_bit.h - waiting for a variable: see linux/wait.h */
#include <linux/wait.h>
