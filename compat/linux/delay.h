/* SPDX-License-Identifier: MIT */
/* linux/delay.h - letting time pass */
#ifndef LINUX_COMPAT_DELAY_H
#define LINUX_COMPAT_DELAY_H

#include <linux/ktime.h>

void linux_sleep(s64 nsecs);

#define msleep(ms)		linux_sleep((s64)(ms)*NSEC_PER_MSEC)
#define usleep_range(low, high) ((void)(high), linux_sleep((s64)(low)*NSEC_PER_USEC))
#define fsleep(us)		linux_sleep((s64)(us)*NSEC_PER_USEC)
#define udelay(us)		linux_sleep((s64)(us)*NSEC_PER_USEC)
#define ndelay(ns)		linux_sleep((s64)(ns))
#define mdelay(ms)		msleep(ms)

#endif
