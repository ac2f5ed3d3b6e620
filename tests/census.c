/* SPDX-License-Identifier: MIT */
/* The census: which fences there are, and which line of the program has made them. */
#include "support.h"

#include "failing-malloc.h"

/* Places, whose names and lines are to be found in what is printed. */
#define PLACE __attribute__((noinline))

static int not_a_tail_call;

static struct dma_fence *make(uint64_t context, uint64_t seqno)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, NULL, context, seqno);
	return fence;
}

static int line_of_frames;

PLACE static struct dma_fence *submit_frame(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	atomic_store_relaxed(&line_of_frames, __LINE__ + 1);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	atomic_store_relaxed(&not_a_tail_call, 1);
	return fence;
}

PLACE static struct dma_fence *submit_copy(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	atomic_store_relaxed(&not_a_tail_call, 2);
	return fence;
}

PLACE static void drops_it_too_soon(struct dma_fence *fence)
{
	dma_fence_put(fence);
	atomic_store_relaxed(&not_a_tail_call, 3);
}

static void finish(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

#define ROOM 20

static struct dma_fence_count counts[ROOM];

static int take_census(void)
{
	int places = dma_fence_census(counts, ROOM);

	assert_in_range(places, 0, ROOM);
	return places;
}

static char *text_of(int (*print)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(print(out), 0);
	fclose(out);
	return text;
}

static int print_quarantined(FILE *out)
{
	dma_fence_quarantined_print(out);
	return 0;
}

/* With what begins and ends, and a newline at its end. */
static bool has_line(const char *text, const char *begin, const char *end)
{
	const char *line, *next;

	for (line = text; *line; line = next + 1) {
		next = strchr(line, '\n');
		assert_non_null(next);
		if (!strncmp(line, begin, strlen(begin)) &&
		    (size_t)(next - line) >= strlen(begin) + strlen(end) &&
		    !strncmp(next - strlen(end), end, strlen(end)))
			return true;
	}
	print_message("no line '%s ... %s' in:\n%s", begin, end, text);
	return false;
}

static int start_census(void **state)
{
	dma_fence_census_start();
	return catch_setup(state);
}

static int stop_census(void **state)
{
	assert_int_equal(take_census(), 0);
	dma_fence_census_stop();
	return catch_teardown(state);
}

#define census_test(func) cmocka_unit_test_setup_teardown(func, start_census, stop_census)

static void without_records_it_says_so(void **state)
{
	struct dma_fence *fence = submit_frame();
	char *text;

	(void)state;
	assert_int_equal(dma_fence_census(NULL, 0), 0);
	assert_int_equal(dma_fence_census(NULL, 1), -EINVAL);
	text = text_of(dma_fence_census_print);
	assert_non_null(strstr(text, "there are no records"));
	free(text);
	dma_fence_put(fence);
}

static int over;

static void *make_all_the_time(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&over))
		finish(make(1, 1));
	return NULL;
}

/* A thread may be in the middle of a hook when records are switched off. */
static void late_hooks_leave_nothing(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	thread = start(make_all_the_time, NULL);
	for (i = 0; i < 2000; i++) {
		dma_fence_census_start();
		sched_yield();
		dma_fence_census_stop();
		assert_int_equal(take_census(), 0);
	}
	set_flag(&over);
	join(thread);
	dma_fence_rcu_barrier();
	assert_int_equal(take_census(), 0);
}

static void counts_by_place(void **state)
{
	struct dma_fence *frames[5], *copies[3];
	char *text, where[64];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		copies[i] = submit_copy();
	for (i = 0; i < 5; i++)
		frames[i] = submit_frame();
	dma_fence_signal(frames[1]);
	dma_fence_signal(frames[3]);
	assert_int_equal(take_census(), 2);
	assert_int_equal(counts[0].fences, 5);
	assert_int_equal(counts[0].pending, 3);
	assert_int_equal(counts[0].signaled, 2);
	assert_int_equal(counts[0].callbacks, 0);
	assert_int_equal(counts[0].quarantined, 0);
	assert_true((uintptr_t)counts[0].site > (uintptr_t)submit_frame);
	assert_int_equal(counts[1].fences, 3);
	assert_int_equal(counts[1].pending, 3);
	assert_int_equal(counts[1].signaled, 0);
	assert_true((uintptr_t)counts[1].site > (uintptr_t)submit_copy);

	/* For less room it is told how many there would be. */
	memset(counts, 0, sizeof(counts));
	assert_int_equal(dma_fence_census(counts, 1), 2);
	assert_int_equal(counts[0].fences, 5);
	assert_int_equal(counts[1].fences, 0);
	assert_int_equal(dma_fence_census(NULL, 0), 2);

	text = text_of(dma_fence_census_print);
	snprintf(where, sizeof(where), ": submit_frame (census.c:%d)", line_of_frames);
	assert_true(has_line(text, "5 fences, 3 pending, 0 callbacks, oldest 0.", where));
	assert_non_null(strstr(text, "3 fences, 3 pending, 0 callbacks, oldest 0."));
	assert_true(strstr(text, "submit_frame") < strstr(text, "submit_copy"));
	free(text);

	for (i = 0; i < 5; i++)
		finish(frames[i]);
	assert_int_equal(take_census(), 1);
	assert_int_equal(counts[0].fences, 3);
	for (i = 0; i < 3; i++)
		finish(copies[i]);
}

PLACE static struct dma_fence *from_here(void)
{
	struct dma_fence *fence = submit_frame();

	atomic_store_relaxed(&not_a_tail_call, 4);
	return fence;
}

PLACE static struct dma_fence *from_there(void)
{
	struct dma_fence *fence = submit_frame();

	atomic_store_relaxed(&not_a_tail_call, 5);
	return fence;
}

static void ways_to_one_place_are_one(void **state)
{
	struct dma_fence *fences[] = { from_here(), from_there(), from_here() };
	size_t i;

	(void)state;
	assert_int_equal(take_census(), 1);
	assert_int_equal(counts[0].fences, 3);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		dma_fence_put(fences[i]);
}

static void callbacks_are_counted(void **state)
{
	struct counter counters[3] = { 0 };
	struct dma_fence *fence = submit_frame();
	char *text;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(dma_fence_add_callback(fence, &counters[i].cb, count_call), 0);
	take_census();
	assert_int_equal(counts[0].callbacks, 3);
	assert_true(dma_fence_remove_callback(fence, &counters[1].cb));
	assert_false(dma_fence_remove_callback(fence, &counters[1].cb));
	take_census();
	assert_int_equal(counts[0].callbacks, 2);
	text = text_of(dma_fence_census_print);
	assert_true(has_line(text, "1 fence, 1 pending, 2 callbacks, oldest 0.", ")"));
	free(text);
	dma_fence_signal(fence);
	take_census();
	assert_int_equal(counts[0].callbacks, 0);
	assert_int_equal(counts[0].signaled, 1);
	assert_int_equal(dma_fence_add_callback(fence, &counters[1].cb, count_call), -ENOENT);
	take_census();
	assert_int_equal(counts[0].callbacks, 0);
	dma_fence_put(fence);
}

/* The array has its own on one of its members at a time. */
static void callbacks_of_containers_count(void **state)
{
	struct dma_fence *members[3], **vector = malloc(sizeof(members));
	struct counter counter = { .ran = 0 };
	struct dma_fence_array *array;
	uint64_t callbacks = 0, fences = 0;
	int i, places;

	(void)state;
	for (i = 0; i < 3; i++) {
		members[i] = submit_frame();
		vector[i] = dma_fence_get(members[i]);
	}
	array = dma_fence_array_create(3, vector, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	places = take_census();
	assert_int_equal(places, 2);
	assert_int_equal(counts[0].callbacks, 1);
	assert_int_equal(counts[1].callbacks, 1);
	for (i = 2; i >= 0; i--)
		finish(members[i]);
	assert_int_equal(calls(&counter), 1);
	places = take_census();
	for (i = 0; i < places; i++) {
		callbacks += counts[i].callbacks;
		fences += counts[i].signaled;
	}
	assert_int_equal(callbacks, 0);
	assert_int_equal(fences, 4);
	dma_fence_put(&array->base);
}

static void oldest_is_as_old_as_it_is(void **state)
{
	const int64_t begin = clock_now();
	struct dma_fence *first = submit_frame(), *second;
	int64_t between;

	(void)state;
	between = clock_now();
	sleep_ns(20 * MS);
	second = submit_frame();
	take_census();
	assert_true(counts[0].oldest_ns >= 20 * MS);
	assert_true(counts[0].oldest_ns <= clock_now() - begin);
	dma_fence_put(first);
	take_census();
	assert_true(counts[0].oldest_ns < clock_now() - between - 20 * MS);
	dma_fence_put(second);
}

/* It was made before there were records. */
static void older_ones_have_no_place(void **state)
{
	struct dma_fence *fence = submit_frame();
	char *text;

	catch_setup(state);
	dma_fence_census_start();
	assert_int_equal(take_census(), 0);
	dma_fence_signal(fence);
	assert_int_equal(take_census(), 1);
	assert_null(counts[0].site);
	assert_int_equal(counts[0].signaled, 1);
	assert_int_equal(counts[0].oldest_ns, 0);
	text = text_of(dma_fence_census_print);
	assert_true(has_line(text, "1 fence, 0 pending, 0 callbacks: somewhere", ""));
	free(text);
	dma_fence_put(fence);
	assert_int_equal(take_census(), 0);
	dma_fence_census_stop();
	catch_teardown(state);
}

static void stop_forgets(void **state)
{
	struct dma_fence *fence;

	(void)state;
	dma_fence_census_start();
	dma_fence_census_start();
	fence = submit_frame();
	dma_fence_census_stop();
	assert_int_equal(take_census(), 1);
	dma_fence_census_stop();
	assert_int_equal(take_census(), 0);
	dma_fence_put(fence);
}

/* It is everybody's, and there is always one. */
static void shared_stub_is_not_counted(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();
	struct counter counter = { .ran = 0 };

	(void)state;
	dma_fence_set_deadline(stub, 1);
	dma_fence_enable_signaling(stub);
	assert_int_equal(dma_fence_add_callback(stub, &counter.cb, count_call), -ENOENT);
	dma_fence_signal(stub);
	assert_int_equal(take_census(), 0);
	dma_fence_put(stub);
}

static int stop;

static void *make_and_drop(void *arg)
{
	struct counter counter;

	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		struct dma_fence *fence = submit_copy();

		assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
		finish(fence);
	}
	return NULL;
}

static void while_others_make_and_drop(void **state)
{
	struct dma_fence *fence = submit_frame();
	pthread_t threads[2];
	int i, k, places;

	(void)state;
	for (i = 0; i < 2; i++)
		threads[i] = start(make_and_drop, NULL);
	for (k = 0; k < 20; k++) {
		bool found = false;

		places = take_census();
		for (i = 0; i < places; i++)
			found = found || (counts[i].site > (const void *)(uintptr_t)submit_frame &&
					  counts[i].fences == 1);
		assert_true(found);
	}
	set_flag(&stop);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	dma_fence_put(fence);
}

static void without_memory(void **state)
{
	struct dma_fence *fence = submit_frame();
	int i, ret;

	(void)state;
	for (i = 1;; i++) {
		failing_malloc_in = i;
		ret = dma_fence_census(counts, ROOM);
		if (failing_malloc_in > 0)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	failing_malloc_in = -1;
	assert_true(i > 2);
	assert_int_equal(ret, 1);
	dma_fence_put(fence);
}

/* The quarantine. What is in it stays, so each of these begins with what others have left there. */

static struct dma_fence *kept[10];
static size_t num_kept;

static struct dma_fence *quarantine(struct dma_fence *fence)
{
	kept[num_kept++] = fence;
	dma_fence_enable_signaling(fence);
	drops_it_too_soon(fence);
	return fence;
}

static void quarantined_are_known_without_records(void **state)
{
	const uint64_t before = dma_fence_quarantined_count();
	struct dma_fence *fence = quarantine(make(dma_fence_context_alloc(1), 77));
	char *text, name[64];

	(void)state;
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(dma_fence_quarantined_count(), before + 1);
	snprintf(name, sizeof(name), "fence %ju:77 of unnamed unnamed: 0.",
		 (uintmax_t)fence->context);
	text = text_of(print_quarantined);
	assert_non_null(strstr(text, name));
	assert_non_null(strstr(text, "drops_it_too_soon (census.c:"));
	assert_null(strstr(text, "signaled"));
	free(text);

	assert_true(take_census() >= 1);
	assert_int_equal(counts[0].quarantined, before + 1);
	assert_int_equal(counts[0].pending, before + 1);

	dma_fence_signal(fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LATE_SIGNAL], 1);
	assert_int_equal(dma_fence_quarantined_count(), before + 1);
	text = text_of(print_quarantined);
	assert_true(has_line(text, name, " s later:"));
	free(text);
	take_census();
	assert_int_equal(counts[0].signaled, before + 1);
	assert_int_equal(counts[0].pending, before);
}

/* Known by its record, and by its entry: it is one fence. */
static void quarantined_are_counted_once(void **state)
{
	struct dma_fence *fence;
	char *text;
	int places, i;
	bool found = false;

	(void)state;
	dma_fence_census_start();
	fence = quarantine(submit_frame());
	places = take_census();
	for (i = 0; i < places; i++) {
		if (!counts[i].site)
			continue;
		found = true;
		assert_int_equal(counts[i].fences, 1);
		assert_int_equal(counts[i].pending, 1);
		assert_int_equal(counts[i].quarantined, 1);
	}
	assert_true(found);
	text = text_of(dma_fence_census_print);
	assert_non_null(
		strstr(text, "1 fence, 1 pending, 0 callbacks, 1 in quarantine, oldest 0."));
	free(text);
	dma_fence_census_stop();
	/* Where it was made is known, now that there are no records. */
	take_census();
	text = text_of(dma_fence_census_print);
	assert_non_null(strstr(text, "submit_frame (census.c:"));
	free(text);
	dma_fence_signal(fence);
}

static void quarantined_without_memory(void **state)
{
	struct dma_fence *first = quarantine(make(dma_fence_context_alloc(1), 79));
	struct dma_fence *fence = make(dma_fence_context_alloc(1), 78);
	const uint64_t before = dma_fence_quarantined_count();
	char *text;

	/* What is allocated once is there. */
	(void)state;
	dma_fence_signal(first);
	catch_reports();
	failing_malloc_in = 1;
	quarantine(fence);
	assert_true(failing_malloc_in <= 0);
	failing_malloc_in = -1;
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(dma_fence_quarantined_count(), before + 1);
	text = text_of(print_quarantined);
	assert_non_null(strstr(text, "1 more in quarantine, of which nothing is known\n"));
	free(text);
	text = text_of(dma_fence_census_print);
	assert_non_null(strstr(text, "1 more in quarantine, of which nothing is known\n"));
	free(text);
	dma_fence_signal(fence);
	assert_int_equal(dma_fence_quarantined_count(), before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_records_it_says_so),
		census_test(counts_by_place),
		census_test(ways_to_one_place_are_one),
		census_test(callbacks_are_counted),
		census_test(callbacks_of_containers_count),
		census_test(oldest_is_as_old_as_it_is),
		cmocka_unit_test(older_ones_have_no_place),
		cmocka_unit_test(stop_forgets),
		cmocka_unit_test(late_hooks_leave_nothing),
		census_test(shared_stub_is_not_counted),
		census_test(while_others_make_and_drop),
		census_test(without_memory),
		cmocka_unit_test_setup_teardown(quarantined_are_known_without_records, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(quarantined_are_counted_once, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(quarantined_without_memory, catch_setup,
						catch_teardown),
	};

	return RUN(tests);
}
