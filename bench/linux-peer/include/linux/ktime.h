/* SPDX-License-Identifier: MIT */
/* Times: nanoseconds of CLOCK_MONOTONIC. */
#ifndef PEER_LINUX_KTIME_H
#define PEER_LINUX_KTIME_H

#include <time.h>
#include <linux/types.h>

typedef s64 ktime_t;

#define NSEC_PER_SEC  1000000000L
#define NSEC_PER_MSEC 1000000L

static inline ktime_t ktime_get(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ktime_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline ktime_t ns_to_ktime(u64 ns)
{
	return ns;
}

static inline s64 ktime_to_ns(ktime_t t)
{
	return t;
}

static inline ktime_t ktime_set(s64 s, unsigned long ns)
{
	return s * NSEC_PER_SEC + ns;
}

static inline bool ktime_after(ktime_t a, ktime_t b)
{
	return a > b;
}

static inline bool ktime_before(ktime_t a, ktime_t b)
{
	return a < b;
}

#define ktime_sub(a, b)	    ((a) - (b))
#define ktime_add_ns(t, ns) ((t) + (ns))

#endif
