/* SPDX-License-Identifier: MIT */
/* The census of fds as text: the places that have made them, by name. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <dmafence/sync-file.h>

#include "diag/symbols.h"

/* The counts, in memory to be freed. Returns how many, or -errno. */
static int take(struct dma_fence_fd_count **counts)
{
	int there = dma_fence_fd_census(NULL, 0), room;

	*counts = NULL;
	do {
		if (there <= 0)
			return there;
		room = there;
		free(*counts);
		*counts = calloc((size_t)room, sizeof(**counts));
		if (!*counts)
			return -ENOMEM;
		there = dma_fence_fd_census(*counts, (size_t)room);
	} while (there > room); /* there are more meanwhile */
	return there;
}

static void print(const struct dma_fence_fd_count *counts, int count, FILE *out)
{
	char site[300];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(site, sizeof(site), "elsewhere");
		/* Not while it is written: who has that file locked may be waiting for the same. */
		if (counts[i].site)
			dma_fence_symbol_of_caller(counts[i].site, site, sizeof(site));
		fprintf(out,
			"%" PRIu64 " exported (%" PRIu64 " of them signaled), %" PRIu64
			" internal: %s\n",
			counts[i].exported, counts[i].signaled, counts[i].internal, site);
	}
}

int dma_fence_fd_census_print(FILE *out)
{
	struct dma_fence_fd_count *counts;
	int there = take(&counts);

	print(counts, there, out);
	free(counts);
	return there < 0 ? there : 0;
}
