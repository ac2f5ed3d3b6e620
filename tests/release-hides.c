/* SPDX-License-Identifier: MIT */
/*
 * Defect "release-hides": a release that is defensive, and copes with what went wrong, hides which
 * put was the one too many: what comes to light is the last one, and that is most often rightful.
 */
#include "blame.h"

#include <dmafence/ledger.h>

#define FILE_NAME "release-hides.c"

static int bad_line, rightful_line;

SITE void job_submit(struct dma_fence *fence);
SITE void job_error_path(struct dma_fence *fence);
SITE void job_done(struct dma_fence *fence);
SITE void display_flip(struct dma_fence **slot, struct dma_fence *fence);
SITE void display_finish(struct dma_fence **slot);
SITE void encoder_queue(struct dma_fence *fence);

SITE void job_submit(struct dma_fence *fence)
{
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_enable_signaling(fence);
	not_a_tail_call();
}

SITE void job_error_path(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(bad_line);
	not_a_tail_call();
}

SITE void job_done(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void display_flip(struct dma_fence **slot, struct dma_fence *fence)
{
	*slot = dma_fence_get(fence);
	not_a_tail_call();
}

SITE void display_finish(struct dma_fence **slot)
{
	dma_fence_put(*slot), LINE_OF(rightful_line);
	not_a_tail_call();
}

SITE void encoder_queue(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call();
	dma_fence_put(fence);
	not_a_tail_call();
}

static void *encode(void *arg)
{
	encoder_queue(arg);
	return NULL;
}

static void begin(void)
{
	memset(reported(), 0, sizeof(struct reported));
	dma_fence_set_report_handler(keep_report, NULL);
	dma_fence_ledger_start();
}

static void end(void)
{
	assert_int_equal(dma_fence_ledger_stop(), 0);
	catch_end();
}

static void assert_names_the_error_path(void)
{
	struct blamed blamed = blamed_by(reported()->details, PUT_TOO_MANY);

	if (blamed.count != 1 || !names(blamed.first, "job_error_path", FILE_NAME, bad_line)) {
		printf("# line %d is to blame, not %d:\n%s", bad_line, rightful_line,
		       reported()->details);
		fail();
	}
}

static void last_put_of_a_pending_fence_is_rightful(void **state)
{
	static struct dma_fence *fence, *on_screen; /* reachable: it is kept for ever */
	pthread_t thread;

	(void)state;
	begin();
	fence = malloc(sizeof(*fence));
	assert_non_null(fence);
	job_submit(fence);
	display_flip(&on_screen, fence);
	thread = start(encode, fence);
	join(thread);
	job_error_path(fence);
	assert_int_equal(reported()->count, 0);
	display_finish(&on_screen);
	assert_int_equal(reported()->count, 1);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_names_the_error_path();

	/* What comes later only makes it clearer. */
	job_done(fence);
	assert_int_equal(reported()->count, 2);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_LATE_SIGNAL);
	assert_names_the_error_path();
	end();
}

static void put_after_the_end_is_rightful(void **state)
{
	static struct dma_fence *fence, *on_screen;

	(void)state;
	begin();
	fence = malloc(sizeof(*fence));
	assert_non_null(fence);
	job_submit(fence);
	display_flip(&on_screen, fence);
	job_done(fence);
	encoder_queue(fence);
	dma_fence_rcu_read_lock(); /* its memory stays */
	job_error_path(fence);
	assert_int_equal(reported()->count, 0);
	display_finish(&on_screen);
	dma_fence_rcu_read_unlock();
	assert_int_equal(reported()->count, 1);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_REFCOUNT);
	assert_names_the_error_path();
	end();
}

/*
 * The error path resembles the function that took the references more than the rightful put does, for
 * it is in it. But jobs that went well did not come by it.
 */
static struct dma_fence *queued[2]; /* reachable: the last one is kept for ever */

SITE void job_queue(struct dma_fence *fence, bool fails);
SITE void job_finish(struct dma_fence *fence);

SITE void job_queue(struct dma_fence *fence, bool fails)
{
	queued[0] = dma_fence_get(fence);
	not_a_tail_call();
	queued[1] = dma_fence_get(fence);
	if (fails) {
		dma_fence_put(queued[0]), LINE_OF(bad_line);
		not_a_tail_call();
	}
	dma_fence_put(queued[0]);
	not_a_tail_call();
}

SITE void job_finish(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(rightful_line);
	not_a_tail_call();
}

static void one_job(bool fails)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	job_submit(fence);
	job_queue(fence, fails);
	if (!fails)
		job_done(fence);
	job_finish(queued[1]);
}

static void ways_that_went_well_are_not_blamed(void **state)
{
	struct blamed blamed;
	int i;

	(void)state;
	begin();
	for (i = 0; i < 5; i++)
		one_job(false);
	assert_int_equal(reported()->count, 0);
	one_job(true);
	assert_int_equal(reported()->count, 1);
	blamed = blamed_by(reported()->details, PUT_TOO_MANY);
	if (blamed.count != 1 || !names(blamed.first, "job_queue", FILE_NAME, bad_line)) {
		printf("# line %d is to blame, not %d:\n%s", bad_line, rightful_line,
		       reported()->details);
		fail();
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_put_of_a_pending_fence_is_rightful),
		cmocka_unit_test(put_after_the_end_is_rightful),
		cmocka_unit_test(ways_that_went_well_are_not_blamed),
	};

	return RUN(tests);
}
