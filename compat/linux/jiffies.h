/* SPDX-License-Identifier: MIT */
/*
 * linux/jiffies.h - a jiffy is a nanosecond
 *
 * So that timeouts in jiffies are the library's own, and nothing is lost in between. What counts
 * jiffies, instead of converting to them, gets very short times.
 */
#ifndef LINUX_COMPAT_JIFFIES_H
#define LINUX_COMPAT_JIFFIES_H

#include <limits.h>

#include <linux/ktime.h>

#define HZ		 1000000000UL
#define jiffies		 ((unsigned long)ktime_get())
#define get_jiffies_64() ((u64)ktime_get())
#define MAX_JIFFY_OFFSET (LONG_MAX / 2 - 1)

#define time_after(a, b)	  ((long)((b) - (a)) < 0)
#define time_before(a, b)	  time_after(b, a)
#define time_after_eq(a, b)	  ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	  time_after_eq(b, a)
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a)  time_before(jiffies, a)

static inline unsigned long nsecs_to_jiffies(u64 ns)
{
	return (unsigned long)ns;
}

static inline unsigned long usecs_to_jiffies(unsigned int us)
{
	return us * 1000UL;
}

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms * 1000000UL;
}

static inline u64 jiffies_to_nsecs(unsigned long j)
{
	return j;
}

static inline unsigned int jiffies_to_usecs(unsigned long j)
{
	return (unsigned int)(j / 1000);
}

static inline unsigned int jiffies_to_msecs(unsigned long j)
{
	return (unsigned int)(j / 1000000);
}

#endif
