/* SPDX-License-Identifier: MIT */
/* linux/ktime.h - nanoseconds of CLOCK_MONOTONIC */
#ifndef LINUX_COMPAT_KTIME_H
#define LINUX_COMPAT_KTIME_H

#include <time.h>

#include <linux/types.h>

typedef s64 ktime_t;

#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_SEC  1000000000L
#define USEC_PER_MSEC 1000L
#define USEC_PER_SEC  1000000L
#define MSEC_PER_SEC  1000L
#define KTIME_MAX     INT64_MAX

static inline ktime_t ktime_get(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (ktime_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static inline u64 ktime_get_ns(void)
{
	return (u64)ktime_get();
}

static inline ktime_t ktime_set(s64 secs, unsigned long nsecs)
{
	return secs * NSEC_PER_SEC + (s64)nsecs;
}

static inline ktime_t ns_to_ktime(u64 ns)
{
	return (ktime_t)ns;
}

static inline ktime_t us_to_ktime(u64 us)
{
	return (ktime_t)us * NSEC_PER_USEC;
}

static inline ktime_t ms_to_ktime(u64 ms)
{
	return (ktime_t)ms * NSEC_PER_MSEC;
}

static inline s64 ktime_to_ns(ktime_t time)
{
	return time;
}

static inline s64 ktime_to_us(ktime_t time)
{
	return time / NSEC_PER_USEC;
}

static inline s64 ktime_to_ms(ktime_t time)
{
	return time / NSEC_PER_MSEC;
}

static inline int ktime_compare(ktime_t a, ktime_t b)
{
	return (a > b) - (a < b);
}

static inline bool ktime_after(ktime_t a, ktime_t b)
{
	return a > b;
}

static inline bool ktime_before(ktime_t a, ktime_t b)
{
	return a < b;
}

#define ktime_sub(a, b)	       ((a) - (b))
#define ktime_add(a, b)	       ((a) + (b))
#define ktime_add_ns(time, ns) ((time) + (s64)(ns))
#define ktime_add_us(time, us) ((time) + (s64)(us)*NSEC_PER_USEC)
#define ktime_add_ms(time, ms) ((time) + (s64)(ms)*NSEC_PER_MSEC)
#define ktime_sub_ns(time, ns) ((time) - (s64)(ns))

#endif
