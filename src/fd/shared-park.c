/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fd/shared-park.h"

int dma_fence_shared_park_wait(const uint32_t *word, uint32_t value, int64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / 1000000000),
		.tv_nsec = (long)(deadline % 1000000000),
	};

	if (!syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL,
		     FUTEX_BITSET_MATCH_ANY))
		return 0;
	return errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
}

void dma_fence_shared_park_wake(const uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count);
}
