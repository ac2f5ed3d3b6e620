/* SPDX-License-Identifier: MIT */
/*
 * A program whose trace tests/trace.py looks at. Writes the trace, and what it has done, of which
 * the numbers are counted apart from the recorder.
 * usage: traced SCENARIO TRACE FACTS
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support.h"

#define CONTEXTS 3
#define FENCES	 20
#define WAITERS	 2

/* A sanitizer does not work in the child of a process with threads. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HAS_CHILDREN 0
#else
#define HAS_CHILDREN 1
#endif

static const char *const names[CONTEXTS][2] = {
	{ "engine", "queue 0" },
	{ "ev\"il\\\n\t\x01", "</script>\xff\xc3\xa9" },
	{ "{}[],:", "" },
};

static struct dma_fence_context *contexts[CONTEXTS];
static FILE *facts;

/* What the hooks are told, by all threads. */
static uint32_t inits, enables, signals, callbacks, waits, wakes, waits_for_any, releases;

static void count_init(struct dma_fence *fence)
{
	(void)fence;
	atomic_fetch_add_release(&inits, 1);
}

static void count_enable(struct dma_fence *fence)
{
	(void)fence;
	atomic_fetch_add_release(&enables, 1);
}

static void count_signal(struct dma_fence *fence)
{
	(void)fence;
	atomic_fetch_add_release(&signals, 1);
}

static void count_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	atomic_fetch_add_release(&callbacks, 1);
}

static void count_wait(struct dma_fence *fence)
{
	(void)fence;
	atomic_fetch_add_release(&waits, 1);
}

static void count_wake(struct dma_fence *fence, int result)
{
	(void)fence;
	if (!result)
		atomic_fetch_add_release(&wakes, 1);
}

static void count_wait_for_any(struct dma_fence **fences, uint32_t count)
{
	(void)fences;
	(void)count;
	atomic_fetch_add_release(&waits_for_any, 1);
}

static void count_released(struct dma_fence *fence)
{
	(void)fence;
	atomic_fetch_add_release(&releases, 1);
}

static const struct hooks counting = {
	.init = count_init,
	.enable = count_enable,
	.signal = count_signal,
	.callback = count_callback,
	.wait_begin = count_wait,
	.wait_end = count_wake,
	.wait_any_begin = count_wait_for_any,
	.release = count_released,
};

static void await_count(const uint32_t *count, uint32_t wanted)
{
	while (atomic_load_acquire(count) < wanted)
		sched_yield();
}

static struct dma_fence *new_fence(struct dma_fence_context *context)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	assert_int_equal(dma_fence_context_emit(context, fence), 0);
	return fence;
}

/* A story: everything happens, and all of it is in the trace. */

static struct dma_fence *emitted[CONTEXTS][FENCES];

static void *wait_for_each(void *arg)
{
	struct dma_fence **fences = arg;
	int i;

	pthread_setname_np(pthread_self(), "wait\"er");
	for (i = 0; i < FENCES; i++)
		assert_int_equal(dma_fence_wait(fences[i], false), 0);
	return NULL;
}

static void *wait_for_array(void *arg)
{
	assert_int_equal(dma_fence_wait(arg, false), 0);
	return NULL;
}

static void *wait_for_any(void *arg)
{
	struct dma_fence *fences[CONTEXTS];
	int i;

	(void)arg;
	for (i = 0; i < CONTEXTS; i++)
		fences[i] = emitted[i][FENCES - 1];
	assert_true(dma_fence_wait_any_timeout(fences, CONTEXTS, false, DMA_FENCE_WAIT_FOREVER,
					       NULL) > 0);
	return NULL;
}

static void story(void)
{
	struct counter counters[FENCES] = { 0 };
	struct dma_fence_syncobj_point point = { .point = 1 };
	struct dma_fence **members, *array, *pending[2], *dropped;
	pthread_t waiters[CONTEXTS][WAITERS], for_array, for_any;
	int i, k;

	for (k = 0; k < CONTEXTS; k++) {
		for (i = 0; i < FENCES; i++)
			emitted[k][i] = new_fence(contexts[k]);
	}
	for (i = 0; i < FENCES; i++)
		dma_fence_add_callback(emitted[0][i], &counters[i].cb, count_call);

	members = malloc(CONTEXTS * sizeof(*members));
	for (k = 0; k < CONTEXTS; k++)
		members[k] = dma_fence_get(emitted[k][FENCES / 2]);
	array = &dma_fence_array_create(CONTEXTS, members, dma_fence_context_alloc(1), 1)->base;

	for_array = start(wait_for_array, array);
	for_any = start(wait_for_any, NULL);
	await_count(&waits, 1);
	await_count(&waits_for_any, 1);
	for (k = 0; k < CONTEXTS; k++) {
		for (i = 0; i < WAITERS; i++)
			waiters[k][i] = start(wait_for_each, emitted[k]);
	}
	/* Each fence is signaled when all who wait for it do; in any order of contexts. */
	for (i = 0; i < FENCES; i++) {
		await_count(&waits, 1 + (uint32_t)(CONTEXTS * WAITERS * (i + 1)));
		if (i % 4 == 0)
			let_it_sleep();
		for (k = 0; k < CONTEXTS; k++) {
			struct dma_fence_context *context = contexts[(k + i) % CONTEXTS];

			if (i == 7)
				dma_fence_set_error(emitted[(k + i) % CONTEXTS][i], -EIO);
			assert_int_equal(dma_fence_context_signal_until(context, (uint64_t)i + 1),
					 1);
		}
	}
	for (k = 0; k < CONTEXTS; k++) {
		for (i = 0; i < WAITERS; i++)
			join(waiters[k][i]);
	}
	join(for_array);
	join(for_any);
	dma_fence_put(array);
	for (k = 0; k < CONTEXTS; k++) {
		for (i = 0; i < FENCES; i++)
			dma_fence_put(emitted[k][i]);
	}

	/* A wait in vain, one that was never used, and two that are pending at the end. */
	for (i = 0; i < 2; i++)
		pending[i] = new_fence(contexts[2]);
	assert_int_equal(dma_fence_wait_timeout(pending[0], false, MS), 0);
	dropped = malloc(sizeof(*dropped));
	dma_fence_init(dropped, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_put(dropped);
	dma_fence_put(pending[0]);
	dma_fence_put(pending[1]);

	point.syncobj = dma_fence_syncobj_create(0);
	assert_int_equal(dma_fence_syncobj_wait(&point, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
						MS, NULL),
			 0);
	dma_fence_syncobj_put(point.syncobj);
}

/* Little memory: begins, ends and signals are lost. */

static struct dma_fence fence;

static void live_often(uint64_t context)
{
	struct dma_fence other;
	uint64_t i;

	for (i = 1; i <= 1000; i++) {
		dma_fence_init(&other, plain_ops(), context, i);
		dma_fence_signal(&other);
		dma_fence_put(&other);
	}
}

static void live_often_in_callback(struct dma_fence *signaled, struct dma_fence_cb *cb)
{
	(void)cb;
	live_often(signaled->context + 1);
}

/* All that this thread does is in the trace, but not what woke it. */
static void *init_and_wait(void *arg)
{
	dma_fence_init(&fence, plain_ops(), *(uint64_t *)arg, 1);
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	return NULL;
}

static void overflow(void)
{
	uint64_t context = dma_fence_context_alloc(3);
	pthread_t thread = start(init_and_wait, &context);
	struct dma_fence_cb cb;
	struct dma_fence other;

	await_count(&waits, 1);
	dma_fence_signal(&fence);
	join(thread);
	/* Of this callback the begin is lost, and the end is not. */
	dma_fence_init(&other, plain_ops(), context + 1, 1);
	dma_fence_add_callback(&other, &cb, live_often_in_callback);
	dma_fence_signal(&other);
	dma_fence_put(&other);
	dma_fence_put(&fence);
}

/* Written while others go on. */

static int over;

static void *keep_waiting(void *arg)
{
	struct dma_fence_context *context = arg;

	while (!atomic_load_acquire(&over)) {
		struct dma_fence *own = new_fence(context);
		uint64_t seqno = own->seqno;

		dma_fence_wait_timeout(own, false, 20000);
		dma_fence_context_signal_until(context, seqno);
		assert_int_equal(dma_fence_wait(own, false), 0);
		dma_fence_put(own);
	}
	return NULL;
}

static void busy(const char *path)
{
	pthread_t threads[CONTEXTS * 2];
	char name[4096];
	FILE *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(keep_waiting, contexts[i % CONTEXTS]);
	for (i = 0; i < 20; i++) {
		sleep_ns(5 * MS);
		snprintf(name, sizeof(name), "%s.%zu", path, i);
		file = fopen(name, "we");
		assert_non_null(file);
		assert_int_equal(dma_fence_trace_write(file), 0);
		fclose(file);
		if (i % 5 == 4) { /* a gap */
			dma_fence_trace_stop();
			sleep_ns(MS);
			dma_fence_trace_start(0);
		}
	}
	set_flag(&over);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
}

/* A child that ends does not write its parent's file. */
static void end_child(const char *path)
{
	struct stat status;
	pid_t pid = fork();
	int ended;

	assert_true(pid >= 0);
	if (!pid)
		exit(0);
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_int_equal(ended, 0);
	if (!stat(path, &status))
		assert_int_equal(status.st_size, 0);
}

int main(int argc, char **argv)
{
	FILE *file;
	int i;

	if (argc != 4)
		return 2;
	facts = fopen(argv[3], "we");
	assert_non_null(facts);
	dma_fence_hooks_add(&counting);
	if (strcmp(argv[1], "environment"))
		dma_fence_trace_start(strcmp(argv[1], "story") ? 4096 : 0);
	for (i = 0; i < CONTEXTS; i++)
		contexts[i] = dma_fence_context_create(names[i][0], names[i][1], NULL, 1);
	dma_fence_set_report_handler(catch_report, NULL);

	if (!strcmp(argv[1], "overflow"))
		overflow();
	else if (!strcmp(argv[1], "busy"))
		busy(argv[2]);
	else
		story();
	if (!strcmp(argv[1], "environment") && HAS_CHILDREN)
		end_child(argv[2]);

	if (strcmp(argv[1], "environment")) {
		file = fopen(argv[2], "we");
		assert_non_null(file);
		assert_int_equal(dma_fence_trace_write(file), 0);
		fclose(file);
		dma_fence_trace_stop();
	}
	fprintf(facts,
		"{\"inits\":%u,\"enables\":%u,\"signals\":%u,\"callbacks\":%u,\"waits\":%u,"
		"\"wakes\":%u,\"waits_for_any\":%u,\"releases\":%u,\"contexts\":[",
		inits, enables, signals, callbacks, waits, wakes, waits_for_any, releases);
	for (i = 0; i < CONTEXTS; i++)
		fprintf(facts, "%s%" PRIu64, i ? "," : "", dma_fence_context_id(contexts[i]));
	fprintf(facts, "]}\n");
	fclose(facts);
	if (strcmp(argv[1], "environment")) {
		for (i = 0; i < CONTEXTS; i++)
			dma_fence_context_destroy(contexts[i]);
	}
	return 0;
}
