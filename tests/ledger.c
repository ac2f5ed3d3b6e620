/* SPDX-License-Identifier: MIT */
/* The ledger: what it writes down, for whom, what it forgets, and whom it blames. */
#include "blame.h"
#include "watchdog.h"

#include <dmafence/census.h>
#include <dmafence/explain.h>
#include <dmafence/ledger.h>

#include "diag/account.h"
#include "diag/ledger.h"
#include "diag/record.h"
#include "failing-malloc.h"

#define FILE_NAME "ledger.c"

/* A fence of the heap, without ops: freed after a grace period. */
static struct dma_fence *new_fence(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	return fence;
}

static char *printed(const struct dma_fence *fence)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret = dma_fence_ledger_print(fence, out);

	fclose(out);
	if (!ret)
		return text;
	assert_int_equal(ret, -ENOENT);
	free(text);
	return NULL;
}

static bool prints(const struct dma_fence *fence, const char *what)
{
	char *text = printed(fence);
	bool found = text && strstr(text, what);

	free(text);
	return found;
}

static bool is_known(const struct dma_fence *fence)
{
	char *text = printed(fence);

	free(text);
	return text;
}

static void *look_up(void *arg)
{
	free(printed(arg));
	return NULL;
}

/* Another thread looks something up, and the one that writes waits for it. */
static ssize_t write_while_others_look(void *cookie, const char *text, size_t size)
{
	pthread_t thread;

	(void)text;
	assert_int_equal(pthread_create(&thread, NULL, look_up, cookie), 0);
	pthread_join(thread, NULL);
	return (ssize_t)size;
}

/* Nothing of the library's is held while the program's file is written to. */
static void the_file_may_wait_for_others(void **state)
{
	const cookie_io_functions_t functions = { .write = write_while_others_look };
	struct dma_fence *fence = new_fence();
	FILE *out;

	(void)state;
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_enable_signaling(fence);
	dma_fence_put(fence); /* into quarantine */
	out = fopencookie(fence, "w", functions);
	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0);
	assert_int_equal(dma_fence_ledger_print(fence, out), 0);
	dma_fence_quarantined_print(out);
	assert_int_equal(dma_fence_fd_census_print(out), 0);
	assert_int_equal(dma_fence_explain(fence, out), 0);
	fclose(out);
}

/* One that was found under RCU is counted once: as taken, not as there before as well. */
static void the_first_is_found_under_rcu(void **state)
{
	struct dma_fence *fence = new_fence();

	(void)state;
	assert_int_equal(dma_fence_ledger_stop(), 0);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_ledger_start();
	assert_ptr_equal(dma_fence_get_rcu(fence), fence);
	assert_true(prints(fence, "who had taken the 1 references that there were"));
	dma_fence_put(fence);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static int setup(void **state)
{
	(void)state;
	memset(reported(), 0, sizeof(struct reported));
	dma_fence_set_report_handler(keep_report, NULL);
	dma_fence_ledger_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(dma_fence_ledger_stop(), 0);
	assert_int_equal(dma_fence_ledger_stop(), -ENOENT);
	catch_end();
	return 0;
}

/* What is written down */

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

static bool enable(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static const struct dma_fence_ops enabled_ops = {
	.enable_signaling = enable,
	.release = count_release,
};

static void every_kind_is_written_down(void **state)
{
	static const char *const kinds[] = {
		"dma_fence_init()",  "dma_fence_get()", "dma_fence_put()",
		"signaling enabled", "callback added",	"callback removed",
		"wait begins",	     "wait ends: ",	"put into a container 0x",
		"exported as fd ",   "deadline set: 7", "signaled, error -5",
		"callback called",   "released",
	};
	struct dma_fence_cb cbs[2];
	struct dma_fence fence;
	struct dma_fence_array *array;
	size_t i;
	int fd;

	(void)state;
	dma_fence_init(&fence, &enabled_ops, dma_fence_context_alloc(1), 1);
	dma_fence_get(&fence);
	dma_fence_enable_signaling(&fence);
	dma_fence_add_callback(&fence, &cbs[0], called);
	dma_fence_add_callback(&fence, &cbs[1], called);
	dma_fence_remove_callback(&fence, &cbs[1]);
	dma_fence_wait_timeout(&fence, false, 1);
	dma_fence_set_deadline(&fence, 7);
	array = array_of_fences(&fence, 1);
	fd = dma_fence_sync_file_export(&fence);
	assert_true(fd >= 0);
	close(fd);
	dma_fence_set_error(&fence, -EIO);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cbs[1], called), -ENOENT);
	dma_fence_put(&array->base);
	dma_fence_put(&fence);
	dma_fence_put(&fence);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!prints(&fence, kinds[i])) {
			printf("# no '%s' in\n%s\n", kinds[i], printed(&fence));
			fail();
		}
	}
	assert_true(prints(&fence, ", released; "));
	assert_true(prints(&fence, ", refused: it was signaled"));
	assert_true(prints(&fence, "every_kind_is_written_down"));
	assert_false(prints(&fence, PUT_TOO_MANY));
	assert_int_equal(reported()->count, 0);
}

static void newest_is_last(void **state)
{
	struct dma_fence fence;
	char *text;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	text = printed(&fence);
	assert_true(strstr(text, "dma_fence_init()") < strstr(text, ": signaled"));
	assert_true(strstr(text, ": signaled") < strstr(text, "dma_fence_put()"));
	assert_true(strstr(text, "dma_fence_put()") < strstr(text, ": released"));
	free(text);
}

/* For whom */

static void of_a_context_those_made_from_then_on(void **state)
{
	const uint64_t context = dma_fence_context_alloc(2);
	struct dma_fence early, mine, others;

	(void)state;
	dma_fence_init(&early, plain_ops(), context, 1);
	assert_int_equal(dma_fence_ledger_start_context(0), -EINVAL);
	assert_int_equal(dma_fence_ledger_stop_context(0), -EINVAL);
	assert_int_equal(dma_fence_ledger_start_context(context), 0);
	dma_fence_init(&mine, plain_ops(), context, 2);
	dma_fence_init(&others, plain_ops(), context + 1, 1);
	dma_fence_get(&early);
	dma_fence_get(&others);
	assert_true(is_known(&mine));
	assert_false(is_known(&early));
	assert_false(is_known(&others));
	dma_fence_get(&mine);
	assert_true(prints(&mine, "dma_fence_get()"));

	/* Counted. */
	assert_int_equal(dma_fence_ledger_start_context(context), 0);
	assert_int_equal(dma_fence_ledger_stop_context(context), 0);
	assert_true(is_known(&mine));
	assert_int_equal(dma_fence_ledger_stop_context(context), 0);
	assert_false(is_known(&mine));
	assert_int_equal(dma_fence_ledger_stop_context(context), -ENOENT);
}

static void so_many_contexts_and_fences(void **state)
{
	const uint64_t context = dma_fence_context_alloc(65);
	static struct dma_fence fences[65];
	uint64_t i;

	(void)state;
	for (i = 0; i < 65; i++) {
		fence_init(&fences[i]);
		assert_int_equal(dma_fence_ledger_start_context(context + i), i < 64 ? 0 : -ENOSPC);
		assert_int_equal(dma_fence_ledger_start_fence(&fences[i]), i < 64 ? 0 : -ENOSPC);
	}
	for (i = 0; i < 64; i++) {
		assert_int_equal(dma_fence_ledger_stop_context(context + i), 0);
		assert_int_equal(dma_fence_ledger_stop_fence(&fences[i]), 0);
	}
	assert_ptr_equal(dma_fence_hooks, NULL);
}

static void of_one_fence_from_then_on(void **state)
{
	struct dma_fence fences[2];

	(void)state;
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	dma_fence_get(&fences[0]);
	assert_int_equal(dma_fence_ledger_start_fence(NULL), -EINVAL);
	assert_int_equal(dma_fence_ledger_stop_fence(NULL), -EINVAL);
	assert_int_equal(dma_fence_ledger_start_fence(&fences[0]), 0);
	assert_true(prints(&fences[0], "who had taken the 2 references"));
	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[1]);
	assert_true(prints(&fences[0], ": signaled"));
	assert_false(is_known(&fences[1]));

	/* It can be stopped when the fence is gone. */
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[0]);
	assert_true(prints(&fences[0], "released"));
	memset(&fences[0], 0xff, sizeof(fences[0]));
	assert_int_equal(dma_fence_ledger_stop_fence(&fences[0]), 0);
	assert_int_equal(dma_fence_ledger_stop_fence(&fences[0]), -ENOENT);
	assert_false(is_known(&fences[0]));
	assert_ptr_equal(dma_fence_hooks, NULL);
}

static void of_the_process_also_those_that_were_there(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_ledger_start();
	assert_false(is_known(&fence));
	dma_fence_get(&fence);
	assert_true(prints(&fence, "who had taken the 1 references"));
	assert_int_equal(dma_fence_ledger_stop(), 0);
	assert_false(is_known(&fence));
}

static void switched_on_by_word(void **state)
{
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_debug("ledger"), 0);
	fence_init(&fence);
	assert_true(is_known(&fence));
	assert_int_equal(dma_fence_ledger_stop(), 0);
	assert_int_equal(dma_fence_ledger_stop(), -ENOENT);
}

/* A fence that is made in the place of another has nothing to do with it. */
static void a_new_fence_begins_anew(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_get(&fence);
	fence_init(&fence);
	assert_false(prints(&fence, "dma_fence_get()"));
	assert_true(prints(&fence, "dma_fence_init()"));
}

/* Whom it blames: a producer, and its consumers */

static int init_line, signal_line, producer_put_line, early_put_line, error_put_line;
static int get_line, put_line, second_put_line, leak_get_line;

SITE void producer_makes(struct dma_fence *fence);
SITE void producer_completes(struct dma_fence *fence);
SITE void job(struct dma_fence_context *context, struct dma_fence *fence);
SITE void producer_drops(struct dma_fence *fence);
SITE void producer_drops_early(struct dma_fence *fence);
SITE void error_path(struct dma_fence *fence);
SITE void consumer(struct dma_fence *fence);
SITE void consumer_on_screen(struct dma_fence *fence);
SITE void consumer_takes(struct dma_fence *fence);
SITE void consumer_drops(struct dma_fence *fence);
SITE void consumer_drops_twice(struct dma_fence *fence);
SITE void consumer_forgets(struct dma_fence *fence);

SITE void producer_makes(struct dma_fence *fence)
{
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1), LINE_OF(init_line);
	dma_fence_enable_signaling(fence);
	not_a_tail_call();
}

/* Its context keeps a reference of its own. */
SITE void job(struct dma_fence_context *context, struct dma_fence *fence)
{
	assert_int_equal(dma_fence_context_emit(context, fence), 0);
	dma_fence_enable_signaling(fence);
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void producer_completes(struct dma_fence *fence)
{
	dma_fence_signal(fence), LINE_OF(signal_line);
	dma_fence_put(fence), LINE_OF(producer_put_line);
	not_a_tail_call();
}

SITE void producer_drops(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(producer_put_line);
	not_a_tail_call();
}

SITE void producer_drops_early(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(early_put_line);
	not_a_tail_call();
}

SITE void error_path(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(error_put_line);
	not_a_tail_call();
}

SITE void consumer(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call();
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void consumer_on_screen(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call();
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void consumer_takes(struct dma_fence *fence)
{
	dma_fence_get(fence), LINE_OF(get_line);
	not_a_tail_call();
}

SITE void consumer_drops(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(put_line);
	not_a_tail_call();
}

SITE void consumer_drops_twice(struct dma_fence *fence)
{
	dma_fence_get(fence), LINE_OF(get_line);
	dma_fence_put(fence), LINE_OF(put_line);
	dma_fence_put(fence), LINE_OF(second_put_line);
	not_a_tail_call();
}

SITE void consumer_forgets(struct dma_fence *fence)
{
	dma_fence_get(fence), LINE_OF(leak_get_line);
	not_a_tail_call();
}

static void *consume_on_thread(void *arg)
{
	consumer(arg);
	return NULL;
}

static void assert_only(const char *text, const char *what, const char *function, int line)
{
	const struct blamed blamed = blamed_by(text, what);

	if (blamed.count != 1 || !names(blamed.first, function, FILE_NAME, line)) {
		printf("# not %s alone, line %d:\n%s\n", function, line, text);
		fail();
	}
}

#define assert_blames(function, line) \
	assert_only(reported()->details, PUT_TOO_MANY, #function, line)

static void error_path_puts_while_consumers_are_right(void **state)
{
	static struct dma_fence *fence; /* reachable: it is kept for ever */

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	dma_fence_get(fence);
	error_path(fence);
	consumer(fence);
	/* The last one is rightful, and is the one that it comes to light with. */
	dma_fence_put(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(error_path, error_put_line);

	/* Its producer signals it after all, and is not to blame. */
	producer_completes(fence);
	assert_int_equal(reported()->count, 2);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_LATE_SIGNAL);
	assert_blames(error_path, error_put_line);
	assert_false(prints(fence, "its producer's, until it is signaled"));
}

static void producer_puts_before_the_signal(void **state)
{
	static struct dma_fence *fence;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	consumer_takes(fence);
	producer_drops_early(fence);
	consumer(fence);
	consumer_drops(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(producer_drops_early, early_put_line);
	assert_non_null(strstr(reported()->details, "it has forgotten to signal"));
}

/* Which of two lines of one function it was, nobody knows. */
static void two_that_are_as_likely_are_both_named(void **state)
{
	static struct dma_fence *fence;
	struct blamed blamed;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	consumer(fence);
	consumer_drops_twice(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_non_null(strstr(reported()->details, "as likely as each other"));
	blamed = blamed_by(reported()->details, PUT_TOO_MANY);
	assert_int_equal(blamed.count, 2);
	assert_true(names(blamed.first, "consumer_drops_twice", FILE_NAME, second_put_line));
	assert_true(names(blamed.second, "consumer_drops_twice", FILE_NAME, put_line));
}

static void underflow_after_the_signal(void **state)
{
	struct dma_fence *fence = new_fence();
	pthread_t thread;

	(void)state;
	producer_makes(fence);
	consumer_takes(fence);
	producer_completes(fence);
	thread = start(consume_on_thread, fence);
	join(thread);
	dma_fence_rcu_read_lock(); /* its memory stays */
	error_path(fence);
	assert_int_equal(reported()->count, 0);
	consumer_drops(fence);
	dma_fence_rcu_read_unlock();
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_REFCOUNT);
	assert_blames(error_path, error_put_line);
	assert_true(prints(fence, "released"));
	dma_fence_rcu_barrier();
	free(fence); /* ours, after the fault */
}

static void get_after_the_end(void **state)
{
	struct dma_fence *fence = new_fence();
	struct blamed blamed;

	(void)state;
	producer_makes(fence);
	dma_fence_rcu_read_lock();
	producer_completes(fence);
	consumer_takes(fence);
	dma_fence_rcu_read_unlock();
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_REFCOUNT);
	blamed = blamed_by(reported()->details, "taken after the last reference was dropped");
	assert_int_equal(blamed.count, 1);
	assert_true(names(blamed.first, "consumer_takes", FILE_NAME, get_line));
	dma_fence_rcu_barrier();
	free(fence);
}

static void one_of_three_users_leaks(void **state)
{
	struct dma_fence *fence = new_fence();
	char *text;

	(void)state;
	producer_makes(fence);
	consumer(fence);
	consumer_forgets(fence);
	consumer_on_screen(fence);
	text = dma_fence_ledger_leak(fence);
	assert_only(text, NOT_DROPPED, "consumer_forgets", leak_get_line);
	assert_non_null(strstr(text, "its producer's, until it is signaled"));
	free(text);

	producer_completes(fence);
	text = dma_fence_ledger_leak(fence);
	assert_only(text, NOT_DROPPED, "consumer_forgets", leak_get_line);
	free(text);
	dma_fence_put(fence);
	assert_int_equal(reported()->count, 0);
}

/* A producer that forgets the reference of dma_fence_init() is to be named like any other. */
static void producer_leaks(void **state)
{
	struct dma_fence *fence = new_fence();
	char *text;

	(void)state;
	producer_makes(fence);
	consumer(fence);
	dma_fence_signal(fence);
	text = dma_fence_ledger_leak(fence);
	assert_only(text, NOT_DROPPED, "producer_makes", init_line);
	free(text);
	dma_fence_put(fence);
}

/* The threads tell them apart: all run the same functions. */
static int turn;

static void *takes_and_drops(void *arg)
{
	consumer_takes(arg);
	while (atomic_load_acquire(&turn) != 2)
		sched_yield();
	consumer_drops(arg);
	return NULL;
}

static void *drops_only(void *arg)
{
	consumer_drops(arg);
	set_flag(&turn);
	return NULL;
}

static void threads_tell_alike_users_apart(void **state)
{
	static struct dma_fence *fence;
	pthread_t threads[2];
	struct blamed blamed;
	int32_t number;
	char wanted[32];

	(void)state;
	fence = new_fence();
	turn = 0;
	producer_makes(fence);
	threads[0] = start(takes_and_drops, fence);
	while (!prints(fence, "dma_fence_get()"))
		sched_yield();
	consumer_takes(fence);
	threads[1] = start(drops_only, fence);
	await_flag(&turn);
	join(threads[1]);
	number = gettid();
	consumer_drops(fence);
	atomic_store_release(&turn, 2);
	join(threads[0]);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(consumer_drops, put_line);
	blamed = blamed_by(reported()->details, PUT_TOO_MANY);
	snprintf(wanted, sizeof(wanted), "thread %d", (int)number);
	assert_null(strstr(blamed.first, wanted));
}

/* A reference that was given to a container is dropped by the container, wherever that is released. */
static void containers_drop_what_they_were_given(void **state)
{
	static struct dma_fence *fence;
	struct dma_fence_array *array;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	consumer_takes(fence);
	array = array_of_fences(fence, 1);
	error_path(fence);
	dma_fence_put(&array->base);
	consumer_drops(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(error_path, error_put_line);
	assert_non_null(strstr(reported()->details, "by the release of the container"));
}

/* The other way round: who has given its reference to a container drops it itself as well. */
static void given_to_a_container_and_dropped(void **state)
{
	static struct dma_fence *fence;
	struct dma_fence_array *array;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	consumer_takes(fence);
	array = array_of_fences(fence, 1);
	consumer_drops(fence);
	consumer(fence);
	error_path(fence);
	dma_fence_put(&array->base);
	assert_blames(error_path, error_put_line);
}

/* A link has two: the fence of its point, and the links before it. */
static void given_to_a_chain(void **state)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc(), *second = dma_fence_chain_alloc();
	struct dma_fence *fence = new_fence();

	(void)state;
	assert_true(first && second);
	producer_makes(fence);
	dma_fence_chain_init(first, NULL, dma_fence_get(fence), 1);
	assert_true(prints(fence, "put into a container"));
	dma_fence_chain_init(second, &first->base, dma_fence_get_stub(), 2);
	assert_true(prints(&first->base, "put into a container"));
	dma_fence_put(&second->base);
	producer_completes(fence);
	assert_int_equal(reported()->count, 0);
}

/* How much memory it may have; what is no number of megabytes counts for nothing. */
static void memory_by_the_environment(void **state)
{
	static const char *const settings[] = { "", "x", "5x", "0", "-1", "1048577", NULL };
	struct dma_fence_ledger_use use;
	size_t usual;
	int i;

	(void)state;
	assert_int_equal(dma_fence_ledger_stop(), 0);
	unsetenv("DMA_FENCE_LEDGER_MB");
	dma_fence_ledger_start();
	dma_fence_ledger_get_use(&use);
	usual = use.limit;
	for (i = 0; settings[i]; i++) {
		assert_int_equal(dma_fence_ledger_stop(), 0);
		setenv("DMA_FENCE_LEDGER_MB", settings[i], 1);
		dma_fence_ledger_start();
		dma_fence_ledger_get_use(&use);
		assert_int_equal(use.limit, usual);
	}
	assert_int_equal(dma_fence_ledger_stop(), 0);
	setenv("DMA_FENCE_LEDGER_MB", "7", 1);
	dma_fence_ledger_start();
	dma_fence_ledger_get_use(&use);
	assert_true(use.limit > 6 << 20 && use.limit <= 7 << 20);
	unsetenv("DMA_FENCE_LEDGER_MB");
}

/* A producer's context has a reference of its own: that of dma_fence_context_emit() may go at once. */
static void contexts_keep_their_own(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("test", "ledger", NULL, 1);
	static struct dma_fence *fence;
	const char *made, *dropped;

	(void)state;
	fence = new_fence();
	assert_non_null(context);
	job(context, fence);
	consumer(fence);
	error_path(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(error_path, error_put_line);
	made = strstr(reported()->details, "dma_fence_init() in job (");
	assert_non_null(made);
	dropped = strstr(made, ": dropped by dma_fence_put() in job (");
	assert_true(dropped && dropped < strchr(made, '\n'));
	assert_int_equal(dma_fence_context_signal_until(context, 1), 1);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_LATE_SIGNAL);
	dma_fence_context_destroy(context);
}

/* What it forgets */

/* Under a sanitizer fewer are enough to have it forget. */
#define PAIRS (PATIENCE > 1 ? 30000 : 1000000)

static void an_extra_put_survives_a_million_pairs(void **state)
{
	static struct dma_fence *fence;
	int i;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	for (i = 0; i < 3; i++)
		dma_fence_get(fence);
	for (i = 0; i < PAIRS; i++) {
		consumer(fence);
		if (i == 10000)
			error_path(fence);
	}
	for (i = 0; i < 3; i++)
		dma_fence_put(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_blames(error_path, error_put_line);
	assert_non_null(strstr(reported()->details, "balanced pairs are not shown"));
	assert_true(prints(fence, "dma_fence_init()"));
}

static void a_leaked_get_survives_a_million_pairs(void **state)
{
	struct dma_fence *fence = new_fence();
	char *text;
	int i;

	(void)state;
	producer_makes(fence);
	for (i = 0; i < PAIRS; i++) {
		/* Handed over, so that no function has both. */
		consumer_takes(fence);
		if (i == 10000)
			consumer_forgets(fence);
		consumer_drops(fence);
	}
	dma_fence_signal(fence);
	producer_drops(fence);
	text = dma_fence_ledger_leak(fence);
	assert_only(text, NOT_DROPPED, "consumer_forgets", leak_get_line);
	free(text);
	dma_fence_put(fence);
}

/* What is taken in a loop becomes one line with a number. */
static void leaks_in_a_loop_are_counted(void **state)
{
	struct dma_fence *fence = new_fence();
	struct blamed blamed;
	char *text;
	int i;

	(void)state;
	producer_makes(fence);
	for (i = 0; i < 10000; i++)
		consumer_forgets(fence);
	producer_completes(fence);
	text = dma_fence_ledger_leak(fence);
	blamed = blamed_by(text, NOT_DROPPED);
	assert_true(names(blamed.first, "consumer_forgets", FILE_NAME, leak_get_line));
	assert_non_null(strstr(blamed.first, "more like it"));
	free(text);
	for (i = 0; i < 10000; i++)
		dma_fence_put(fence);
	assert_int_equal(reported()->count, 0);
}

static void events_go_before_references(void **state)
{
	struct dma_fence_cb cb;
	struct dma_fence *fence = new_fence();
	int i;

	(void)state;
	producer_makes(fence);
	consumer_takes(fence);
	for (i = 0; i < 10000; i++) {
		dma_fence_add_callback(fence, &cb, called);
		dma_fence_remove_callback(fence, &cb);
	}
	assert_true(prints(fence, "dma_fence_init()"));
	assert_true(prints(fence, "dma_fence_get()"));
	assert_true(prints(fence, " other events are not shown"));
	producer_completes(fence);
	consumer_drops(fence);
	assert_int_equal(reported()->count, 0);
}

/* What reports add */

static void without_the_ledger_a_report_says_where(void **state)
{
	static struct dma_fence *fence;

	(void)state;
	memset(reported(), 0, sizeof(struct reported));
	dma_fence_set_report_handler(keep_report, NULL);
	fence = new_fence();
	producer_makes(fence);
	error_path(fence);
	catch_end();
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_QUARANTINE);
	assert_non_null(strstr(reported()->details, "here:\n    #0 error_path (ledger.c:"));
	assert_non_null(strstr(reported()->details, "DMA_FENCE_DEBUG=ledger tells"));
}

static void overflow_names_who_takes(void **state)
{
	static struct dma_fence *fence;
	struct blamed blamed;

	(void)state;
	fence = new_fence();
	producer_makes(fence);
	dma_fence_signal(fence);
	fence->refcount = INT32_MAX;
	consumer(fence);
	assert_int_equal(reported()->reason, DMA_FENCE_REPORT_REFCOUNT);
	blamed = blamed_by(reported()->details, NOT_DROPPED);
	assert_true(blamed.count >= 1);
	assert_non_null(strstr(reported()->details, "in consumer (ledger.c:"));
}

/* The one that is left over may be one that nobody has seen. */
static void of_an_older_fence_it_says_so(void **state)
{
	struct dma_fence *fence = new_fence();
	char *text;

	(void)state;
	producer_makes(fence);
	dma_fence_get(fence);
	assert_int_equal(dma_fence_ledger_start_fence(fence), 0);
	consumer(fence);
	producer_completes(fence);
	text = dma_fence_ledger_leak(fence);
	assert_int_equal(blamed_by(text, NOT_DROPPED).count, 1);
	assert_non_null(strstr(text, "one that there was before the ledger began"));
	free(text);
	dma_fence_put(fence);
	assert_int_equal(dma_fence_ledger_stop_fence(fence), 0);
}

/* What folding and balance go by: also where others have hooks, too. */
static void callers_are_found(void **state)
{
	struct history *history;
	struct dma_fence fence;
	int several;

	(void)state;
	for (several = 0; several < 2; several++) {
		if (several)
			dma_fence_records_want();
		fence_init(&fence);
		consumer(&fence);
		consumer_on_screen(&fence);
		history = dma_fence_account_history(&fence);
		assert_non_null(history);
		assert_int_equal(history->count, 5);
		assert_true(history->entries[0].caller != 0);
		assert_true(history->entries[1].caller != 0);
		assert_int_equal(history->entries[1].caller, history->entries[2].caller);
		assert_int_equal(history->entries[3].caller, history->entries[4].caller);
		assert_true(history->entries[0].caller != history->entries[1].caller);
		assert_true(history->entries[1].caller != history->entries[3].caller);
		free(history);
		if (several)
			dma_fence_records_unwant();
	}
}

static void without_memory_it_only_knows_less(void **state)
{
	struct dma_fence_ledger_use use;
	struct dma_fence fence;
	int fail;

	(void)state;
	for (fail = 1; fail < 8; fail++) {
		struct dma_fence *kept = new_fence();

		dma_fence_ledger_start();
		failing_malloc_in = fail;
		fence_init(&fence);
		consumer(&fence);
		producer_completes(&fence);
		producer_makes(kept);
		error_path(kept);
		failing_malloc_in = -1;
		dma_fence_ledger_get_use(&use);
		if (fail == 1)
			assert_true(use.missing > 0);
		assert_int_equal(dma_fence_ledger_stop(), 0);
		free(kept);
	}
}

static void without_memory_it_does_not_say_that_it_knows_nothing(void **state)
{
	struct dma_fence fence;
	int ret;

	(void)state;
	dma_fence_ledger_start();
	fence_init(&fence);
	failing_malloc_in = 1;
	ret = dma_fence_ledger_print(&fence, stdout);
	failing_malloc_in = -1;
	assert_int_equal(ret, -ENOMEM);
	producer_completes(&fence);
	assert_int_equal(dma_fence_ledger_stop(), 0);
}

static void all_memory_is_given_back(void **state)
{
	const long before = failing_malloc_live;
	struct dma_fence fences[100];
	struct dma_fence_ledger_use use;
	size_t i;

	(void)state;
	dma_fence_ledger_start();
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fence_init(&fences[i]);
		consumer(&fences[i]);
		producer_completes(&fences[i]);
	}
	dma_fence_ledger_get_use(&use);
	assert_int_equal(use.fences, 100);
	assert_int_equal(use.entries, 600);
	assert_true(use.memory > 0);
	assert_true(use.memory <= use.limit);
	assert_int_equal(dma_fence_ledger_stop(), 0);
	dma_fence_ledger_get_use(&use);
	assert_int_equal(use.fences, 0);
	assert_int_equal(use.entries, 0);
	assert_int_equal(use.memory, 0);
	assert_int_equal(failing_malloc_live, before);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(every_kind_is_written_down),
		LEDGER_TEST(newest_is_last),
		LEDGER_TEST(the_file_may_wait_for_others),
		LEDGER_TEST(the_first_is_found_under_rcu),
		cmocka_unit_test(of_a_context_those_made_from_then_on),
		cmocka_unit_test(so_many_contexts_and_fences),
		cmocka_unit_test(of_one_fence_from_then_on),
		cmocka_unit_test(of_the_process_also_those_that_were_there),
		cmocka_unit_test(switched_on_by_word),
		LEDGER_TEST(a_new_fence_begins_anew),
		LEDGER_TEST(error_path_puts_while_consumers_are_right),
		LEDGER_TEST(producer_puts_before_the_signal),
		LEDGER_TEST(two_that_are_as_likely_are_both_named),
		LEDGER_TEST(underflow_after_the_signal),
		LEDGER_TEST(get_after_the_end),
		LEDGER_TEST(one_of_three_users_leaks),
		LEDGER_TEST(producer_leaks),
		LEDGER_TEST(threads_tell_alike_users_apart),
		LEDGER_TEST(containers_drop_what_they_were_given),
		LEDGER_TEST(given_to_a_container_and_dropped),
		LEDGER_TEST(given_to_a_chain),
		LEDGER_TEST(memory_by_the_environment),
		LEDGER_TEST(contexts_keep_their_own),
		LEDGER_TEST(an_extra_put_survives_a_million_pairs),
		LEDGER_TEST(a_leaked_get_survives_a_million_pairs),
		LEDGER_TEST(leaks_in_a_loop_are_counted),
		LEDGER_TEST(events_go_before_references),
		cmocka_unit_test(without_the_ledger_a_report_says_where),
		LEDGER_TEST(overflow_names_who_takes),
		cmocka_unit_test_setup(of_an_older_fence_it_says_so, catch_setup),
		LEDGER_TEST(callers_are_found),
		LEDGER_TEST(without_memory_it_does_not_say_that_it_knows_nothing),
		cmocka_unit_test_setup_teardown(without_memory_it_only_knows_less, catch_setup,
						catch_teardown),
		cmocka_unit_test(all_memory_is_given_back),
	};

	return RUN(tests);
}
