/* SPDX-License-Identifier: MIT */
/*
 * The library's part of RCU: what is deferred, and who waits for it.
 *
 * liburcu is a model: its grace periods end on a thread of its own, as soon as every section has
 * ended that was there when they began.
 */
#include <dmafence/rcu.h>

#include "base/atomic.h"
#include "support.h"

#define ITEMS 3

/* What is deferred. 'value' is the readers' to look at until it is freed. */
struct item {
	struct dma_fence_rcu_link link;
	int value;
	int number;
};

static struct item *items[ITEMS];
/* Of each: how many were freed with it, or 0. Written where grace periods end. */
static int freed[ITEMS];
static int freed_in_all;
/* Where readers find items[0] and [1]. */
static struct item *slots[2];
static uint32_t passed_on;

static void begin(void)
{
	int i;

	for (i = 0; i < ITEMS; i++) {
		items[i] = malloc(sizeof(*items[i]));
		model_assert(items[i]);
		*items[i] = (struct item){ .value = 1, .number = i };
	}
	slots[0] = items[0];
	slots[1] = items[1];
	model_name(slots, sizeof(slots), "slots");
	model_name(&passed_on, sizeof(passed_on), "passed on");
}

static void free_item(struct dma_fence_rcu_link *link)
{
	struct item *item = container_of(link, struct item, link);

	model_assert(item->number >= 0 && item->number < ITEMS);
	model_assert(!freed[item->number]);
	freed[item->number] = ++freed_in_all;
	item->value = 0;
	free(item);
}

static void defer(int number)
{
	dma_fence_rcu_defer(&items[number]->link, free_item);
}

static void defer_first(void)
{
	defer(0);
}

static void defer_second(void)
{
	defer(1);
}

static void defer_third(void)
{
	defer(2);
}

static void defer_first_and_second(void)
{
	defer(0);
	defer(1);
}

/* As the owner of what readers find: it goes from the slot, then from memory. */
static void retire(int number)
{
	atomic_store_release(&slots[number], NULL);
	defer(number);
}

static void retire_first(void)
{
	retire(0);
}

static void retire_second(void)
{
	retire(1);
}

static void retire_both(void)
{
	retire(0);
	retire(1);
}

static void look(int number)
{
	struct item *item = atomic_load_acquire(&slots[number]);

	if (item)
		model_assert(item->value == 1);
}

/* What was there at the beginning of a section stays to its end. */
static void read_first(void)
{
	struct item *item;

	dma_fence_rcu_read_lock();
	item = atomic_load_acquire(&slots[0]);
	if (item) {
		model_assert(item->value == 1);
		look(0);
		model_assert(item->value == 1);
	}
	dma_fence_rcu_read_unlock();
}

static void read_both(void)
{
	dma_fence_rcu_read_lock();
	look(0);
	look(1);
	dma_fence_rcu_read_unlock();
}

static void read_nested(void)
{
	struct item *item;

	dma_fence_rcu_read_lock();
	dma_fence_rcu_read_lock();
	item = atomic_load_acquire(&slots[0]);
	dma_fence_rcu_read_unlock();
	if (item)
		model_assert(item->value == 1);
	dma_fence_rcu_read_unlock();
}

static void read_twice(void)
{
	read_first();
	read_first();
}

/* Who defers inside a section may go on using it until that ends. */
static void defer_inside_section(void)
{
	dma_fence_rcu_read_lock();
	retire(0);
	model_assert(items[0]->value == 1);
	dma_fence_rcu_read_unlock();
}

static void barrier(int number)
{
	dma_fence_rcu_barrier();
	model_assert(freed[number]);
}

static void defer_first_and_wait(void)
{
	defer(0);
	barrier(0);
}

static void defer_second_and_wait(void)
{
	defer(1);
	barrier(1);
}

static void retire_first_and_wait(void)
{
	retire(0);
	barrier(0);
}

static void defer_two_and_wait(void)
{
	defer(0);
	defer(1);
	dma_fence_rcu_barrier();
	/* In the order in which they were deferred. */
	model_assert(freed[0] && freed[1] && freed[0] < freed[1]);
}

static void wait_between(void)
{
	defer(0);
	barrier(0);
	defer(1);
	barrier(1);
}

static void wait_for_nothing(void)
{
	dma_fence_rcu_barrier();
}

static void defer_first_and_pass_on(void)
{
	defer(0);
	atomic_store_release(&passed_on, 1);
}

/* In order also when another thread goes on. */
static void defer_second_if_passed_on(void)
{
	if (!atomic_load_acquire(&passed_on))
		return;
	defer(1);
	dma_fence_rcu_barrier();
	model_assert(freed[0] && freed[1] && freed[0] < freed[1]);
}

static void synchronize_and_free(void)
{
	atomic_store_release(&slots[0], NULL);
	dma_fence_rcu_synchronize();
	items[0]->value = 0;
	free(items[0]);
}

/* A deferred call that defers another: of what it does itself a barrier knows nothing. */
static void free_item_and_second(struct dma_fence_rcu_link *link)
{
	free_item(link);
	defer(1);
}

static void defer_first_then_second(void)
{
	dma_fence_rcu_defer(&items[0]->link, free_item_and_second);
}

static void defer_first_then_second_and_wait(void)
{
	defer_first_then_second();
	barrier(0);
	barrier(1);
}

/* What was not deferred is freed here; the barrier is for the rest. */
static void end(int from, int to)
{
	int i;

	dma_fence_rcu_barrier();
	model_assert(freed_in_all == to - from);
	for (i = 0; i < ITEMS; i++) {
		if (i >= from && i < to) {
			model_assert(freed[i]);
		} else {
			model_assert(!freed[i]);
			free(items[i]);
		}
	}
}

static void end_first(void)
{
	end(0, 1);
}

static void end_two(void)
{
	end(0, 2);
}

static void end_three(void)
{
	end(0, 3);
}

static void end_two_in_order(void)
{
	end(0, 2);
	model_assert(freed[0] < freed[1]);
}

static void end_three_in_order(void)
{
	end(0, 3);
	model_assert(freed[0] < freed[1]);
}

static void end_passed_on(void)
{
	end(0, freed[1] ? 2 : 1);
}

/* Two barriers: the second call is deferred while the first is made. */
static void end_one_by_one(void)
{
	dma_fence_rcu_barrier();
	end_two_in_order();
}

static void end_three_one_by_one(void)
{
	dma_fence_rcu_barrier();
	end_three_in_order();
}

static void end_synchronized(void)
{
	free(items[1]);
	free(items[2]);
}

const struct scenario rcu_scenarios[] = {
	{
		.name = "defer-reader",
		.begin = begin,
		.threads = { retire_first, read_first },
		.end = end_first,
	},
	{
		.name = "defer-reader-nested",
		.begin = begin,
		.threads = { retire_first, read_nested },
		.end = end_first,
	},
	{
		.name = "defer-reader-twice",
		.begin = begin,
		.threads = { retire_first, read_twice },
		.end = end_first,
	},
	{
		.name = "defer-inside-section",
		.begin = begin,
		.threads = { defer_inside_section, read_first },
		.end = end_first,
	},
	{
		.name = "defer-defer",
		.begin = begin,
		.threads = { defer_first, defer_second },
		.end = end_two,
	},
	{
		.name = "defer-defer-reader",
		.begin = begin,
		.threads = { retire_first, retire_second, read_both },
		.end = end_two,
	},
	{
		.name = "defer-two-reader",
		.begin = begin,
		.threads = { retire_both, read_both },
		.end = end_two_in_order,
	},
	{ .name = "defer-two-defer",
	  .begin = begin,
	  .threads = { defer_first_and_second, defer_third },
	  .end = end_three_in_order,
	  .short_bound = 2 },
	{ .name = "defer-three-threads",
	  .begin = begin,
	  .threads = { defer_first, defer_second, defer_third },
	  .end = end_three,
	  .bound = 3,
	  .short_bound = 2 },
	{
		.name = "defer-order-across-threads",
		.begin = begin,
		.threads = { defer_first_and_pass_on, defer_second_if_passed_on },
		.end = end_passed_on,
	},
	{
		.name = "defer-from-deferred",
		.begin = begin,
		.threads = { defer_first_then_second },
		.end = end_one_by_one,
	},
	{
		.name = "defer-from-deferred-defer",
		.begin = begin,
		.threads = { defer_first_then_second, defer_third },
		.end = end_three_one_by_one,
	},
	{
		.name = "barrier-from-deferred",
		.begin = begin,
		.threads = { defer_first_then_second_and_wait },
		.end = end_two_in_order,
	},
	{
		.name = "barrier-reader",
		.begin = begin,
		.threads = { retire_first_and_wait, read_first },
		.end = end_first,
	},
	{
		.name = "barrier-defer",
		.begin = begin,
		.threads = { defer_first_and_wait, defer_second },
		.end = end_two,
	},
	{ .name = "barrier-barrier",
	  .begin = begin,
	  .threads = { defer_first_and_wait, defer_second_and_wait },
	  .end = end_two,
	  .bound = 3,
	  .short_bound = 2 },
	{ .name = "barrier-after-two",
	  .begin = begin,
	  .threads = { defer_two_and_wait, defer_third },
	  .end = end_three_in_order,
	  .bound = 3,
	  .short_bound = 2 },
	{ .name = "barrier-between",
	  .begin = begin,
	  .threads = { wait_between, defer_third },
	  .end = end_three_in_order,
	  .bound = 3,
	  .short_bound = 2 },
	{
		.name = "barrier-for-nothing",
		.begin = begin,
		.threads = { wait_for_nothing, defer_first },
		.end = end_first,
	},
	{
		.name = "synchronize-reader",
		.begin = begin,
		.threads = { synchronize_and_free, read_first },
		.end = end_synchronized,
	},
	{
		.name = "synchronize-reader-nested",
		.begin = begin,
		.threads = { synchronize_and_free, read_nested },
		.end = end_synchronized,
	},
	{ 0 },
};
