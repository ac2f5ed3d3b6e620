/* SPDX-License-Identifier: MIT */
/* Operations on arrays. An operation is one of a member. */
#include <malloc.h>

#include "side.h"

#define MOST_ARRAYS 4096

/* Some more where memory is counted, see side_array_bytes(). */
#define UNCOUNTED 8

static struct dma_fence **vectors[UNCOUNTED + MOST_ARRAYS];
static struct dma_fence_array *arrays[UNCOUNTED + MOST_ARRAYS];
static struct dma_fence_cb callbacks[UNCOUNTED + MOST_ARRAYS];

SIDE_INLINE void create_arrays(unsigned int first, unsigned int end, unsigned int members)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		arrays[i] = side_array_create(members, vectors[i], 1);
		if (!arrays[i])
			side_host->fail("out of memory");
	}
}

SIDE_INLINE void enable_arrays(unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		dma_fence_add_callback(&arrays[i]->base, &callbacks[i], side_count_call);
}

SIDE_INLINE void signal_members(unsigned int members, const uint32_t *order, bool clock)
{
	unsigned int i;

	for (i = 0; i < members; i++)
		side_signal(side_member(order ? order[i] : i), clock);
}

static void put_arrays(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_put(&arrays[i]->base);
}

/* Phases: create, enable, signal all, release. */
SIDE_INLINE void live(unsigned int count, const struct side_case *of, double *times, bool clock)
{
	times[0] = side_now();
	create_arrays(0, count, of->count);
	times[1] = side_now();
	enable_arrays(0, count);
	times[2] = side_now();
	signal_members(count * of->count, of->order, clock);
	side_wait_called(count);
	times[3] = side_now();
	put_arrays(count);
	times[4] = side_now();
}

void side_array(uint64_t ops, const struct side_case *of, double *ns)
{
	unsigned int count = (unsigned int)(ops / of->count), members = count * of->count, i;
	double times[5];

	if (count > MOST_ARRAYS)
		side_host->fail("too many arrays in one sample");
	side_init_members(members);
	for (i = 0; i < count; i++)
		vectors[i] = side_vector(i * of->count, of->count);
	if (of->clock)
		live(count, of, times, true);
	else
		live(count, of, times, false);
	for (i = 0; i < 4; i++)
		ns[i] = times[i + 1] - times[i];
	side_flush();
	side_check_called(count);
	side_put_members(members);
	side_deferred(count * sizeof(struct dma_fence_array) +
		      members * sizeof(struct dma_fence_cb));
}

/*
 * How many bytes of malloc() an array takes, beside its caller's vector. malloc() keeps a few
 * blocks of each size for the thread, and counts them as used whether they are or not: some arrays,
 * which are not counted, use these up.
 */

static double used_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd);
}

void side_array_bytes(uint64_t ops, const struct side_case *of, double *ns)
{
	unsigned int count = (unsigned int)(ops / of->count), i;
	double bytes;

	if (count > MOST_ARRAYS)
		side_host->fail("too many arrays in one sample");
	side_settle();
	side_init_members(of->count);
	for (i = 0; i < UNCOUNTED + count; i++)
		vectors[i] = side_vector(0, of->count);
	create_arrays(0, UNCOUNTED, of->count);
	enable_arrays(0, UNCOUNTED);
	bytes = used_bytes();
	create_arrays(UNCOUNTED, UNCOUNTED + count, of->count);
	enable_arrays(UNCOUNTED, UNCOUNTED + count);
	*ns = used_bytes() - bytes;
	signal_members(of->count, NULL, false);
	side_check_called(UNCOUNTED + count);
	put_arrays(UNCOUNTED + count);
	side_put_members(of->count);
	side_settle();
}
