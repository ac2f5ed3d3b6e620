/* SPDX-License-Identifier: MIT */
/* The flight recorder: what it keeps, whatever threads do meanwhile, and how a trace tells it. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "support.h"

#include "diag/trace-lives.h"
#include "diag/trace.h"
#include "failing-malloc.h"

#define FEWEST_BYTES 4096
#define FEWEST	     (FEWEST_BYTES / 48)

static struct trace_copy copy;
static struct trace_lives lives;

/* Each case begins with nothing recorded, and little memory. */
static int setup(void **state)
{
	(void)state;
	assert_int_equal(dma_fence_trace_start(FEWEST_BYTES), 0);
	dma_fence_trace_clear();
	*release_count() = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dma_fence_trace_stop();
	return 0;
}

static void take_copy(void)
{
	assert_int_equal(dma_fence_trace_copy(&copy), 0);
	assert_int_equal(dma_fence_trace_lives(&copy, &lives), 0);
}

static void free_copy(void)
{
	dma_fence_trace_lives_free(&lives);
	dma_fence_trace_copy_free(&copy);
}

static uint32_t count_of(enum trace_kind kind)
{
	uint32_t i, count = 0;

	for (i = 0; i < copy.num_events; i++)
		count += copy.events[i].kind == kind;
	return count;
}

/* The life of the only fence with that number. */
static const struct trace_life *life_of(uint64_t context, uint64_t seqno)
{
	const struct trace_life *found = NULL;
	uint32_t i;

	for (i = 0; i < lives.num_lives; i++) {
		if (lives.lives[i].context == context && lives.lives[i].seqno == seqno) {
			assert_true(!found);
			found = &lives.lives[i];
		}
	}
	assert_non_null(found);
	return found;
}

/* What is written, as a string to be freed. */
static char *written(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(dma_fence_trace_write(out), 0);
	fclose(out);
	return text;
}

static void live(struct dma_fence *fence, uint64_t context, uint64_t seqno)
{
	dma_fence_init(fence, plain_ops(), context, seqno);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void records_what_happens(void **state)
{
	struct counter counter = { 0 };
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, plain_ops(), 77, 5);
	dma_fence_add_callback(&fence, &counter.cb, count_call);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 1000), 0);
	dma_fence_set_error(&fence, -EIO);
	dma_fence_signal_timestamp(&fence, 1234);
	dma_fence_put(&fence);

	take_copy();
	assert_int_equal(copy.num_threads, 1);
	assert_int_equal(copy.threads[0].number, getpid());
	assert_int_equal(copy.num_events, 7);
	assert_int_equal(copy.events[0].kind, TRACE_INIT);
	assert_int_equal(copy.events[0].fence, (uintptr_t)&fence);
	assert_int_equal(copy.events[0].context, 77);
	assert_int_equal(copy.events[0].seqno, 5);
	assert_int_equal(copy.events[1].kind, TRACE_WAIT_BEGIN);
	assert_int_equal(copy.events[2].kind, TRACE_WAIT_END);
	assert_int_equal(copy.events[2].result, -ETIMEDOUT);
	assert_int_equal(copy.events[3].kind, TRACE_SIGNAL);
	assert_int_equal(copy.events[3].value, 1234);
	assert_int_equal(copy.events[3].result, -EIO);
	assert_int_equal(copy.events[4].kind, TRACE_CALLBACK_BEGIN);
	assert_int_equal(copy.events[4].value, (uintptr_t)count_call);
	assert_int_equal(copy.events[5].kind, TRACE_CALLBACK_END);
	assert_int_equal(copy.events[6].kind, TRACE_RELEASE);
	assert_int_equal(lives.partner[1], 2);
	assert_int_equal(lives.partner[5], 4);
	assert_int_equal(life_of(77, 5)->end, TRACE_SIGNALED);
	assert_int_equal(life_of(77, 5)->last_wake, TRACE_NONE);
	free_copy();
}

static void nothing_while_it_is_off(void **state)
{
	struct dma_fence fence;

	(void)state;
	live(&fence, 1, 1);
	dma_fence_trace_stop();
	live(&fence, 1, 2);
	take_copy();
	assert_int_equal(copy.num_events, 3);
	free_copy();
	assert_int_equal(dma_fence_debug("trace"), 0);
	live(&fence, 1, 3);
	take_copy();
	assert_int_equal(copy.num_events, 6);
	free_copy();
	dma_fence_trace_clear();
	take_copy();
	assert_int_equal(copy.num_events, 0);
	free_copy();
}

/* Of several fences at one address each is told from those before it. */
static void one_address_many_fences(void **state)
{
	struct dma_fence fence;
	uint32_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		live(&fence, 1, 1);
	take_copy();
	assert_int_equal(lives.num_lives, 10);
	for (i = 0; i < 10; i++) {
		assert_int_equal(lives.lives[i].end, TRACE_SIGNALED);
		assert_int_equal(lives.lives[i].init, 3 * i);
	}
	free_copy();
}

static void the_newest_are_kept(void **state)
{
	struct dma_fence fence;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 1000; i++)
		live(&fence, 1, i);
	take_copy();
	assert_true(copy.num_events >= FEWEST - 1);
	assert_true(copy.num_events <= FEWEST);
	assert_int_equal(copy.threads[0].overwritten, 3000 - copy.num_events);
	for (i = 0; i < copy.num_events; i++)
		assert_int_equal(copy.events[copy.num_events - 1 - i].seqno, 1000 - i / 3);
	free_copy();
}

static struct dma_fence shared_fence;

static void *signal_and_go_on(void *arg)
{
	struct dma_fence fence;
	int i;

	dma_fence_signal(&shared_fence);
	for (i = 0; i < *(int *)arg; i++)
		live(&fence, 1000, (uint64_t)i);
	return NULL;
}

/* A signal that had to make room for something else is not a fence that is pending. */
static void end_that_is_lost(void **state)
{
	int others = 1000;

	(void)state;
	dma_fence_init(&shared_fence, plain_ops(), 1, 1);
	join(start(signal_and_go_on, &others));
	take_copy();
	assert_int_equal(life_of(1, 1)->end, TRACE_END_NOT_KNOWN);
	free_copy();
	dma_fence_put(&shared_fence);

	/* One that begins after all that was lost. */
	dma_fence_init(&shared_fence, plain_ops(), 1, 2);
	take_copy();
	assert_int_equal(life_of(1, 2)->end, TRACE_PENDING);
	free_copy();
	dma_fence_put(&shared_fence);
	take_copy();
	assert_int_equal(life_of(1, 2)->end, TRACE_DROPPED);
	free_copy();
}

/* A wait that has seen the fence drained. */
static void *wait_that_ends(void *arg)
{
	hook(wait_begin, arg);
	hook(wait_end, arg, 0);
	return NULL;
}

static void wake_before_it_is_recorded(struct dma_fence *fence)
{
	join(start(wait_that_ends, fence));
}

static const struct hooks wake_first = { .signal = wake_before_it_is_recorded };

/* A thread that was waiting may go on before the signal is recorded. */
static void woken_before_the_signal(void **state)
{
	const struct trace_life *life;

	(void)state;
	/* Ahead of the recorder's. */
	dma_fence_trace_stop();
	dma_fence_hooks_add(&wake_first);
	dma_fence_trace_start(0);
	fence_init(&shared_fence);
	dma_fence_signal(&shared_fence);
	dma_fence_hooks_remove(&wake_first);

	take_copy();
	life = life_of(shared_fence.context, 1);
	assert_int_equal(life->end, TRACE_SIGNALED);
	assert_true(life->last_wake != TRACE_NONE);
	assert_true(copy.events[life->last_wake].time <= copy.events[life->signal].time);
	assert_true(life->ended <= copy.events[life->last_wake].time);
	assert_true(life->ended >= copy.events[life->init].time);
	free_copy();
	dma_fence_put(&shared_fence);
}

/* Events that are overwritten as they are read */

static int over;

/* What one word of an event says of the others. */
static uint64_t timestamp_of(uint64_t context, uint64_t seqno)
{
	return context << 32 ^ seqno * 3;
}

static void *live_all_the_time(void *arg)
{
	const uint64_t context = (uintptr_t)arg;
	struct dma_fence fence;
	uint64_t seqno;

	for (seqno = 1; !atomic_load_acquire(&over); seqno++) {
		dma_fence_init(&fence, plain_ops(), context, seqno);
		dma_fence_signal_timestamp(&fence, (int64_t)timestamp_of(context, seqno));
		dma_fence_put(&fence);
	}
	return NULL;
}

static void no_event_is_torn(void **state)
{
	int64_t end = clock_now() + SECOND / 2;
	pthread_t threads[3];
	uintptr_t i;

	(void)state;
	over = 0;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(live_all_the_time, (void *)(i + 1));
	while (clock_now() < end) {
		uint64_t last[ARRAY_SIZE(threads) + 1] = { 0 };
		uint32_t k;

		take_copy();
		for (k = 0; k < copy.num_events; k++) {
			const struct trace_event *event = &copy.events[k];

			assert_true(event->context >= 1);
			assert_true(event->context <= ARRAY_SIZE(threads));
			assert_true(event->kind == TRACE_INIT || event->kind == TRACE_SIGNAL ||
				    event->kind == TRACE_RELEASE);
			assert_int_equal(event->value,
					 event->kind == TRACE_SIGNAL
						 ? timestamp_of(event->context, event->seqno)
						 : 0);
			assert_true(event->seqno >= last[event->context]);
			last[event->context] = event->seqno;
		}
		free_copy();
	}
	set_flag(&over);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
}

/* The oldest of a ring that is just full is not read: that is said, and what it may have been. */

static void *signals_first(void *arg)
{
	struct dma_fence fence;
	int i;

	dma_fence_signal(arg);
	for (i = 1; i < FEWEST; i++)
		dma_fence_init(&fence, plain_ops(), 2, (uint64_t)i);
	return NULL;
}

static void what_is_not_read_is_counted(void **state)
{
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, plain_ops(), 1, 1);
	join(start(signals_first, &fence));
	take_copy();
	assert_int_equal(copy.threads[0].overwritten + copy.threads[1].overwritten, 1);
	assert_int_equal(life_of(1, 1)->end, TRACE_END_NOT_KNOWN);
	free_copy();
	dma_fence_put(&fence);
}

static void stops_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)cb;
	(void)fence;
	dma_fence_signal(&shared_fence);
	dma_fence_trace_stop();
	sleep_ns(MS);
	assert_int_equal(dma_fence_trace_start(0), 0);
}

/* A slice that goes on when it is stopped ends behind what is inside it. */
static void slices_end_in_order(void **state)
{
	struct dma_fence fence;
	struct dma_fence_cb cb;
	double last = 0, time;
	const char *at;
	char *text;

	(void)state;
	dma_fence_init(&shared_fence, plain_ops(), 3, 1);
	dma_fence_init(&fence, plain_ops(), 3, 2);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, stops_in_callback), 0);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_put(&shared_fence);
	text = written();
	/* What the threads did comes first, then what the contexts did. */
	*strstr(text, "\"pid\":8388608,\"tid\":1,") = '\0';
	for (at = text; (at = strstr(at, "\"ts\":")); at++) {
		time = strtod(at + strlen("\"ts\":"), NULL);
		assert_true(time >= last);
		last = time;
	}
	free(text);
}

/* More than there is: nothing is recorded, and nothing else happens. */
static void too_much_memory(void **state)
{
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_trace_start(SIZE_MAX), 0);
	live(&fence, 1, 1);
	assert_int_equal(dma_fence_trace_start(FEWEST_BYTES), 0);
}

/* Threads that end */

static void *live_once(void *arg)
{
	struct dma_fence fence;

	prctl(PR_SET_NAME, "a\"b\\c\n\xff");
	live(&fence, 1, (uintptr_t)arg);
	return NULL;
}

static void threads_that_have_ended(void **state)
{
	uintptr_t i;
	char *text;

	(void)state;
	for (i = 1; i <= 50; i++)
		join(start(live_once, (void *)i));
	take_copy();
	assert_int_equal(copy.num_events, 32 * 3);
	assert_int_equal(copy.events[0].seqno, 50 - 32 + 1);
	free_copy();

	text = written();
	assert_non_null(strstr(text, "\"name\":\"a\\\"b\\\\c\\u000a\\ufffd\""));
	free(text);
	dma_fence_trace_clear();
	take_copy();
	assert_int_equal(copy.num_events, 0);
	free_copy();
}

/* Names */

static int asked;

static const char *name(struct dma_fence *fence)
{
	(void)fence;
	asked++;
	return "na\"me";
}

static const struct dma_fence_ops named_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
	.release = count_release,
};

static void names_while_they_are_there(void **state)
{
	const uint64_t context = dma_fence_context_alloc(1);
	struct counter counter = { 0 };
	struct trace_names names;
	struct dma_fence fence;
	char *text;
	int i;

	(void)state;
	asked = 0;
	dma_fence_init(&fence, &named_ops, context, 1);
	dma_fence_signal(&fence);
	wait_that_ends(&fence); /* it has no names any more */
	dma_fence_put(&fence);
	assert_int_equal(asked, 0);
	assert_false(dma_fence_trace_names(context, &names));

	/* Once, and then it is known, though nobody can be asked any more. */
	for (i = 2; i < 5; i++) {
		dma_fence_init(&fence, &named_ops, context, (uint64_t)i);
		assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
		dma_fence_signal(&fence);
		dma_fence_put(&fence);
	}
	assert_int_equal(asked, 2);
	assert_true(dma_fence_trace_names(context, &names));
	assert_string_equal(names.timeline, "na\"me");
	text = written();
	assert_non_null(strstr(text, "\"na\\\"me na\\\"me ("));
	free(text);

	/* By a wait, too. */
	dma_fence_init(&fence, &named_ops, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 1), 0);
	assert_true(dma_fence_trace_names(fence.context, &names));
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static bool enabled(struct dma_fence *signaled)
{
	(void)signaled;
	return true;
}

static const struct dma_fence_ops enabled_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
	.enable_signaling = enabled,
	.release = count_release,
};

static void names_when_it_is_enabled(void **state)
{
	struct trace_names names;
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, &enabled_ops, dma_fence_context_alloc(1), 1);
	assert_false(dma_fence_trace_names(fence.context, &names));
	dma_fence_enable_signaling(&fence);
	assert_true(dma_fence_trace_names(fence.context, &names));
	take_copy();
	assert_int_equal(count_of(TRACE_ENABLE), 1);
	free_copy();
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

/* Faults */

static void without_memory(void **state)
{
	struct dma_fence fence;
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int i;

	(void)state;
	dma_fence_trace_stop();
	dma_fence_trace_start(2 * FEWEST_BYTES); /* so that this thread needs new memory */
	failing_malloc_in = 1;
	live(&fence, 1, 1);
	assert_int_equal(failing_malloc_in, -1);

	live(&fence, 1, 2);
	out = open_memstream(&text, &size);
	for (i = 1; i <= 13; i++) {
		failing_malloc_in = i;
		assert_int_equal(dma_fence_trace_write(out), -ENOMEM);
	}
	fflush(out);
	assert_int_equal(size, 0);
	fclose(out);
	free(text);
}

static void file_that_cannot_be_written(void **state)
{
	FILE *out = fopen("/dev/full", "we");
	struct dma_fence fence;

	(void)state;
	assert_non_null(out);
	live(&fence, 1, 1);
	assert_int_equal(dma_fence_trace_write(out), -ENOSPC);
	fclose(out);
}

/* fork() */

static void child_begins_with_nothing(void **state)
{
	pthread_t thread;
	struct dma_fence fence;
	uint32_t traced;
	int i, status;

	(void)state;
	over = 0;
	thread = start(live_all_the_time, (void *)1);
	/* It has its memory: a sanitizer's malloc() has locks that stay locked in a child. */
	do {
		take_copy();
		traced = copy.num_threads;
		free_copy();
	} while (!traced);
	live(&fence, 7, 1);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			char *text;

			alarm(20);
			live(&fence, 7, 2);
			take_copy();
			status = copy.num_events != 3 || copy.num_threads != 1 ||
				 copy.threads[0].number != getpid() || count_of(TRACE_INIT) != 1;
			text = written();
			_exit(status || !strstr(text, "signal 7:2"));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	set_flag(&over);
	join(thread);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(records_what_happens),
		test(nothing_while_it_is_off),
		test(one_address_many_fences),
		test(the_newest_are_kept),
		test(end_that_is_lost),
		test(woken_before_the_signal),
		test(no_event_is_torn),
		test(what_is_not_read_is_counted),
		test(slices_end_in_order),
		test(too_much_memory),
		test(threads_that_have_ended),
		test(names_while_they_are_there),
		test(names_when_it_is_enabled),
		test(without_memory),
		test(file_that_cannot_be_written),
		test(child_begins_with_nothing),
	};

	return RUN(tests);
}
