/* SPDX-License-Identifier: MIT */
/*
 * An array of which no member failed has not failed, by whatever path it completes: nothing that
 * said "no error yet" on the way is left in its error.
 */
#include "support.h"

#define MEMBERS 3

enum path {
	BY_CALLBACK, /* the callback rolls to the end */
	BY_ENABLING, /* all have signaled when it is enabled */
	BY_POLLING,  /* nobody has enabled it */
	BY_WAITING,  /* all have signaled when somebody waits */
	BY_BOTH,     /* polled by a callback of the last member, before its own runs */
	PATHS,
};

static void poll_array(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	assert_true(dma_fence_poll(*(struct dma_fence **)(void *)(cb + 1)));
}

static void without_an_error(void **state)
{
	enum path path;
	int i;

	(void)state;
	for (path = 0; path < PATHS; path++) {
		struct {
			struct dma_fence_cb cb;
			struct dma_fence *array;
		} poller;
		struct dma_fence members[MEMBERS];
		struct dma_fence_array *array;
		struct counter counter = { 0 };
		char text[256] = "";
		FILE *file;

		for (i = 0; i < MEMBERS; i++)
			fence_init(&members[i]);
		array = array_of_fences(members, MEMBERS);
		poller.array = &array->base;
		if (path == BY_BOTH)
			assert_int_equal(
				dma_fence_add_callback(&members[0], &poller.cb, poll_array), 0);
		if (path == BY_CALLBACK || path == BY_BOTH)
			assert_int_equal(
				dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
		for (i = MEMBERS - 1; i >= 0; i--)
			dma_fence_signal_timestamp(&members[i], 100 + i);
		if (path == BY_ENABLING)
			assert_int_equal(
				dma_fence_add_callback(&array->base, &counter.cb, count_call),
				-ENOENT);
		if (path == BY_WAITING)
			assert_int_equal(dma_fence_wait_timeout(&array->base, false, 0), 1);
		if (path != BY_POLLING)
			assert_true(dma_fence_test_signaled_flag(&array->base));
		assert_int_equal(dma_fence_get_status(&array->base), 1);
		assert_int_equal(array->base.error, 0);
		assert_int_equal(dma_fence_timestamp(&array->base), 100 + MEMBERS - 1);
		assert_int_equal(calls(&counter), path == BY_CALLBACK || path == BY_BOTH);

		file = fmemopen(text, sizeof(text), "w");
		dma_fence_describe(&array->base, file);
		fclose(file);
		assert_non_null(strstr(text, "signaled at 102 ns"));
		assert_null(strstr(text, "error"));

		dma_fence_put(&array->base);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_put(&members[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_error),
	};

	return RUN(tests);
}
