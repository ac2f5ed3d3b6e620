/* SPDX-License-Identifier: MIT */
/* Random numbers: xorshift64*, a sequence for each thread, by the order in which they first ask. */
#include <linux/random.h>

u32 get_random_u32(void)
{
	static u64 threads;
	static __thread u64 state;

	if (!state)
		state = (__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) *
			 0xbf58476d1ce4e5b9ull) |
			1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (u32)(state * 0x2545f4914f6cdd1dull >> 32);
}
