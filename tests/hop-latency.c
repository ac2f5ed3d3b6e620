/* SPDX-License-Identifier: MIT */
/*
 * An array completes on the thread that signals its last member, before that signal returns, and
 * no other thread takes part, in whatever order the members signal. Moving on once needed a hop
 * through deferred work, one for each member in the worst order.
 */
#include <dirent.h>

#include "support.h"

#define MEMBERS 1000

struct witness {
	struct dma_fence_cb cb;
	pthread_t thread;
	int ran;
};

static void witness_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct witness *witness = container_of(cb, struct witness, cb);

	(void)fence;
	witness->thread = pthread_self();
	witness->ran++;
}

static int threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void on_the_signaling_thread(void **state)
{
	static struct dma_fence members[MEMBERS];
	int before = threads(), order, i;

	(void)state;
	for (order = 0; order < 3; order++) {
		struct dma_fence_array *array;
		struct witness witness = { 0 };

		for (i = 0; i < MEMBERS; i++)
			fence_init(&members[i]);
		array = array_of_fences(members, MEMBERS);
		assert_int_equal(dma_fence_add_callback(&array->base, &witness.cb, witness_call),
				 0);
		for (i = 0; i < MEMBERS; i++) {
			/* backwards, which is the worst; forwards; and in steps of 7 */
			int n = order == 0 ? MEMBERS - 1 - i : order == 1 ? i : i * 7 % MEMBERS;

			assert_false(dma_fence_test_signaled_flag(&array->base));
			dma_fence_signal(&members[n]);
		}
		assert_true(dma_fence_test_signaled_flag(&array->base));
		assert_int_equal(witness.ran, 1);
		assert_true(pthread_equal(witness.thread, pthread_self()));
		assert_int_equal(threads(), before);
		/* The callback has let go of it, too. */
		assert_int_equal(array->base.refcount, 1);
		for (i = 0; i < MEMBERS; i++)
			assert_int_equal(members[i].refcount, 2);
		dma_fence_put(&array->base);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_put(&members[i]);
		before = threads(); /* freeing may have started the thread that frees */
	}
}

/* Signaled from a callback, it is signaled at once all the same; only its callbacks come later. */
struct trigger {
	struct dma_fence_cb cb;
	struct dma_fence *members;
	struct dma_fence_array *array;
	struct witness *witness;
};

static void signal_members(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct trigger *trigger = container_of(cb, struct trigger, cb);

	(void)fence;
	/* The first has the array's callback, which therefore waits for this one to return. */
	dma_fence_signal(&trigger->members[0]);
	dma_fence_signal(&trigger->members[1]);
	assert_true(dma_fence_is_signaled(&trigger->array->base));
	assert_int_equal(trigger->witness->ran, 0);
	assert_true(dma_fence_poll(&trigger->array->base));
	assert_true(dma_fence_test_signaled_flag(&trigger->array->base));
	assert_int_equal(trigger->witness->ran, 0);
}

static void from_a_callback(void **state)
{
	struct dma_fence members[2], first;
	struct witness witness = { 0 };
	struct trigger trigger = { .members = members, .witness = &witness };

	(void)state;
	fence_init(&first);
	fence_init(&members[0]);
	fence_init(&members[1]);
	trigger.array = array_of_fences(members, 2);
	assert_int_equal(dma_fence_add_callback(&first, &trigger.cb, signal_members), 0);
	assert_int_equal(dma_fence_add_callback(&trigger.array->base, &witness.cb, witness_call),
			 0);
	dma_fence_signal(&first);
	assert_int_equal(witness.ran, 1);
	assert_true(pthread_equal(witness.thread, pthread_self()));
	dma_fence_put(&trigger.array->base);
	dma_fence_put(&first);
	dma_fence_put(&members[0]);
	dma_fence_put(&members[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_signaling_thread),
		cmocka_unit_test(from_a_callback),
	};

	return RUN(tests);
}
