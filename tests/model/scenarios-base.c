/* SPDX-License-Identifier: MIT */
/* The ground by itself: the lock, events, sleeping on a word, reference counts, run queues. */
#include "base/atomic.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/refcount.h"
#include "base/run-queue.h"
#include "support.h"

/* What a deadline is ahead; that it comes is up to the scheduler. */
#define A_WHILE 1000

/* The lock */

static struct lock lock;
static int counter;

static void lock_begin(void)
{
	model_name(&lock, sizeof(lock), "lock");
}

static void count_locked(void)
{
	int before;

	lock_acquire(&lock);
	before = counter;
	counter = before + 1;
	lock_release(&lock);
}

static void count_locked_twice(void)
{
	count_locked();
	count_locked();
}

static void lock_end(void)
{
	model_assert(lock.state == LOCK_FREE);
}

static void lock_two_end(void)
{
	lock_end();
	model_assert(counter == 2);
}

static void lock_three_end(void)
{
	lock_end();
	model_assert(counter == 3);
}

static void lock_four_end(void)
{
	lock_end();
	model_assert(counter == 4);
}

/* Whoever holds the lock last frees what it protects: a release does not touch the lock after. */
struct lock_in_memory {
	struct lock lock;
	int users;
};

static struct lock_in_memory *in_memory;

static void lock_free_begin(void)
{
	in_memory = malloc(sizeof(*in_memory));
	model_assert(in_memory);
	in_memory->lock = (struct lock){ 0 };
	in_memory->users = 2;
	model_name(&in_memory->lock, sizeof(in_memory->lock), "lock");
}

static void lock_free_leave(void)
{
	int left;

	lock_acquire(&in_memory->lock);
	left = --in_memory->users;
	lock_release(&in_memory->lock);
	if (!left)
		free(in_memory);
}

/* Events */

static struct park_event *event;
static int posted_data;
static uint32_t posted_by[2];

static void event_begin(void)
{
	event = malloc(sizeof(*event));
	model_assert(event);
	*event = (struct park_event){ 0 };
	model_name(event, sizeof(*event), "event");
}

static void event_end(void)
{
	free(event);
}

static void post(void)
{
	posted_data = 1;
	park_event_post(event);
}

static void check_posted(void)
{
	model_assert(posted_data == 1);
	model_assert(event->state == PARK_EVENT_POSTED);
}

static void event_wait(void)
{
	model_assert(dma_fence_park_event_wait(event, false, CLOCK_NEVER) == 0);
	check_posted();
	/* The poster uses no more of it than its address. */
	free(event);
}

static void event_wait_interruptible(void)
{
	int ret = dma_fence_park_event_wait(event, true, CLOCK_NEVER);

	if (ret) {
		model_assert(ret == -EINTR);
		/* Who was interrupted may wait again. */
		model_assert(dma_fence_park_event_wait(event, false, CLOCK_NEVER) == 0);
	}
	check_posted();
}

static void event_wait_for_a_while(void)
{
	int ret = dma_fence_park_event_wait(event, false, clock_deadline(A_WHILE));

	if (ret) {
		model_assert(ret == -ETIMEDOUT);
		model_assert(dma_fence_park_event_wait(event, false, CLOCK_NEVER) == 0);
	}
	check_posted();
}

static void event_times_out(void)
{
	model_assert(dma_fence_park_event_wait(event, false, clock_deadline(A_WHILE)) ==
		     -ETIMEDOUT);
	model_assert(dma_fence_park_event_wait(event, true, clock_deadline(A_WHILE)) == -ETIMEDOUT);
}

static void event_is_interrupted(void)
{
	model_assert(dma_fence_park_event_wait(event, true, CLOCK_NEVER) == -EINTR);
}

static void post_first(void)
{
	atomic_store_relaxed(&posted_by[0], 1);
	park_event_post(event);
}

static void post_second(void)
{
	atomic_store_relaxed(&posted_by[1], 1);
	park_event_post(event);
}

static void event_wait_for_either(void)
{
	model_assert(dma_fence_park_event_wait(event, false, CLOCK_NEVER) == 0);
	model_assert(atomic_load_relaxed(&posted_by[0]) || atomic_load_relaxed(&posted_by[1]));
}

/* Sleeping on a word */

static uint32_t word, answer;
static uint64_t wide_word;
static int word_data, answer_data;

static void word_begin(void)
{
	model_name(&word, sizeof(word), "word");
	model_name(&answer, sizeof(answer), "answer");
	model_name(&wide_word, sizeof(wide_word), "wide word");
}

static void sleep_until_set(const uint32_t *set)
{
	int ret;

	while (!atomic_load_acquire(set)) {
		ret = dma_fence_park_wait(set, 0, CLOCK_NEVER);
		model_assert(!ret);
	}
}

static void set_and_wake(uint32_t *set)
{
	atomic_store_release(set, 1);
	dma_fence_park_wake(set);
}

static void word_set(void)
{
	word_data = 1;
	set_and_wake(&word);
}

static void word_sleep(void)
{
	sleep_until_set(&word);
	model_assert(word_data == 1);
}

static void word_ask(void)
{
	word_set();
	sleep_until_set(&answer);
	model_assert(answer_data == 1);
}

static void word_answer(void)
{
	word_sleep();
	answer_data = 1;
	set_and_wake(&answer);
}

static void word_sleep_for_a_while(void)
{
	int64_t deadline = clock_deadline(A_WHILE);
	int ret;

	while (!atomic_load_acquire(&word)) {
		ret = dma_fence_park_wait(&word, 0, deadline);
		if (ret) {
			model_assert(ret == -ETIMEDOUT);
			return;
		}
	}
	model_assert(word_data == 1);
}

/* Nobody sets it. */
static void word_differs(void)
{
	model_assert(dma_fence_park_wait(&word, 1, CLOCK_NEVER) == 0);
}

static void word_interrupted(void)
{
	model_assert(dma_fence_park_wait(&word, 0, CLOCK_NEVER) == -EINTR);
}

/* The low half of a word that is changed as a whole; its high half is not what is compared. */
static void half_set(void)
{
	atomic_store_relaxed(&wide_word, UINT64_C(1) << 32);
	word_data = 1;
	atomic_store_release(&wide_word, UINT64_C(1) << 32 | 1);
	dma_fence_park_wake(park_low_half(&wide_word));
}

static void half_sleep(void)
{
	while (!(atomic_load_acquire(&wide_word) & 1))
		dma_fence_park_wait(park_low_half(&wide_word), 0, CLOCK_NEVER);
	model_assert(word_data == 1);
}

/* Reference counts */

static uint32_t count;
static enum refcount_result results[3];
/* What the references are to; the last put frees it. */
static int *object;
static int left_by[3];

static void count_begin(uint32_t references)
{
	model_name(&count, sizeof(count), "count");
	count = references;
	object = malloc(sizeof(*object));
	model_assert(object);
	*object = 1;
}

static void count_begin_one(void)
{
	count_begin(1);
}

static void count_begin_two(void)
{
	count_begin(2);
}

static void count_begin_three(void)
{
	count_begin(3);
}

static void count_begin_full(void)
{
	count_begin(INT32_MAX);
}

static enum refcount_result put_object(void)
{
	enum refcount_result result = refcount_put(&count);

	if (result == REFCOUNT_LAST) {
		model_assert(*object == 1);
		free(object);
	}
	return result;
}

static void put_as(unsigned int thread)
{
	left_by[thread] = 1;
	results[thread] = put_object();
}

static void put_first(void)
{
	put_as(0);
}

static void put_second(void)
{
	put_as(1);
}

static void put_third(void)
{
	put_as(2);
}

/* For two or three who each put their own. The last sees what the others did before their puts. */
static void put_and_look(unsigned int thread, unsigned int threads)
{
	unsigned int i;

	left_by[thread] = 1;
	results[thread] = refcount_put(&count);
	if (results[thread] != REFCOUNT_LAST) {
		model_assert(results[thread] == REFCOUNT_OK);
		return;
	}
	for (i = 0; i < threads; i++)
		model_assert(left_by[i] == 1);
	free(object);
}

static void put_first_of_two(void)
{
	put_and_look(0, 2);
}

static void put_second_of_two(void)
{
	put_and_look(1, 2);
}

static void put_first_of_three(void)
{
	put_and_look(0, 3);
}

static void put_second_of_three(void)
{
	put_and_look(1, 3);
}

static void put_third_of_three(void)
{
	put_and_look(2, 3);
}

static unsigned int how_many(enum refcount_result result, unsigned int threads)
{
	unsigned int i, n = 0;

	for (i = 0; i < threads; i++)
		n += results[i] == result;
	return n;
}

static void count_end_two(void)
{
	model_assert(count == 0);
	model_assert(how_many(REFCOUNT_LAST, 2) == 1);
}

static void count_end_three(void)
{
	model_assert(count == 0);
	model_assert(how_many(REFCOUNT_LAST, 3) == 1);
}

/* As who found the object under RCU: results[1] is what came of that, results[2] of its put. */
static void get_not_zero(void)
{
	results[1] = refcount_get_not_zero(&count);
	if (results[1] == REFCOUNT_OK) {
		model_assert(*object == 1);
		results[2] = put_object();
	} else {
		model_assert(results[1] == REFCOUNT_ZERO);
	}
}

static void get_not_zero_end(void)
{
	model_assert(count == 0);
	if (results[1] == REFCOUNT_OK)
		model_assert((results[0] == REFCOUNT_LAST) != (results[2] == REFCOUNT_LAST));
	else
		model_assert(results[0] == REFCOUNT_LAST);
}

/* One put too many: it is told apart from the last one, whichever came later. */
static void put_too_many_end(void)
{
	model_assert(how_many(REFCOUNT_LAST, 2) == 1);
	model_assert(how_many(REFCOUNT_UNDERFLOW, 2) == 1);
	model_assert(count == REFCOUNT_SATURATED);
}

static void put_two_too_many_end(void)
{
	model_assert(how_many(REFCOUNT_LAST, 3) == 1);
	model_assert(how_many(REFCOUNT_UNDERFLOW, 3) == 1);
	model_assert(how_many(REFCOUNT_OK, 3) == 1);
	model_assert(count == REFCOUNT_SATURATED);
}

/* A get by somebody who has no reference; with that of the put gone, too, none is left to put. */
static void get_without_reference(void)
{
	results[1] = refcount_get(&count);
}

static void get_without_reference_end(void)
{
	if (results[1] == REFCOUNT_OK) {
		model_assert(results[0] == REFCOUNT_OK);
		model_assert(count == 1);
		free(object);
	} else {
		model_assert(results[1] == REFCOUNT_DEAD);
		model_assert(results[0] == REFCOUNT_LAST);
		model_assert(count == REFCOUNT_SATURATED);
	}
}

static void get_full_first(void)
{
	results[0] = refcount_get(&count);
}

static void get_full_second(void)
{
	results[1] = refcount_get_not_zero(&count);
}

static void put_full_second(void)
{
	results[1] = refcount_put(&count);
}

static void get_get_full_end(void)
{
	model_assert(how_many(REFCOUNT_OVERFLOW, 2) == 1);
	model_assert(how_many(REFCOUNT_OK, 2) == 1);
	model_assert(count == REFCOUNT_SATURATED);
	free(object);
}

static void get_put_full_end(void)
{
	model_assert(results[1] == REFCOUNT_OK);
	if (results[0] == REFCOUNT_OVERFLOW) {
		model_assert(count == REFCOUNT_SATURATED);
	} else {
		model_assert(results[0] == REFCOUNT_OK);
		model_assert(count == INT32_MAX);
	}
	free(object);
}

/* Run queues: each thread has its own, though all have the same name. */

static struct dma_fence_run_link entries[2][3];
static int tick;

/* Lets another thread in. */
static void let_in(void)
{
	atomic_fetch_add_relaxed(&tick, 1);
}

static void use_queue(struct run_queue *queue, struct dma_fence_run_link *mine)
{
	model_assert(!run_queue_active(queue));
	run_queue_begin(queue);
	queue->current = mine;
	let_in();
	model_assert(run_queue_active(queue));
	model_assert(!run_queue_pop(queue));
	run_queue_push(queue, &mine[0]);
	run_queue_push(queue, &mine[1]);
	let_in();
	model_assert(run_queue_pop(queue) == &mine[0]);
	run_queue_push(queue, &mine[2]);
	let_in();
	model_assert(queue->current == mine);
	model_assert(run_queue_pop(queue) == &mine[1]);
	model_assert(run_queue_pop(queue) == &mine[2]);
	model_assert(!run_queue_pop(queue));
	queue->current = NULL;
	run_queue_end(queue);
	model_assert(!run_queue_active(queue));
}

static void use_run_queue_first(void)
{
	use_queue(run_queue_of_thread(), entries[0]);
}

static void use_run_queue_second(void)
{
	use_queue(run_queue_of_thread(), entries[1]);
}

/* The two of one thread do not know of each other either. */
static void use_release_queue_second(void)
{
	struct run_queue *other = run_queue_of_thread();

	run_queue_begin(other);
	use_queue(release_queue_of_thread(), entries[1]);
	model_assert(run_queue_active(other));
	model_assert(!run_queue_pop(other));
	run_queue_end(other);
}

const struct scenario base_scenarios[] = {
	{
		.name = "lock-two",
		.begin = lock_begin,
		.threads = { count_locked, count_locked },
		.end = lock_two_end,
	},
	{
		.name = "lock-two-again-and-again",
		.begin = lock_begin,
		.threads = { count_locked_twice, count_locked_twice },
		.end = lock_four_end,
	},
	{
		.name = "lock-three",
		.begin = lock_begin,
		.threads = { count_locked, count_locked, count_locked },
		.end = lock_three_end,
	},
	{
		.name = "lock-released-and-freed",
		.begin = lock_free_begin,
		.threads = { lock_free_leave, lock_free_leave },
	},
	{
		.name = "event-post-wait",
		.begin = event_begin,
		.threads = { post, event_wait },
	},
	{
		.name = "event-post-post-wait",
		.begin = event_begin,
		.threads = { post_first, post_second, event_wait_for_either },
		.end = event_end,
	},
	{
		.name = "event-post-wait-deadline",
		.begin = event_begin,
		.threads = { post, event_wait_for_a_while },
		.end = event_end,
	},
	{
		.name = "event-post-wait-interrupt",
		.begin = event_begin,
		.threads = { post, event_wait_interruptible },
		.end = event_end,
		.interrupts = true,
	},
	{
		.name = "event-post-wait-not-interruptible",
		.begin = event_begin,
		.threads = { post, event_wait },
		.interrupts = true,
	},
	{
		.name = "event-never-posted-deadline",
		.begin = event_begin,
		.threads = { event_times_out },
		.end = event_end,
	},
	{
		.name = "event-never-posted-interrupt",
		.begin = event_begin,
		.threads = { event_is_interrupted },
		.end = event_end,
		.interrupts = true,
	},
	{
		.name = "park-wake-wait",
		.begin = word_begin,
		.threads = { word_set, word_sleep },
	},
	{
		.name = "park-wake-two-sleepers",
		.begin = word_begin,
		.threads = { word_set, word_sleep, word_sleep },
	},
	{
		.name = "park-ask-answer",
		.begin = word_begin,
		.threads = { word_ask, word_answer },
	},
	{
		.name = "park-wake-wait-deadline",
		.begin = word_begin,
		.threads = { word_set, word_sleep_for_a_while },
	},
	{
		.name = "park-value-differs",
		.begin = word_begin,
		.threads = { word_differs },
	},
	{
		.name = "park-interrupt",
		.begin = word_begin,
		.threads = { word_interrupted },
		.interrupts = true,
	},
	{
		.name = "park-low-half",
		.begin = word_begin,
		.threads = { half_set, half_sleep },
	},
	{
		.name = "refcount-put-put",
		.begin = count_begin_two,
		.threads = { put_first_of_two, put_second_of_two },
		.end = count_end_two,
	},
	{
		.name = "refcount-put-put-put",
		.begin = count_begin_three,
		.threads = { put_first_of_three, put_second_of_three, put_third_of_three },
		.end = count_end_three,
	},
	{
		.name = "refcount-put-get-not-zero",
		.begin = count_begin_one,
		.threads = { put_first, get_not_zero },
		.end = get_not_zero_end,
	},
	{
		.name = "refcount-put-too-many",
		.begin = count_begin_one,
		.threads = { put_first, put_second },
		.end = put_too_many_end,
	},
	{
		.name = "refcount-put-two-too-many",
		.begin = count_begin_one,
		.threads = { put_first, put_second, put_third },
		.end = put_two_too_many_end,
	},
	{
		.name = "refcount-put-get-too-late",
		.begin = count_begin_one,
		.threads = { put_first, get_without_reference },
		.end = get_without_reference_end,
	},
	{
		.name = "refcount-get-get-overflow",
		.begin = count_begin_full,
		.threads = { get_full_first, get_full_second },
		.end = get_get_full_end,
	},
	{
		.name = "refcount-get-put-overflow",
		.begin = count_begin_full,
		.threads = { get_full_first, put_full_second },
		.end = get_put_full_end,
	},
	{
		.name = "run-queue-of-each-thread",
		.threads = { use_run_queue_first, use_run_queue_second },
	},
	{
		.name = "run-queue-and-release-queue",
		.threads = { use_run_queue_first, use_release_queue_second },
	},
	{ 0 },
};
