/* SPDX-License-Identifier: MIT */
/* Why has this not signaled: promises, sync objects, sync files, reservation objects, contexts. */
#include "explain.h"
#include "peer.h"

/* Promises, sync objects, sync files */

static void promises(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_promise *promise;
	struct dma_fence_explanation *explanation;
	struct dma_fence fence, *found;

	(void)state;
	promise = dma_fence_syncobj_promise(syncobj, 5);
	explanation = dma_fence_explanation_of_point(syncobj, 5);
	assert_contains(explanation->verdict, "point 5 of sync object ");
	assert_contains(explanation->verdict, "somebody has given promise ");
	assert_contains(explanation->verdict, "neither kept nor broken it");
	dma_fence_explanation_free(explanation);

	/* Kept: it goes on with what it is kept with; and back from there. */
	fence_init(&fence);
	assert_int_equal(dma_fence_promise_keep(promise, &fence), 0);
	explanation = dma_fence_explanation_of_point(syncobj, 4);
	assert_contains(explanation->verdict, "point 4 of sync object ");
	assert_contains(explanation->verdict, ": nobody has signaled ");
	assert_non_null(node_for(explanation, &fence));
	dma_fence_explanation_free(explanation);
	explanation = explain(&fence);
	assert_int_equal(explanation->nodes[1].kind, DMA_FENCE_EXPLANATION_PROMISE);
	assert_true(is_edge(explanation, &explanation->nodes[1], &explanation->nodes[0],
			    DMA_FENCE_EXPLANATION_KEPT_WITH));
	dma_fence_explanation_free(explanation);

	explanation = dma_fence_explanation_of_point(syncobj, 7);
	assert_contains(explanation->verdict,
			"nobody has promised point 7 of this timeline: the last one that was is 5");
	assert_int_equal(explanation->nodes[0].state, DMA_FENCE_EXPLANATION_UNPROMISED);
	dma_fence_explanation_free(explanation);
	explanation = dma_fence_explanation_of_point(syncobj, 0);
	assert_contains(explanation->verdict, "a timeline: there is no point 0");
	dma_fence_explanation_free(explanation);

	/* Nobody has waited for the point: the link signals when it is asked. */
	dma_fence_signal(&fence);
	explanation = dma_fence_explanation_of_point(syncobj, 5);
	assert_contains(explanation->verdict, "it will when somebody waits for it, or polls it");
	dma_fence_explanation_free(explanation);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 5), 1);
	explanation = dma_fence_explanation_of_point(syncobj, 5);
	assert_contains(explanation->verdict, "signaled");
	assert_int_equal(explanation->nodes[0].state, DMA_FENCE_EXPLANATION_DRAINED);
	dma_fence_explanation_free(explanation);
	dma_fence_put(&fence);

	dma_fence_syncobj_reset(syncobj);
	explanation = dma_fence_explanation_of_point(syncobj, 0);
	assert_contains(explanation->verdict, "nobody has put a fence into this sync object");
	dma_fence_explanation_free(explanation);
	dma_fence_syncobj_signal(syncobj);
	explanation = dma_fence_explanation_of_point(syncobj, 1);
	assert_contains(explanation->verdict, "binary: it has no points");
	dma_fence_explanation_free(explanation);
	found = dma_fence_syncobj_find_fence(syncobj, 0);
	assert_verdict(found, "signaled ", NULL);
	dma_fence_put(found);
	dma_fence_syncobj_put(syncobj);
}

static void who_waits_for_a_point(void **state)
{
	static const unsigned int kinds[] = { 0, 0, DMA_FENCE_SYNCOBJ_CREATE_SHARED };
	struct dma_fence_explanation *explanation;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(kinds[i]);
		struct point_waiter waiter = { .points = { { syncobj, 3 }, { syncobj, 9 } },
					       .count = i == 1 ? 2 : 1 };
		pthread_t thread = start(wait_for_points, &waiter);

		await_sleep_for_point(&waiter);
		explanation = dma_fence_explanation_of_point(syncobj, 3);
		assert_contains(explanation->verdict,
				"nobody has promised point 3 of this timeline: nor any other");
		assert_contains(explanation->verdict, " waits for it");
		assert_true(is_edge(explanation, node_of_thread(explanation, waiter.number),
				    &explanation->nodes[0],
				    i == 1 ? DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY
					   : DMA_FENCE_EXPLANATION_SLEEPS));
		dma_fence_explanation_free(explanation);
		assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 9), 0);
		join(thread);
		dma_fence_syncobj_put(syncobj);
	}
}

static void fences_of_others(void **state)
{
	struct dma_fence_syncobj *syncobj =
		dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(syncobj, 1);
	struct dma_fence_explanation *explanation = dma_fence_explanation_of_point(syncobj, 1);

	(void)state;
	assert_contains(explanation->verdict,
			"of a shared sync object has not signaled: whichever process");
	dma_fence_explanation_free(explanation);
	dma_fence_promise_drop(promise);
	dma_fence_syncobj_put(syncobj);
}

static void sync_files(void **state)
{
	struct dma_fence_explanation *explanation;
	struct process peer;
	struct dma_fence *fence;
	char process[64];
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	fence = dma_fence_sync_file_import_take_fd(fd);
	assert_non_null(fence);
	explanation = explain(fence);
	snprintf(process, sizeof(process), "sync file 'dmafence process %d context ",
		 (int)peer.pid);
	assert_contains(explanation->verdict, process);
	assert_contains(explanation->verdict, "and nobody in this process signals it");
	dma_fence_explanation_free(explanation);
	peer_signals(&peer, 0, 0, -1);
	process_end(&peer);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	dma_fence_put(fence);
}

/* Reservation objects and contexts */

static void reservation_objects(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[2];
	struct dma_resv obj;
	char *text;
	int i;

	(void)state;
	dma_resv_init(&obj);
	explanation = dma_fence_explanation_of_resv(&obj);
	assert_contains(explanation->verdict, "there is nothing to wait for in reservation object");
	dma_fence_explanation_free(explanation);

	assert_int_equal(dma_resv_lock(&obj, NULL), 0);
	assert_int_equal(dma_resv_reserve_fences(&obj, 2), 0);
	for (i = 0; i < 2; i++) {
		fence_init(&fences[i]);
		dma_resv_add_fence(&obj, &fences[i],
				   i ? DMA_RESV_USAGE_BOOKKEEP : DMA_RESV_USAGE_KERNEL);
	}
	/* It needs no lock, and whoever has it is not waited for. */
	explanation = dma_fence_explanation_of_resv(&obj);
	dma_resv_unlock(&obj);
	assert_contains(explanation->verdict, " has 2 pending fences: nobody has signaled ");
	text = as_text(explanation);
	assert_contains(text, "kernel: fence ");
	assert_contains(text, "bookkeep: fence ");
	free(text);
	text = as_format(explanation, DMA_FENCE_EXPLANATION_JSON);
	assert_contains(text, "\"usage\": \"kernel\"");
	assert_contains(text, "\"usage\": \"bookkeep\"");
	free(text);
	dma_fence_explanation_free(explanation);

	for (i = 0; i < 2; i++) {
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	dma_resv_fini(&obj);
	assert_int_equal(*release_count(), 2);
}

static void contexts(void **state)
{
	struct dma_fence_context *context =
		dma_fence_context_create("gpu0", "copy", plain_ops(), 1);
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[40];
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	explanation = dma_fence_explanation_of_context(context);
	assert_contains(explanation->verdict, "'gpu0 copy' has 40 pending fences");
	assert_contains(explanation->verdict, "emitted up to 40, and signaled nothing yet");
	assert_true(explanation->truncated);
	assert_int_equal(explanation->nodes[0].members_left_out, 40 - EXPLAIN_SHOWN);
	dma_fence_explanation_free(explanation);

	dma_fence_context_fail(context, -EIO);
	explanation = dma_fence_explanation_of_context(context);
	assert_contains(explanation->verdict, "nothing is pending on context ");
	assert_contains(explanation->verdict, "it has failed with error -5");
	assert_int_equal(explanation->num_nodes, 1);
	dma_fence_explanation_free(explanation);
	for (i = 0; i < 40; i++)
		dma_fence_put(&fences[i]);
	dma_fence_context_destroy(context);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(promises),   WITHOUT(who_waits_for_a_point), WITHOUT(fences_of_others),
		WITHOUT(sync_files), WITHOUT(reservation_objects),   WITHOUT(contexts),
	};

	processes_main(argc, argv, &peer_role);
	return RUN(tests);
}
