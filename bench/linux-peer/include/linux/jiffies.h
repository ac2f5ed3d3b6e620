/* SPDX-License-Identifier: MIT */
/* HZ is 1000; jiffies are made of the clock when they are read. */
#ifndef PEER_LINUX_JIFFIES_H
#define PEER_LINUX_JIFFIES_H

#include <linux/ktime.h>

#define HZ		    1000
#define PEER_NS_PER_JIFFY   (NSEC_PER_SEC / HZ)
#define jiffies		    ((unsigned long)(ktime_get() / PEER_NS_PER_JIFFY))
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)

#endif
