/* SPDX-License-Identifier: MIT */
/* linux/random.h - numbers for tests, not for secrets; the same in each run, for each thread */
#ifndef LINUX_COMPAT_RANDOM_H
#define LINUX_COMPAT_RANDOM_H

#include <linux/types.h>

u32 get_random_u32(void) LINUX_SYMBOL(get_random_u32);

static inline u64 get_random_u64(void)
{
	const u64 high = get_random_u32();

	return high << 32 | get_random_u32();
}

static inline u32 get_random_u32_below(u32 ceil)
{
	return (u32)((u64)get_random_u32() * ceil >> 32);
}

static inline u32 get_random_u32_inclusive(u32 floor, u32 ceil)
{
	return floor + get_random_u32_below(ceil - floor + 1);
}

#endif
