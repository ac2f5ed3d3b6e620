/* SPDX-License-Identifier: MIT */
/*
 * Reservation objects that two threads change, under their locks, while two others ask without.
 *
 * Each writer has queues, each with a context, whose fences it signals in order. Before it signals
 * one it says so, and after it has added one it says that, too. So a reader knows what he must find
 * at least: what was added when he began, and was not to be signaled when he ended; or one of the
 * same context that is later and as wide; or, in an object where fences are replaced, one that
 * stands for them. And he finds fences only, which have not been freed.
 *
 * The first object is added to, and copied to itself, which makes its list small again; in the
 * second fences are replaced, too; the third is a copy of the first, made without its lock.
 */
#include "support.h"

#define OBJECTS	    3
#define PLAIN	    0
#define REPLACED    1
#define COPIED	    2
#define WRITERS	    2
#define QUEUES	    4 /* of each writer */
#define ALL_QUEUES  (WRITERS * QUEUES)
#define READERS	    2
#define USAGES	    4
#define OUTSTANDING 6
#define CANARY	    0xc0ffee

enum counted {
	LISTS,
	RESTARTS,
	LOOPS,
	GET_FENCES,
	SINGLETONS,
	FAILED_SINGLETONS,
	TESTS,
	WAITS,
	WAITED,
	REPLACEMENTS,
	STAND_INS,
	COPIES,
	TOO_LATE, /* the fence whose place was looked at had gone */
	REQUIRED, /* fences that a reader had to find, and found */
	NUM_COUNTED,
};

static const char *const names[NUM_COUNTED] = {
	[LISTS] = "lists copied to themselves",
	[RESTARTS] = "restarts",
	[LOOPS] = "loops",
	[GET_FENCES] = "vectors",
	[SINGLETONS] = "singletons",
	[FAILED_SINGLETONS] = "singletons that had failed",
	[TESTS] = "tests",
	[WAITS] = "waits",
	[WAITED] = "waits that succeeded",
	[REPLACEMENTS] = "replacements",
	[STAND_INS] = "fences found in the place of others",
	[COPIES] = "copies",
	[TOO_LATE] = "fences that had gone",
	[REQUIRED] = "fences found",
};

/* So many of each at least, however long it takes. */
static const uint64_t enough[NUM_COUNTED] = {
	[LISTS] = 500,	    [RESTARTS] = 50,	      [LOOPS] = 500,	[GET_FENCES] = 500,
	[SINGLETONS] = 500, [FAILED_SINGLETONS] = 20, [TESTS] = 500,	[WAITS] = 500,
	[WAITED] = 10,	    [REPLACEMENTS] = 50,      [STAND_INS] = 10, [COPIES] = 50,
	[TOO_LATE] = 10,    [REQUIRED] = 5000,
};

/* What is said of a queue, and of its fences in an object: numbers that only grow. */
static struct {
	uint64_t context;
	uint64_t signaled; /* up to here they are signaled, or about to be */
} queues[ALL_QUEUES];

static struct {
	struct dma_resv resv;
	uint64_t added[ALL_QUEUES][USAGES]; /* the latest, with that usage */
} objects[OBJECTS];

/* Those that stand for others are of a context of their own; the first writer makes them. */
static struct {
	uint64_t context;
	uint64_t signaled;
} stand_ins;

/* The last time that the fences of a queue were replaced, if any were there: see replaced(). */
static struct {
	uint64_t version; /* odd while the others change */
	uint64_t after, up_to;
	uint64_t stand_in;
} replacements[ALL_QUEUES];

static uint64_t counts[NUM_COUNTED];
static uint64_t created, released;
static int64_t end;
static int writers_left;

static void count(enum counted what)
{
	__atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED);
}

static bool over(void)
{
	int i;

	if (clock_now() < end)
		return false;
	for (i = 0; i < NUM_COUNTED; i++) {
		if (atomic_load_relaxed(&counts[i]) < enough[i])
			return false;
	}
	return true;
}

/*
 * Between the look at a place and the reference to the fence in it, and before its back end is
 * asked, a reader lets others go first now and then: much happens then in what are a few
 * instructions otherwise.
 */
static void dawdle(void)
{
	static _Thread_local unsigned int turn;

	if (++turn % 16 == 0)
		sched_yield();
}

struct dma_fence *__real_dma_fence_get_rcu(struct dma_fence *fence);
struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence);

struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence)
{
	struct dma_fence *taken;

	dawdle();
	taken = __real_dma_fence_get_rcu(fence);
	if (!taken)
		count(TOO_LATE);
	return taken;
}

struct job {
	struct dma_fence fence;
	uint64_t canary;
	uint64_t *signaled; /* of its queue */
};

static void job_release(struct dma_fence *fence)
{
	struct job *job = container_of(fence, struct job, fence);

	assert_true(job->canary == CANARY);
	job->canary = 0;
	__atomic_fetch_add(&released, 1, __ATOMIC_RELAXED);
	dma_fence_free(fence);
}

/* Complete as soon as it has been said: so that readers see it before it is signaled. */
static bool job_signaled(struct dma_fence *fence)
{
	const struct job *job = container_of(fence, struct job, fence);

	dawdle();
	return atomic_load_acquire(job->signaled) >= fence->seqno;
}

static const struct dma_fence_ops quiet_ops = { .release = job_release };
static const struct dma_fence_ops asked_ops = { .release = job_release, .signaled = job_signaled };

static struct dma_fence *job_create(uint64_t *signaled, uint64_t context, uint64_t seqno)
{
	struct job *job = malloc(sizeof(*job));

	assert_non_null(job);
	job->canary = CANARY;
	job->signaled = signaled;
	dma_fence_init(&job->fence, seqno % 3 ? &quiet_ops : &asked_ops, context, seqno);
	__atomic_fetch_add(&created, 1, __ATOMIC_RELAXED);
	return &job->fence;
}

/* Writers */

struct writer {
	unsigned int seed;
	int first; /* of its queues */
	uint64_t seqno[QUEUES];
	struct dma_fence *pending[QUEUES][OUTSTANDING]; /* by sequence number */
	uint64_t done[QUEUES];
	struct dma_fence *stand_in;
	uint64_t stand_in_seqno;
};

static unsigned int random_below(unsigned int *seed, unsigned int bound)
{
	return (unsigned int)rand_r(seed) / 7 % bound;
}

static void signal_job(struct dma_fence *fence, uint64_t *signaled)
{
	if (fence->seqno % 5 == 0)
		dma_fence_set_error(fence, -EIO);
	atomic_store_release(signaled, fence->seqno);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void signal_oldest(struct writer *writer, int q)
{
	if (writer->done[q] == writer->seqno[q])
		return;
	writer->done[q]++;
	signal_job(writer->pending[q][writer->done[q] % OUTSTANDING],
		   &queues[writer->first + q].signaled);
}

static void signal_all(struct writer *writer)
{
	int q;

	for (q = 0; q < QUEUES; q++) {
		while (writer->done[q] < writer->seqno[q])
			signal_oldest(writer, q);
	}
}

/* Adds a new job to one or two objects. */
static void submit(struct writer *writer, int q)
{
	const int queue = writer->first + q;
	struct dma_fence *fence;
	int i;

	if (writer->seqno[q] - writer->done[q] == OUTSTANDING)
		signal_oldest(writer, q);
	fence = job_create(&queues[queue].signaled, queues[queue].context, ++writer->seqno[q]);
	writer->pending[q][writer->seqno[q] % OUTSTANDING] = fence;
	for (i = PLAIN; i <= REPLACED; i++) {
		const unsigned int usage = random_below(&writer->seed, USAGES);

		if (random_below(&writer->seed, 3) == 0)
			continue;
		dma_resv_lock(&objects[i].resv, NULL);
		assert_int_equal(dma_resv_reserve_fences(&objects[i].resv,
							 1 + random_below(&writer->seed, 6)),
				 0);
		assert_int_equal(dma_resv_add_fence(&objects[i].resv, fence, usage), 0);
		atomic_store_release(&objects[i].added[queue][usage], fence->seqno);
		dma_resv_unlock(&objects[i].resv);
	}
}

/* Lets one fence stand for all of a queue, and signals the one that was made for that before. */
static void replace(struct writer *writer, int q)
{
	const int queue = writer->first + q;
	struct dma_resv *resv = &objects[REPLACED].resv;
	struct dma_fence *old = writer->stand_in;
	const uint64_t up_to = replacements[queue].up_to;

	writer->stand_in =
		job_create(&stand_ins.signaled, stand_ins.context, ++writer->stand_in_seqno);
	dma_resv_lock(resv, NULL);
	atomic_store_relaxed(&replacements[queue].version, replacements[queue].version + 1);
	atomic_store_release(&replacements[queue].after, up_to);
	atomic_store_release(&replacements[queue].up_to, writer->seqno[q]);
	atomic_store_release(&replacements[queue].stand_in, writer->stand_in_seqno);
	atomic_store_release(&replacements[queue].version, replacements[queue].version + 1);
	dma_resv_replace_fences(resv, queues[queue].context, writer->stand_in,
				DMA_RESV_USAGE_KERNEL);
	dma_resv_unlock(resv);
	count(REPLACEMENTS);
	if (old)
		signal_job(old, &stand_ins.signaled);
}

static void copy(void)
{
	uint64_t added[ALL_QUEUES][USAGES];
	int q, usage;

	dma_resv_lock(&objects[COPIED].resv, NULL);
	for (q = 0; q < ALL_QUEUES; q++) {
		for (usage = 0; usage < USAGES; usage++)
			added[q][usage] = atomic_load_acquire(&objects[PLAIN].added[q][usage]);
	}
	assert_int_equal(dma_resv_copy_fences(&objects[COPIED].resv, &objects[PLAIN].resv), 0);
	for (q = 0; q < ALL_QUEUES; q++) {
		for (usage = 0; usage < USAGES; usage++)
			atomic_store_release(&objects[COPIED].added[q][usage], added[q][usage]);
	}
	dma_resv_unlock(&objects[COPIED].resv);
	count(COPIES);
}

static void shrink(int i)
{
	uint64_t before;

	dma_resv_lock(&objects[i].resv, NULL);
	before = objects[i].resv.lists;
	assert_int_equal(dma_resv_copy_fences(&objects[i].resv, &objects[i].resv), 0);
	assert_true(objects[i].resv.lists > before);
	dma_resv_unlock(&objects[i].resv);
	count(LISTS);
}

static void *write_on(void *arg)
{
	struct writer *writer = arg;
	int q;

	while (!over()) {
		q = (int)random_below(&writer->seed, QUEUES);
		switch (random_below(&writer->seed, 12)) {
		case 0:
			signal_oldest(writer, q);
			break;
		case 1:
			if (random_below(&writer->seed, 4) == 0)
				signal_all(writer);
			break;
		case 2:
			if (writer->first == 0)
				replace(writer, q);
			break;
		case 3:
			copy();
			break;
		case 4:
			shrink((int)random_below(&writer->seed, 2));
			break;
		case 5:
			sched_yield();
			break;
		default:
			submit(writer, q);
		}
	}
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

/* Readers */

/* What was there when one began. */
struct before {
	uint64_t added[ALL_QUEUES][USAGES];
};

/* What one found: the latest of each queue, with any usage that was asked for. */
struct found {
	uint64_t latest[ALL_QUEUES];
	uint64_t stand_in;
};

static void look_before(struct before *before, int object)
{
	int q, usage;

	for (q = 0; q < ALL_QUEUES; q++) {
		for (usage = 0; usage < USAGES; usage++)
			before->added[q][usage] =
				atomic_load_acquire(&objects[object].added[q][usage]);
	}
}

static void note(struct found *found, const struct dma_fence *fence)
{
	uint64_t *latest = &found->stand_in;
	int q;

	assert_true(container_of((struct dma_fence *)(uintptr_t)fence, struct job, fence)->canary ==
		    CANARY);
	for (q = 0; q < ALL_QUEUES; q++) {
		if (queues[q].context == fence->context)
			latest = &found->latest[q];
	}
	assert_true(latest != &found->stand_in || fence->context == stand_ins.context);
	if (*latest < fence->seqno)
		*latest = fence->seqno;
}

/* That is pending, was there, and has not been found: another one has, or had, to be in its place. */
static void check_replaced(int q, uint64_t added, const struct found *found)
{
	const uint64_t version = atomic_load_acquire(&replacements[q].version);
	const uint64_t after = atomic_load_acquire(&replacements[q].after);
	const uint64_t up_to = atomic_load_acquire(&replacements[q].up_to);
	const uint64_t stand_in = atomic_load_acquire(&replacements[q].stand_in);

	assert_true(added <= up_to);
	if (version % 2 || version != atomic_load_relaxed(&replacements[q].version))
		return;
	if (added <= after || stand_in <= atomic_load_acquire(&stand_ins.signaled))
		return;
	assert_true(found->stand_in >= stand_in);
	count(STAND_INS);
}

/* Whether all is there that has to be. */
static void check(const struct before *before, const struct found *found, int object,
		  enum dma_resv_usage asked)
{
	unsigned int usage;
	int q;

	for (q = 0; q < ALL_QUEUES; q++) {
		for (usage = 0; usage <= asked; usage++) {
			const uint64_t added = before->added[q][usage];

			if (added <= atomic_load_acquire(&queues[q].signaled))
				continue;
			if (found->latest[q] >= added) {
				count(REQUIRED);
				continue;
			}
			assert_int_equal(object, REPLACED);
			check_replaced(q, added, found);
		}
	}
}

static void read_fences(int object, enum dma_resv_usage usage)
{
	struct before before;
	struct found found = { 0 };
	struct dma_fence **fences;
	unsigned int i, num;

	look_before(&before, object);
	assert_int_equal(dma_resv_get_fences(&objects[object].resv, usage, &num, &fences), 0);
	assert_int_equal(!num, !fences);
	for (i = 0; i < num; i++) {
		note(&found, fences[i]);
		dma_fence_put(fences[i]);
	}
	free(fences);
	check(&before, &found, object, usage);
	count(GET_FENCES);
}

static void read_singleton(int object, enum dma_resv_usage usage)
{
	struct dma_fence *single, *leaf;
	struct dma_fence_unwrap cursor;
	struct before before;
	struct found found = { 0 };

	look_before(&before, object);
	assert_int_equal(dma_resv_get_singleton(&objects[object].resv, usage, &single), 0);
	/* A signaled one is a fence of the merge's own: of the others it tells only how they ended. */
	if (single && !dma_fence_is_array(single) && dma_fence_test_signaled_flag(single)) {
		if (dma_fence_get_status(single) < 0)
			count(FAILED_SINGLETONS);
	} else {
		dma_fence_unwrap_for_each (leaf, &cursor, single)
			note(&found, leaf);
	}
	check(&before, &found, object, usage);
	dma_fence_put(single);
	count(SINGLETONS);
}

static void read_test(int object, enum dma_resv_usage usage)
{
	static const struct found nothing;
	struct before before;

	look_before(&before, object);
	if (dma_resv_test_signaled(&objects[object].resv, usage))
		check(&before, &nothing, object, usage);
	count(TESTS);
}

static void read_wait(int object, enum dma_resv_usage usage, int64_t timeout)
{
	static const struct found nothing;
	struct before before;
	int64_t left;

	look_before(&before, object);
	left = dma_resv_wait_timeout(&objects[object].resv, usage, false, timeout);
	assert_true(left >= 0 && left <= (timeout ? timeout : 1));
	if (left) {
		check(&before, &nothing, object, usage);
		count(WAITED);
	}
	count(WAITS);
}

static void read_loop(int object, enum dma_resv_usage usage, unsigned int *seed)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct before before;
	struct found found = { 0 };
	bool first = true;

	look_before(&before, object);
	dma_resv_iter_begin(&cursor, &objects[object].resv, usage);
	dma_resv_for_each_fence_unlocked (&cursor, fence) {
		assert_true(dma_resv_iter_usage(&cursor) <= usage);
		assert_true(dma_resv_iter_is_restarted(&cursor) || !first);
		if (dma_resv_iter_is_restarted(&cursor)) {
			memset(&found, 0, sizeof(found));
			if (!first)
				count(RESTARTS);
		}
		first = false;
		note(&found, fence);
		if (random_below(seed, 4) == 0)
			sched_yield();
	}
	dma_resv_iter_end(&cursor);
	check(&before, &found, object, usage);
	count(LOOPS);
}

static void *read_on(void *arg)
{
	unsigned int seed = (unsigned int)(intptr_t)arg;

	while (atomic_load_acquire(&writers_left)) {
		const int object = (int)random_below(&seed, OBJECTS);
		const enum dma_resv_usage usage = random_below(&seed, USAGES);

		switch (random_below(&seed, 6)) {
		case 0:
			read_fences(object, usage);
			break;
		case 1:
			/* Of few, so that now and then all are signaled, and one has failed. */
			read_singleton(object, random_below(&seed, 2) ? usage : 0);
			break;
		case 2:
			read_test(object, usage);
			break;
		case 3:
			read_wait(object, usage, 0);
			break;
		case 4:
			read_wait(object, DMA_RESV_USAGE_KERNEL, 20000);
			break;
		default:
			read_loop(object, usage, &seed);
		}
	}
	return NULL;
}

static void readers_and_writers(void **state)
{
	static struct writer writers[WRITERS];
	pthread_t threads[WRITERS + READERS];
	uint64_t lists = 0;
	int i;

	(void)state;
	catch_reports();
	end = clock_now() + 3 * SECOND / 2;
	writers_left = WRITERS;
	for (i = 0; i < ALL_QUEUES; i++)
		queues[i].context = dma_fence_context_alloc(1);
	stand_ins.context = dma_fence_context_alloc(1);
	for (i = 0; i < OBJECTS; i++)
		dma_resv_init(&objects[i].resv);

	for (i = 0; i < WRITERS; i++) {
		writers[i].seed = (unsigned int)i + 1;
		writers[i].first = i * QUEUES;
		threads[i] = start(write_on, &writers[i]);
	}
	for (i = 0; i < READERS; i++)
		threads[WRITERS + i] = start(read_on, (void *)(intptr_t)(i + 77));
	for (i = 0; i < WRITERS + READERS; i++)
		join(threads[i]);

	for (i = 0; i < WRITERS; i++) {
		signal_all(&writers[i]);
		if (writers[i].stand_in)
			signal_job(writers[i].stand_in, &stand_ins.signaled);
	}
	for (i = 0; i < OBJECTS; i++) {
		assert_true(dma_resv_test_signaled(&objects[i].resv, DMA_RESV_USAGE_BOOKKEEP));
		lists += objects[i].resv.lists;
		dma_resv_fini(&objects[i].resv);
	}
	dma_fence_rcu_barrier();

	for (i = 0; i < NUM_COUNTED; i++)
		print_message("# %llu %s\n", (unsigned long long)counts[i], names[i]);
	print_message("# %llu fences, %llu lists in all\n", (unsigned long long)created,
		      (unsigned long long)lists);
	assert_int_equal(caught()->count, 0);
	assert_int_equal(released, created);
	assert_true(lists > counts[LISTS] + counts[COPIES]);
	catch_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_and_writers),
	};

	return RUN(tests);
}
