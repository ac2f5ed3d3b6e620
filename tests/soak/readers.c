/* SPDX-License-Identifier: MIT */
/* Diagnosis, switched on and off, and read while all that it is about goes on. */
#include "soak.h"

#define ACTOR "readers"

struct reader {
	unsigned int ledgers, censuses;
	bool traces, watches;
};

static char *text;
static size_t size;

static FILE *begin_text(void)
{
	FILE *out = open_memstream(&text, &size);

	CHECK(out);
	return out;
}

static void end_text(FILE *out)
{
	fclose(out);
	CHECK(text);
	free(text);
	text = NULL;
}

static void explain(struct worker *worker, struct dma_fence *fence)
{
	struct dma_fence_explanation *explanation = dma_fence_explanation_of_fence(fence);
	FILE *out = begin_text();

	CHECK(explanation && explanation->num_nodes >= 1 && explanation->verdict);
	/* What is not so at any moment is not to be said: nobody here waits in a circle. */
	CHECK(!explanation->cycle_length || explanation->cycle_guessed, "a circle is explained: %s",
	      explanation->verdict);
	CHECK(!dma_fence_explanation_print(
		explanation, (enum dma_fence_explanation_format)below(worker, 3), out));
	dma_fence_explanation_free(explanation);
	end_text(out);
	TALLY("explanations");
}

static void describe(struct dma_fence *fence)
{
	FILE *out = begin_text();

	dma_fence_describe(fence, out);
	end_text(out);
	TALLY("descriptions");
}

static void print_ledger(struct dma_fence *fence)
{
	FILE *out = begin_text();
	int ret = dma_fence_ledger_print(fence, out);

	CHECK(!ret || ret == -ENOENT);
	end_text(out);
	if (!ret)
		TALLY("ledgers of fences");
}

static void print_census(void)
{
	struct dma_fence_count counts[8];
	FILE *out = begin_text();

	CHECK(dma_fence_census(counts, ARRAY_SIZE(counts)) >= 0);
	CHECK(!dma_fence_census_print(out));
	end_text(out);
	TALLY("censuses");
}

static void write_trace(void)
{
	FILE *out = begin_text();
	int ret = dma_fence_trace_write(out);

	CHECK(!ret, "writing a trace: %d", ret);
	end_text(out);
	dma_fence_trace_clear();
	TALLY("traces");
}

static void switch_off(struct reader *reader)
{
	while (reader->ledgers--)
		CHECK(!dma_fence_ledger_stop());
	while (reader->censuses--)
		dma_fence_census_stop();
	if (reader->traces)
		dma_fence_trace_stop();
	if (reader->watches)
		CHECK(!dma_fence_hang_watch(0));
	dma_fence_trace_clear();
	memset(reader, 0, sizeof(*reader));
}

static void switch_something(struct worker *worker, struct reader *reader)
{
	switch (below(worker, 5)) {
	case 0:
		dma_fence_ledger_start();
		reader->ledgers++;
		break;
	case 1:
		dma_fence_census_start();
		reader->censuses++;
		break;
	case 2:
		CHECK(!dma_fence_trace_start(64 * 1024));
		reader->traces = true;
		break;
	case 3:
		/* What hangs for so long is reported, and that ends the run. */
		CHECK(!dma_fence_hang_watch(25 * PATIENCE * SECOND));
		reader->watches = true;
		break;
	default:
		switch_off(reader);
	}
	TALLY("switches");
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct reader));
	CHECK(worker->state);
}

static void turn(struct worker *worker)
{
	struct reader *reader = worker->state;
	struct dma_fence *fence = pool_get(worker);
	int64_t begun;
	int ret;

	AT(worker, "reading");
	switch (below(worker, 12)) {
	case 0:
		if (one_in(worker, 2))
			switch_something(worker, reader);
		break;
	case 1:
		if (one_in(worker, 20))
			write_trace();
		break;
	case 2:
		if (one_in(worker, 8))
			print_census();
		break;
	case 3:
	case 4:
		if (fence)
			describe(fence);
		break;
	case 5:
		if (fence)
			print_ledger(fence);
		break;
	case 6:
		if (!one_in(worker, 8))
			break;
		begun = scarcity_begin();
		ret = dma_fence_fd_census(NULL, 0);
		if (ret < 0)
			MAY_FAIL(ret, begun);
		else
			TALLY("censuses of fds");
		break;
	case 7:
	case 8:
		if (fence)
			explain(worker, fence);
		break;
	default:
		soak_sleep((int64_t)below(worker, 500) * US);
	}
	dma_fence_put(fence);
}

static void leave(struct worker *worker)
{
	switch_off(worker->state);
	free(worker->state);
}

const struct actor actor_readers = {
	.name = ACTOR,
	.threads = 1,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};
