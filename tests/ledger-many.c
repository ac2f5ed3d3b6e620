/* SPDX-License-Identifier: MIT */
/*
 * Many fences with the ledger on: its memory has a bound, and every fault is reported, and explained.
 * LEDGER_FENCES=10000000 in the environment makes it a soak.
 */
#include <inttypes.h>

#include "blame.h"

#include <dmafence/ledger.h>

#include "diag/ledger.h"

#define FILE_NAME "ledger-many.c"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define FENCES	  30000
#define SANITIZED true
#else
#define FENCES	  300000
#define SANITIZED false
#endif

#define THREADS	  2
#define IN_FLIGHT 1000 /* of each thread */

static int error_line, forget_line, twice_line;

SITE void job_make(struct dma_fence *fence);
SITE void job_done(struct dma_fence *fence);
SITE void job_error_path(struct dma_fence *fence);
SITE void display_flip(struct dma_fence *fence);
SITE void display_finish(struct dma_fence *fence);
SITE void encoder_queue(struct dma_fence *fence);
SITE void encoder_forgets(struct dma_fence *fence);
SITE void driver_drops_again(struct dma_fence *fence);

/* Storage stays what it is: a put after the end finds it. */
static void release_nothing(struct dma_fence *fence)
{
	(void)fence;
}

static const struct dma_fence_ops job_ops = { .release = release_nothing };

SITE void job_make(struct dma_fence *fence)
{
	dma_fence_init(fence, &job_ops, 7, 1);
	dma_fence_enable_signaling(fence);
	not_a_tail_call();
}

SITE void job_done(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void job_error_path(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(error_line);
	not_a_tail_call();
}

SITE void display_flip(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call();
}

SITE void display_finish(struct dma_fence *fence)
{
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void encoder_queue(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call();
	dma_fence_put(fence);
	not_a_tail_call();
}

SITE void encoder_forgets(struct dma_fence *fence)
{
	dma_fence_get(fence), LINE_OF(forget_line);
	not_a_tail_call();
}

SITE void driver_drops_again(struct dma_fence *fence)
{
	dma_fence_put(fence), LINE_OF(twice_line);
	not_a_tail_call();
}

/* What the fault that is made now has to be taken for. Lines are known once they have run. */
static _Thread_local const char *culprit;
static _Thread_local const int *culprit_line;

static uint64_t faults, reports, wrong;

static void check(const char *details, const char *what)
{
	const struct blamed blamed = blamed_by(details, what);
	const int line = atomic_load_relaxed(culprit_line);

	if (blamed.count == 1 && names(blamed.first, culprit, FILE_NAME, line))
		return;
	if (!__atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST))
		printf("# not %s, line %d:\n%s\n", culprit, line, details);
}

static void take_report(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	__atomic_fetch_add(&reports, 1, __ATOMIC_SEQ_CST);
	if (culprit)
		check(report->details, PUT_TOO_MANY);
}

/* Lives */

static void begin_life(struct dma_fence *fence)
{
	job_make(fence);
	display_flip(fence);
	encoder_queue(fence);
}

static void end_life(struct dma_fence *fence)
{
	job_done(fence);
	display_finish(fence);
}

/* Each ends like all others, after something that is wrong. */
static void end_badly(struct dma_fence *fence, uint64_t kind)
{
	char *leak;

	__atomic_fetch_add(&faults, 1, __ATOMIC_SEQ_CST);
	switch (kind % 3) {
	case 0: /* unsignaled; and the signal comes late, which is another report */
		culprit = "job_error_path";
		culprit_line = &error_line;
		__atomic_fetch_add(&faults, 1, __ATOMIC_SEQ_CST);
		job_error_path(fence);
		display_finish(fence);
		job_done(fence);
		break;
	case 1: /* after the signal */
		culprit = "driver_drops_again";
		culprit_line = &twice_line;
		dma_fence_signal(fence);
		driver_drops_again(fence);
		job_done(fence);
		display_finish(fence);
		break;
	default: /* never dropped: that nobody reports by itself */
		culprit = "encoder_forgets";
		culprit_line = &forget_line;
		encoder_forgets(fence);
		end_life(fence);
		leak = dma_fence_ledger_leak(fence);
		__atomic_fetch_add(&reports, 1, __ATOMIC_SEQ_CST);
		check(leak, NOT_DROPPED);
		free(leak);
		break;
	}
}

/*
 * Fences are where others were before, but not for a while: what the ledger knows of those that were
 * released is more than there is room for. One that is to go wrong has storage of its own.
 */
#define STORAGE 131072

struct worker {
	uint64_t fences, every;
	struct dma_fence storage[STORAGE];
	struct dma_fence *in_flight[IN_FLIGHT];
	struct dma_fence *kept; /* reachable, each by what was its state */
};

static bool goes_wrong(const struct worker *worker, uint64_t i)
{
	return i % worker->every == worker->every / 2;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint64_t i;

	for (i = 0; i < worker->fences + IN_FLIGHT; i++) {
		struct dma_fence **slot = &worker->in_flight[i % IN_FLIGHT];

		if (i >= IN_FLIGHT && goes_wrong(worker, i - IN_FLIGHT)) {
			end_badly(*slot, i / worker->every);
			culprit = NULL;
			(*slot)->state = (uintptr_t)worker->kept;
			worker->kept = *slot;
		} else if (i >= IN_FLIGHT) {
			end_life(*slot);
		}
		if (i < worker->fences) {
			*slot = goes_wrong(worker, i) ? calloc(1, sizeof(**slot))
						      : &worker->storage[i % STORAGE];
			begin_life(*slot);
		}
	}
	return NULL;
}

static void free_kept(struct worker *worker)
{
	struct dma_fence *fence;

	while ((fence = worker->kept)) {
		worker->kept = (struct dma_fence *)(uintptr_t)fence->state;
		free(fence);
	}
}

static size_t resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%*u %lu", &pages), 1);
	fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void begin(const char *megabytes)
{
	faults = reports = wrong = 0;
	setenv("DMA_FENCE_LEDGER_MB", megabytes, 1);
	dma_fence_set_report_handler(take_report, NULL);
	dma_fence_ledger_start();
}

static void end(void)
{
	assert_int_equal(dma_fence_ledger_stop(), 0);
	unsetenv("DMA_FENCE_LEDGER_MB");
	catch_end();
}

static void assert_bounded(void)
{
	struct dma_fence_ledger_use use;

	dma_fence_ledger_get_use(&use);
	assert_int_equal(use.missing, 0);
	assert_true(use.memory <= use.limit + use.limit / 30);
}

#define MIB ((size_t)1 << 20)

static void many_one_after_another(void **state)
{
	static struct worker workers[THREADS];
	const char *text = getenv("LEDGER_FENCES");
	const uint64_t fences = text ? strtoull(text, NULL, 10) : FENCES;
	struct dma_fence_ledger_use use;
	pthread_t threads[THREADS];
	size_t before, after;
	int64_t begun;
	int i;

	(void)state;
	memset(workers, 1, sizeof(workers)); /* so that it is resident */
	memset(workers, 0, sizeof(workers));
	before = resident();
	begin("16");
	begun = clock_now();
	for (i = 0; i < THREADS; i++) {
		workers[i].fences = fences / THREADS;
		workers[i].every = fences >= 5000000 ? 50000 : fences / THREADS / 15;
		threads[i] = start(work, &workers[i]);
	}
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	begun = clock_now() - begun;
	after = resident();
	dma_fence_ledger_get_use(&use);
	printf("# %" PRIu64 " fences, %.1f s, %" PRIu64 " faults, %" PRIu64 " reports, %" PRIu64
	       " wrong; resident %zu MiB more, the ledger %zu MiB of %zu MiB\n",
	       fences, (double)begun / SECOND, faults, reports, wrong, (after - before) / MIB,
	       use.memory / MIB, use.limit / MIB);
	assert_true(faults >= 30);
	assert_int_equal(reports, faults);
	assert_int_equal(wrong, 0);
	assert_int_equal(use.given_up, 0);
	assert_true(use.memory > use.limit / 2); /* it was at its bound */
	assert_bounded();
	/* The rest is what symbols are read from, stacks, and the threads'. */
	if (!SANITIZED)
		assert_true(after - before < 16 * MIB + 48 * MIB);
	end();
	for (i = 0; i < THREADS; i++)
		free_kept(&workers[i]);
}

/* More than there is room for: the oldest give way, and no report is lost. */
static void more_alive_than_there_is_room_for(void **state)
{
	enum { ALIVE = 20000, BAD = 20 };
	static struct dma_fence fences[ALIVE];
	struct dma_fence_ledger_use use;
	int i;

	(void)state;
	begin("1");
	for (i = 0; i < ALIVE; i++)
		begin_life(&fences[i]);
	dma_fence_ledger_get_use(&use);
	assert_true(use.given_up > ALIVE / 2);
	assert_bounded();

	/* Of those that gave way it is not known who is to blame, but that there was a fault is. */
	for (i = 0; i < BAD; i++) {
		job_error_path(&fences[i]);
		display_finish(&fences[i]);
	}
	assert_int_equal(reports, BAD);
	culprit = "job_error_path";
	culprit_line = &error_line;
	for (i = 0; i < BAD; i++) {
		job_error_path(&fences[ALIVE - 1 - i]);
		display_finish(&fences[ALIVE - 1 - i]);
	}
	culprit = NULL;
	assert_int_equal(reports, 2 * BAD);
	assert_int_equal(wrong, 0);
	for (i = BAD; i < ALIVE - BAD; i++)
		end_life(&fences[i]);
	assert_int_equal(reports, 2 * BAD);
	assert_bounded();
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_one_after_another),
		cmocka_unit_test(more_alive_than_there_is_room_for),
	};

	return RUN(tests);
}
