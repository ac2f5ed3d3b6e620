/* SPDX-License-Identifier: MIT */
/* Explaining while others signal, wait for and release what is explained. */
#include "support.h"

#include "diag/record.h"

#define ROUNDS 300
#define LEAVES 6

static int stop;

static void explain_into_nowhere(struct dma_fence *fence)
{
	struct dma_fence_explanation *explanation = dma_fence_explanation_of_fence(fence);
	static const enum dma_fence_explanation_format formats[] = {
		DMA_FENCE_EXPLANATION_TEXT,
		DMA_FENCE_EXPLANATION_JSON,
		DMA_FENCE_EXPLANATION_DOT,
	};
	size_t i, size;
	char *text;
	FILE *out;

	assert_non_null(explanation);
	assert_non_null(explanation->verdict);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		out = open_memstream(&text, &size);
		assert_int_equal(dma_fence_explanation_print(explanation, formats[i], out), 0);
		fclose(out);
		assert_true(size > 0);
		free(text);
	}
	dma_fence_explanation_free(explanation);
}

/* A job's fences, as others find them: under a lock, with a reference. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct dma_fence *shown[4];
static struct dma_fence_syncobj *syncobj;
static struct dma_resv resv;

static void show(unsigned int i, struct dma_fence *fence)
{
	struct dma_fence *old;

	pthread_mutex_lock(&mutex);
	old = shown[i];
	shown[i] = dma_fence_get(fence);
	pthread_mutex_unlock(&mutex);
	dma_fence_put(old);
}

static struct dma_fence *look(unsigned int i)
{
	struct dma_fence *fence;

	pthread_mutex_lock(&mutex);
	fence = dma_fence_get(shown[i]);
	pthread_mutex_unlock(&mutex);
	return fence;
}

static void *explain_all(void *arg)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence *fence;
	unsigned int i;

	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		for (i = 0; i < ARRAY_SIZE(shown); i++) {
			fence = look(i);
			if (fence)
				explain_into_nowhere(fence);
			dma_fence_put(fence);
		}
		for (i = 0; i < 3; i++) {
			explanation = dma_fence_explanation_of_point(syncobj, i * ROUNDS / 2);
			assert_non_null(explanation);
			dma_fence_explanation_free(explanation);
		}
		explanation = dma_fence_explanation_of_resv(&resv);
		assert_non_null(explanation);
		dma_fence_explanation_free(explanation);
	}
	return NULL;
}

static void *wait_for_all(void *arg)
{
	struct dma_fence *fences[2];
	unsigned int i = 0;

	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		fences[0] = look(i++ % ARRAY_SIZE(shown));
		fences[1] = look(i % ARRAY_SIZE(shown));
		if (fences[0] && i % 2)
			dma_fence_wait_timeout(fences[0], false, 2 * MS);
		if (fences[0] && fences[1] && !(i % 2))
			dma_fence_wait_any_timeout(fences, 2, false, 2 * MS, NULL);
		dma_fence_put(fences[0]);
		dma_fence_put(fences[1]);
	}
	return NULL;
}

static bool enabled(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static bool not_yet(struct dma_fence *fence)
{
	(void)fence;
	return false;
}

/* A producer: makes jobs of a few fences, shows them, and signals them in some order. */
static void *produce(void *arg)
{
	/* Freed by dma_fence_free(). */
	static const struct dma_fence_ops ops = {
		.enable_signaling = enabled,
		.signaled = not_yet,
	};
	struct dma_fence_context *context = dma_fence_context_create("gpu", "race", &ops, 1);
	struct dma_fence *chain = NULL;
	uint64_t raw = dma_fence_context_alloc(1);
	unsigned int i, round;

	(void)arg;
	dma_fence_annotate_signaler(dma_fence_context_id(context));
	for (round = 1; round <= ROUNDS; round++) {
		struct dma_fence *leaves[LEAVES], **members = malloc(2 * sizeof(*members));
		struct dma_fence_promise *promise;
		struct dma_fence_array *array;
		struct dma_fence_chain *link = dma_fence_chain_alloc();

		for (i = 0; i < LEAVES; i++) {
			leaves[i] = malloc(sizeof(*leaves[i]));
			if (i % 2)
				dma_fence_init(leaves[i], &ops, raw, round * LEAVES + i);
			else
				assert_int_equal(dma_fence_context_emit(context, leaves[i]), 0);
		}
		for (i = 0; i < 2; i++)
			members[i] = dma_fence_get(leaves[i]);
		array = dma_fence_array_create(2, members, raw, round);
		dma_fence_chain_init(link, chain, &array->base, round);
		chain = &link->base;
		promise = dma_fence_syncobj_promise(syncobj, round);
		assert_non_null(promise);
		dma_fence_annotate_dependency(leaves[3], leaves[2]);
		dma_resv_lock(&resv, NULL);
		if (!dma_resv_reserve_fences(&resv, 1))
			dma_resv_add_fence(&resv, leaves[2], DMA_RESV_USAGE_WRITE);
		dma_resv_unlock(&resv);

		show(0, chain);
		show(1, &array->base);
		show(2, leaves[3]);
		show(3, leaves[4]);
		dma_fence_enable_signaling(chain);
		sched_yield();
		assert_int_equal(dma_fence_promise_keep(promise, leaves[5]), 0);
		dma_fence_context_signal_until(context, dma_fence_context_last_emitted(context));
		for (i = LEAVES; i--;) {
			dma_fence_signal(leaves[i]);
			dma_fence_put(leaves[i]);
		}
	}
	dma_fence_put(chain);
	dma_fence_context_destroy(context);
	return NULL;
}

static void run(void **state)
{
	pthread_t producer, others[3];
	unsigned int i;

	(void)state;
	syncobj = dma_fence_syncobj_create(0);
	dma_resv_init(&resv);
	others[0] = start(explain_all, NULL);
	others[1] = start(explain_all, NULL);
	others[2] = start(wait_for_all, NULL);
	producer = start(produce, NULL);
	join(producer);
	set_flag(&stop);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		join(others[i]);
	for (i = 0; i < ARRAY_SIZE(shown); i++)
		show(i, NULL);
	dma_resv_fini(&resv);
	dma_fence_syncobj_put(syncobj);
	assert_int_equal(caught()->count, 0);
}

static void run_with_records(void **state)
{
	dma_fence_records_want();
	run(state);
	dma_fence_records_unwant();
}

/* Switched on and off all the while. */
static void *switch_records(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		dma_fence_records_want();
		sched_yield();
		dma_fence_records_unwant();
		sched_yield();
	}
	return NULL;
}

static void run_with_records_now_and_then(void **state)
{
	pthread_t thread;

	thread = start(switch_records, NULL);
	run(state);
	join(thread);
}

static int begin(void **state)
{
	stop = 0;
	return catch_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(run, begin, catch_teardown),
		cmocka_unit_test_setup_teardown(run_with_records, begin, catch_teardown),
		cmocka_unit_test_setup_teardown(run_with_records_now_and_then, begin,
						catch_teardown),
	};

	return RUN(tests);
}
