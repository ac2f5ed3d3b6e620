/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <dmafence/array.h>
#include <dmafence/unwrap.h>

#include "harness.h"
#include "members.h"
#include "merges.h"

#define MERGES_PER_SAMPLE 64
#define MOST_CONTEXTS	  512

enum {
	FIRST,
	SECOND,
	ARRAYS,
};

static struct dma_fence *merged[MERGES_PER_SAMPLE];

static struct dma_fence *make_array(const struct merge_case *of, unsigned int array)
{
	const unsigned int first_member = array * of->contexts;
	const uint64_t first_context = 1 + (of->same ? 0 : first_member);
	struct dma_fence **fences = malloc(of->contexts * sizeof(*fences));
	struct dma_fence_array *made;
	uint32_t order[MOST_CONTEXTS];
	unsigned int i;

	if (!fences)
		bench_fail("out of memory");
	for (i = 0; i < of->contexts; i++)
		order[i] = i;
	bench_shuffle(order, of->contexts);
	for (i = 0; i < of->contexts; i++) {
		fences[i] = bench_member(first_member + i);
		dma_fence_init(fences[i], &embedded_ops, first_context + order[i], 1 + array);
		dma_fence_get(fences[i]);
	}
	made = dma_fence_array_create((int)of->contexts, fences, 1 << 20, 1 + array);
	if (!made)
		bench_fail("out of memory");
	return &made->base;
}

/* What is timed; functions of their own, for callgrind. */

static __attribute__((noinline)) void merge(struct dma_fence *const *arrays, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		merged[i] = dma_fence_unwrap_merge(arrays[FIRST], arrays[SECOND]);
}

static __attribute__((noinline)) void put_merged(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_put(merged[i]);
}

static void check_merged(const struct merge_case *of, unsigned int count)
{
	const unsigned int expected = of->same ? of->contexts : ARRAYS * of->contexts;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct dma_fence_array *array = to_dma_fence_array(merged[i]);

		if (!array || array->num_fences != expected)
			bench_fail("the merge does not have %u members", expected);
	}
}

void bench_merge(uint64_t ops, double *results, const void *merge_case)
{
	const struct merge_case *of = merge_case;
	const unsigned int members = ARRAYS * of->contexts;
	const unsigned int each = ops < MERGES_PER_SAMPLE ? (unsigned int)ops : MERGES_PER_SAMPLE;
	struct dma_fence *arrays[ARRAYS] = { make_array(of, FIRST), make_array(of, SECOND) };
	const uint64_t count = ops / each;
	double *samples[BENCH_MERGE_ROWS];
	int64_t begin, between, end;
	unsigned int i;
	uint64_t s;

	for (i = 0; i < BENCH_MERGE_ROWS; i++)
		samples[i] = bench_new_samples(count);
	for (s = 0; s < count; s++) {
		begin = bench_now();
		merge(arrays, each);
		between = bench_now();
		check_merged(of, each);
		end = bench_now();
		put_merged(each);
		samples[0][s] = (double)(between - begin) / each;
		samples[1][s] = (double)(bench_now() - end) / each;
		bench_deferred(each * sizeof(struct dma_fence_array));
	}
	for (i = 0; i < BENCH_MERGE_ROWS; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}

	/* They are members of arrays: who drops them has to signal them. */
	for (i = 0; i < members; i++)
		dma_fence_signal(bench_member(i));
	for (i = 0; i < ARRAYS; i++)
		dma_fence_put(arrays[i]);
	bench_put_members(members);
}
