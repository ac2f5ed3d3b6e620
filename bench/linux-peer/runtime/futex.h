/* SPDX-License-Identifier: MIT */
/* The system call. Its numbers are the ABI's: <linux/futex.h> would be looked for in the shims. */
#ifndef PEER_FUTEX_H
#define PEER_FUTEX_H

#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PEER_FUTEX_WAKE_PRIVATE	       (1 | 128)
#define PEER_FUTEX_WAIT_BITSET_PRIVATE (9 | 128)

/* The deadline is one of CLOCK_MONOTONIC; NULL for none. */
static inline long futex_wait(int *word, int value, const struct timespec *deadline)
{
	return syscall(SYS_futex, word, PEER_FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, -1);
}

static inline void futex_wake(int *word)
{
	syscall(SYS_futex, word, PEER_FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
