/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/debug.h"

uint32_t dma_fence_debug;

static const struct {
	const char *word;
	enum debug what;
} words_known[] = {
	{ "locking", DEBUG_LOCKING },
};

static uint32_t meaning(const char *word, size_t length)
{
	size_t i;

	for (i = 0; i < sizeof(words_known) / sizeof(words_known[0]); i++) {
		if (strlen(words_known[i].word) == length &&
		    !memcmp(words_known[i].word, word, length))
			return words_known[i].what;
	}
	fprintf(stderr, "dmafence: DMA_FENCE_DEBUG: nothing is known by the name of '%.*s'\n",
		(int)length, word);
	return 0;
}

void dma_fence_debug_set(const char *words)
{
	uint32_t what = 0;
	size_t length;

	for (; words && *words; words += length + (words[length] == ',')) {
		length = strcspn(words, ",");
		if (length)
			what |= meaning(words, length);
	}
	atomic_store_relaxed(&dma_fence_debug, what);
}

__attribute__((constructor)) static void from_environment(void)
{
	dma_fence_debug_set(getenv("DMA_FENCE_DEBUG"));
}
