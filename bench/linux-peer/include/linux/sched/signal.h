/* SPDX-License-Identifier: MIT */
/* For what the fence sources get through it. */
#include <linux/sched.h>
