/* SPDX-License-Identifier: MIT */
/*
 * The futex call, as it is made here: deadlines on the clock of base/clock.h, which are 64 bits wide
 * where a long is 32, too.
 */
#ifndef DMAFENCE_BASE_FUTEX_H
#define DMAFENCE_BASE_FUTEX_H

#include <assert.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static_assert(sizeof(((struct timespec *)0)->tv_sec) == 8, "times of 64 bits: -D_TIME_BITS=64");

/* What SYS_futex is given there is a struct timespec of 32 bits. */
#ifdef SYS_futex_time64
#define FUTEX_CALL SYS_futex_time64
#else
#define FUTEX_CALL SYS_futex
#endif

static inline struct timespec futex_time(int64_t deadline)
{
	return (struct timespec){
		.tv_sec = (time_t)(deadline / 1000000000),
		.tv_nsec = (long)(deadline % 1000000000),
	};
}

/* Returns 0, or -1 with errno. @until: NULL for no deadline; @flag: 0 or FUTEX_PRIVATE_FLAG. */
static inline long futex_wait(const uint32_t *word, int flag, uint32_t value,
			      const struct timespec *until)
{
	return syscall(FUTEX_CALL, word, FUTEX_WAIT_BITSET | flag, value, until, NULL,
		       FUTEX_BITSET_MATCH_ANY);
}

static inline void futex_wake(const uint32_t *word, int flag, int count)
{
	syscall(FUTEX_CALL, word, FUTEX_WAKE | flag, count);
}

#endif
