/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/futex.h"
#include "fd/shared-park.h"

int dma_fence_shared_park_wait(const uint32_t *word, uint32_t value, int64_t deadline)
{
	struct timespec until = futex_time(deadline);

	if (!futex_wait(word, 0, value, &until))
		return 0;
	return errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
}

void dma_fence_shared_park_wake(const uint32_t *word, int count)
{
	futex_wake(word, 0, count);
}
