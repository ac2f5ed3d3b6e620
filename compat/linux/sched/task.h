/* SPDX-License-Identifier: MIT */
/* linux/sched/task.h - see linux/sched.h */
#include <linux/sched.h>
