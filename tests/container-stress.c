/* SPDX-License-Identifier: MIT */
/*
 * Arrays, chains and merges under several threads, some of which signal what they are made of
 * while others ask, wait, are called back, look for points, merge and let go. Whoever finds a
 * container to be signaled must find all that it is made of to be signaled, and must see what the
 * producers wrote before, which is written and read without atomics, for ThreadSanitizer to judge.
 * How each ends is known from the start. As much is done as the constants say, however long it
 * takes.
 */
#include <inttypes.h>
#include <stdio.h>

#include "support.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SHARE 2 /* of the rounds */
#else
#define SHARE 1
#endif

#define PRODUCERS 4
#define USERS	  2
#define MOST	  65536
#define LEFT	  256 /* callbacks that one user leaves behind in a round */

/* The work. What becomes of it follows from its index and the round. */
struct job {
	struct dma_fence fence;
	uint64_t result; /* plain */
	int taken;
};

static struct job *jobs;
static unsigned int num_jobs;
static uint64_t round_number;
static int num_done;

/* Of each thread: its random numbers, and which jobs it has seen to be done. */
struct thread {
	uint64_t random;
	uint8_t *seen;
	struct left *left;
	unsigned int num_left;
	unsigned int index;
};

static _Thread_local struct thread *self;
static struct thread threads[PRODUCERS + USERS + 1];
static pthread_barrier_t barrier;

static uint64_t seed(void)
{
	static uint64_t number;
	const char *given = getenv("STRESS_SEED");

	if (!number) {
		number = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now() | 1;
		print_message("# STRESS_SEED=%" PRIu64 "\n", number);
	}
	return number;
}

static uint32_t random_below(uint32_t limit)
{
	self->random ^= self->random << 13;
	self->random ^= self->random >> 7;
	self->random ^= self->random << 17;
	return (uint32_t)(self->random >> 32) % limit;
}

static void spin_a_little(uint32_t most)
{
	uint32_t n;

	for (n = random_below(most + 1); n; n--)
		cpu_relax();
}

/* Jobs */

static uint64_t hash(uint64_t i)
{
	i = (i + round_number * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
	i ^= i >> 29;
	return i * 0x94d049bb133111eb >> 32;
}

/* No two jobs of a round have the same. */
static int64_t timestamp_of(unsigned int i)
{
	return 1 + (int64_t)((i * 40503u + round_number) % MOST);
}

/* In three rounds out of four a few fail. */
static int error_of(unsigned int i)
{
	if (round_number % 4 == 0 || hash(i) % (4 + num_jobs / 4))
		return 0;
	return -(int)(1 + i % 100);
}

static uint64_t result_of(unsigned int i)
{
	return round_number << 32 | i;
}

static void make_jobs(unsigned int num)
{
	uint64_t context = dma_fence_context_alloc(num);
	unsigned int i;

	round_number++;
	num_jobs = num;
	num_done = 0;
	for (i = 0; i < num; i++) {
		dma_fence_init(&jobs[i].fence, plain_ops(), context + i, 1);
		jobs[i].taken = 0;
	}
	*release_count() = 0;
}

/* The jobs' fences have gone, and so have all that were made of them. */
static void drop_jobs(void)
{
	unsigned int i;

	for (i = 0; i < num_jobs; i++)
		dma_fence_put(&jobs[i].fence);
	assert_int_equal(*release_count(), num_jobs);
	assert_int_equal(caught()->count, 0);
}

static void do_job(unsigned int i)
{
	struct job *job = &jobs[i];
	int error = error_of(i);

	if (atomic_load_relaxed(&job->taken) || atomic_exchange_acq_rel(&job->taken, 1))
		return;
	job->result = result_of(i);
	if (error)
		assert_int_equal(dma_fence_set_error(&job->fence, error), 0);
	dma_fence_signal_timestamp(&job->fence, timestamp_of(i));
	atomic_fetch_add_release(&num_done, 1);
}

/* Something says that these jobs are done. */
static void check_job(unsigned int i)
{
	if (self->seen[i])
		return;
	assert_true(dma_fence_test_signaled_flag(&jobs[i].fence));
	assert_int_equal(jobs[i].result, result_of(i));
	self->seen[i] = 1;
}

/*
 * As check_job(), but looks at what was written first: the flag, read with acquire order, would
 * make good for an order that the container has failed to keep.
 */
static void check_result(unsigned int i)
{
	if (self->seen[i])
		return;
	assert_int_equal(jobs[i].result, result_of(i));
	check_job(i);
}

static void check_jobs(unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		check_result(from);
}

static bool all_done(void)
{
	return (unsigned int)atomic_load_acquire(&num_done) == num_jobs;
}

/* How a set of jobs ends. */
struct end {
	int64_t timestamp;
	int64_t failed_timestamp;
	int status;
};

/* As an array has it: the error of what failed first. */
static void add_to_end(struct end *end, unsigned int i)
{
	int64_t timestamp = timestamp_of(i);

	if (timestamp > end->timestamp)
		end->timestamp = timestamp;
	if (error_of(i) && (end->status >= 0 || timestamp < end->failed_timestamp)) {
		end->status = error_of(i);
		end->failed_timestamp = timestamp;
	}
}

/* Callbacks that are left behind, to be run once. */
struct left {
	struct dma_fence_cb cb;
	unsigned int from, to; /* the jobs that are done then */
	int ran;
};

static void left_ran(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct left *left = container_of(cb, struct left, cb);

	assert_true(dma_fence_test_signaled_flag(fence));
	check_jobs(left->from, left->to);
	assert_int_equal(atomic_load_relaxed(&left->ran), 0);
	atomic_store_relaxed(&left->ran, 1);
}

static void leave_callback(struct dma_fence *fence, unsigned int from, unsigned int to)
{
	struct left *left = &self->left[self->num_left];

	if (self->num_left == LEFT)
		return;
	left->from = from;
	left->to = to;
	left->ran = 0;
	if (dma_fence_add_callback(fence, &left->cb, left_ran))
		check_jobs(from, to);
	else
		self->num_left++;
}

static void add_and_remove_callback(struct dma_fence *fence, unsigned int from, unsigned int to)
{
	struct left left = { .from = from, .to = to, .ran = 0 };
	bool removed;

	if (dma_fence_add_callback(fence, &left.cb, left_ran)) {
		check_jobs(from, to);
		return;
	}
	spin_a_little(200);
	removed = dma_fence_remove_callback(fence, &left.cb);
	assert_int_equal(atomic_load_relaxed(&left.ran), !removed);
	if (!removed)
		check_jobs(from, to);
}

/* Before the works are dropped, when all are done. */
static void check_left(void)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		for (j = 0; j < threads[i].num_left; j++)
			assert_int_equal(threads[i].left[j].ran, 1);
		threads[i].num_left = 0;
	}
}

/* What one may ask of any container that is signaled when these jobs are done. */
static void ask(struct dma_fence *fence, unsigned int from, unsigned int to, const struct end *end)
{
	int64_t timestamp;
	int status;

	switch (random_below(9)) {
	case 0:
		if (dma_fence_poll(fence))
			check_jobs(from, to);
		break;
	case 1:
		if (dma_fence_is_signaled(fence))
			check_jobs(from, to);
		break;
	case 2:
		add_and_remove_callback(fence, from, to);
		break;
	case 3:
		leave_callback(fence, from, to);
		break;
	case 4:
		if (dma_fence_wait_timeout(fence, false, random_below(20000)) > 0) {
			check_jobs(from, to);
			assert_int_equal(dma_fence_flush(fence), 0);
		}
		break;
	case 5:
		status = dma_fence_get_status(fence);
		if (status) {
			check_jobs(from, to);
			assert_int_equal(status, end->status);
		}
		break;
	case 6:
		timestamp = dma_fence_timestamp(fence);
		if (timestamp != -EAGAIN) {
			check_jobs(from, to);
			assert_int_equal(timestamp, end->timestamp);
		}
		break;
	case 7:
		dma_fence_set_deadline(fence, 1);
		break;
	default:
		if (dma_fence_test_signaled_flag(fence))
			check_jobs(from, to);
		break;
	}
}

/* Asks for nothing else, so as to be there as soon as it can be said. */
static void ask_until_signaled(struct dma_fence *fence, unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = 1; !dma_fence_is_signaled(fence); i++) {
		if (i % 64 == 0)
			sched_yield();
	}
	check_jobs(from, to);
}

/* Threads, which go round by round. */

struct play {
	void (*set_up)(void);
	void (*produce)(void);
	void (*use)(void);
	void (*end)(void);
	unsigned int rounds;
};

static const struct play *play;

static void *take_part(void *arg)
{
	unsigned int i;

	self = arg;
	for (i = 0; i < play->rounds; i++) {
		memset(self->seen, 0, MOST);
		pthread_barrier_wait(&barrier);
		if (self->index < PRODUCERS)
			play->produce();
		else
			play->use();
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void run_play(const struct play *new_play)
{
	pthread_t running[PRODUCERS + USERS];
	unsigned int i;

	play = new_play;
	seed();
	jobs = calloc(MOST, sizeof(*jobs));
	pthread_barrier_init(&barrier, NULL, PRODUCERS + USERS + 1);
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i].index = i;
		threads[i].random = (seed() ^ (i + 1) * 0x9e3779b97f4a7c15) | 1;
		threads[i].seen = malloc(MOST);
		threads[i].left = calloc(LEFT, sizeof(struct left));
		threads[i].num_left = 0;
		if (i < ARRAY_SIZE(running))
			running[i] = start(take_part, &threads[i]);
	}
	self = &threads[PRODUCERS + USERS];
	for (i = 0; i < play->rounds; i++) {
		memset(self->seen, 0, MOST);
		play->set_up();
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		play->end();
		pthread_barrier_wait(&barrier);
	}
	for (i = 0; i < ARRAY_SIZE(running); i++)
		join(running[i]);
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		free(threads[i].seen);
		free(threads[i].left);
	}
	pthread_barrier_destroy(&barrier);
	dma_fence_rcu_barrier();
	free(jobs);
}

/* An array */

static struct dma_fence *array;
static struct end array_end;
static unsigned int array_size;

static void set_up_array(void)
{
	struct dma_fence **members = malloc(array_size * sizeof(struct dma_fence *));
	unsigned int i;

	make_jobs(array_size);
	array_end = (struct end){ .status = 1 };
	for (i = 0; i < array_size; i++) {
		members[i] = dma_fence_get(&jobs[i].fence);
		add_to_end(&array_end, i);
	}
	array = &dma_fence_array_create((int)array_size, members, dma_fence_context_alloc(1), 1)
			 ->base;
	if (random_below(3) == 0)
		dma_fence_enable_signaling(array);
}

/* Its share of the members: in their order, the other way round, or as it comes. */
static void produce_members(void)
{
	unsigned int i, n = random_below(4), start = random_below(num_jobs);

	spin_a_little(1000);
	for (i = 0; i < num_jobs; i++) {
		unsigned int job = i;

		if (n == 0)
			job = num_jobs - 1 - i;
		else if (n == 1)
			job = random_below(num_jobs);
		else if (n == 2)
			job = (start + i) % num_jobs;
		do_job(job);
		if (num_jobs < 1000)
			spin_a_little(100);
	}
	for (i = 0; i < num_jobs; i++)
		do_job(i);
}

/* With what it is made of itself, nothing is added but another way to get there. */
static void merge_array(void)
{
	struct dma_fence *merged =
		dma_fence_unwrap_merge(array, &jobs[random_below(num_jobs)].fence);
	struct end end = array_end;
	unsigned int i;

	assert_non_null(merged);
	if (!dma_fence_is_array(merged)) {
		/* The last one that was pending, or none was: nothing is left to be told apart. */
		if (dma_fence_is_signaled(merged))
			check_jobs(0, num_jobs);
		if (dma_fence_get_status(merged))
			assert_int_equal(dma_fence_get_status(merged), end.status);
		dma_fence_put(merged);
		return;
	}
	for (i = random_below(4); i; i--)
		ask(merged, 0, num_jobs, &end);
	if (random_below(2))
		leave_callback(merged, 0, num_jobs);
	dma_fence_put(merged);
}

static void use_array(void)
{
	struct dma_fence *mine = dma_fence_get(array);
	unsigned int i;

	if (random_below(3) == 0)
		ask_until_signaled(mine, 0, num_jobs);
	for (i = 0; i < 100 && !all_done(); i++) {
		if (random_below(8) == 0)
			merge_array();
		else
			ask(mine, 0, num_jobs, &array_end);
	}
	if (random_below(2)) {
		assert_int_equal(dma_fence_wait(mine, false), 0);
		check_jobs(0, num_jobs);
	}
	for (i = 0; i < 9; i++)
		ask(mine, 0, num_jobs, &array_end);
	dma_fence_put(mine);
}

static void end_array(void)
{
	assert_true(all_done());
	assert_true(dma_fence_is_signaled(array));
	check_jobs(0, num_jobs);
	assert_int_equal(dma_fence_get_status(array), array_end.status);
	assert_int_equal(dma_fence_timestamp(array), array_end.timestamp);
	check_left();
	dma_fence_put(array);
	drop_jobs();
}

static void arrays_of(unsigned int size, unsigned int rounds)
{
	struct play arrays = {
		.set_up = set_up_array,
		.produce = produce_members,
		.use = use_array,
		.end = end_array,
		.rounds = rounds,
	};

	array_size = size;
	run_play(&arrays);
}

static void arrays_of_1(void **state)
{
	(void)state;
	arrays_of(1, 2000 / SHARE);
}

static void arrays_of_2(void **state)
{
	(void)state;
	arrays_of(2, 2000 / SHARE);
}

static void arrays_of_64(void **state)
{
	(void)state;
	arrays_of(64, 1000 / SHARE);
}

static void arrays_of_65536(void **state)
{
	(void)state;
	arrays_of(65536, 12 / SHARE);
}

/* A chain, which the first producer appends to. Point i + 1 is of job i. */

#define POINTS 1024
#define AHEAD  64 /* of what is done, as a rule */

static struct dma_fence *newest; /* a slot: others look it up */
static struct end chain_ends[POINTS];
static unsigned int num_appended;
static bool hold_back;

static void append(unsigned int i)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();
	struct dma_fence *old = newest;

	dma_fence_chain_init(link, dma_fence_get(old), dma_fence_get(&jobs[i].fence), i + 1);
	atomic_store_release(&newest, &link->base);
	dma_fence_put(old);
	atomic_store_release(&num_appended, i + 1);
}

static void set_up_chain(void)
{
	unsigned int i;

	make_jobs(POINTS);
	for (i = 0; i < POINTS; i++) {
		chain_ends[i] = i ? chain_ends[i - 1] : (struct end){ .status = 1 };
		if (timestamp_of(i) > chain_ends[i].timestamp)
			chain_ends[i].timestamp = timestamp_of(i);
		if (chain_ends[i].status == 1 && error_of(i))
			chain_ends[i].status = error_of(i);
	}
	newest = NULL;
	append(0);
	hold_back = random_below(2);
}

static struct dma_fence *look_up_newest(void)
{
	struct dma_fence *fence;

	dma_fence_rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&newest);
	dma_fence_rcu_read_unlock();
	return fence;
}

static void append_all(void)
{
	struct dma_fence *link;
	unsigned int i;

	for (i = 1; i < POINTS; i++) {
		while (hold_back && i > (unsigned int)atomic_load_acquire(&num_done) + AHEAD)
			sched_yield();
		append(i);
		if (random_below(64) == 0) {
			dma_fence_chain_for_each (link, newest)
				;
		}
	}
}

static void produce_points(void)
{
	unsigned int appended, i, lowest = 0;

	if (self->index == 0) {
		append_all();
		return;
	}
	do {
		appended = atomic_load_acquire(&num_appended);
		while (lowest < appended && atomic_load_relaxed(&jobs[lowest].taken))
			lowest++;
		if (lowest == appended) {
			sched_yield();
			continue;
		}
		i = lowest + random_below(appended - lowest);
		if (random_below(8) == 0)
			i = lowest;
		do_job(i);
		spin_a_little(50);
	} while (lowest < POINTS);
}

/* Of a link that somebody has found. */
static void ask_link(struct dma_fence *link)
{
	ask(link, 0, (unsigned int)link->seqno, &chain_ends[link->seqno - 1]);
}

static void find_point(struct dma_fence *tail)
{
	unsigned int seqno = 1 + random_below((uint32_t)tail->seqno);
	struct dma_fence *found = dma_fence_get(tail);

	assert_int_equal(dma_fence_chain_find_seqno(&found, tail->seqno + 1), -EINVAL);
	assert_true(found == tail);
	assert_int_equal(dma_fence_chain_find_seqno(&found, seqno), 0);
	if (!found) {
		check_jobs(0, seqno);
		assert_int_equal(chain_ends[seqno - 1].status, 1);
		return;
	}
	assert_true(found->seqno <= seqno);
	assert_int_equal(found->context, tail->context);
	/* What has been taken out is done; it may have failed if what was found says so, too. */
	check_jobs((unsigned int)found->seqno, seqno);
	ask_link(found);
	ask_link(found);
	if (dma_fence_get_status(found)) {
		assert_int_equal(dma_fence_get_status(found), chain_ends[seqno - 1].status);
		check_jobs(0, seqno);
	}
	dma_fence_put(found);
}

static void walk(struct dma_fence *tail)
{
	unsigned int before = (unsigned int)tail->seqno + 1;
	struct dma_fence *link;

	dma_fence_chain_for_each (link, tail) {
		assert_true(link->seqno < before);
		check_jobs((unsigned int)link->seqno, before - 1);
		before = (unsigned int)link->seqno;
		if (random_below(100) == 0)
			ask_link(link);
	}
	check_jobs(0, before - 1);
}

static void merge_chain(struct dma_fence *tail)
{
	struct dma_fence *merged = dma_fence_unwrap_merge(tail, tail);
	unsigned int to = (unsigned int)tail->seqno;

	assert_non_null(merged);
	if (random_below(2))
		leave_callback(merged, 0, to);
	if (dma_fence_poll(merged)) {
		check_jobs(0, to);
		/* Which of several that failed: a chain knows the first of its points alone. */
		assert_int_equal(dma_fence_get_status(merged) < 0, chain_ends[to - 1].status < 0);
	}
	dma_fence_put(merged);
}

static void use_chain(void)
{
	struct dma_fence *tail;
	unsigned int i;

	for (i = 0; i < 400 && !all_done(); i++) {
		tail = look_up_newest();
		switch (random_below(16)) {
		case 0:
			walk(tail);
			break;
		case 1:
			merge_chain(tail);
			break;
		case 2:
		case 3:
		case 4:
			ask_link(tail);
			break;
		case 5:
			ask_until_signaled(tail, 0, (unsigned int)tail->seqno);
			break;
		default:
			find_point(tail);
			break;
		}
		dma_fence_put(tail);
	}
	tail = look_up_newest();
	if (random_below(2))
		ask_until_signaled(tail, 0, (unsigned int)tail->seqno);
	assert_int_equal(dma_fence_wait(tail, false), 0);
	check_jobs(0, (unsigned int)tail->seqno);
	dma_fence_put(tail);
}

static void end_chain(void)
{
	assert_true(all_done());
	assert_int_equal(newest->seqno, POINTS);
	assert_int_equal(dma_fence_get_status(newest), chain_ends[POINTS - 1].status);
	assert_int_equal(dma_fence_timestamp(newest), chain_ends[POINTS - 1].timestamp);
	check_left();
	dma_fence_put(newest);
	drop_jobs();
}

static void chains(void **state)
{
	static const struct play play_chain = {
		.set_up = set_up_chain,
		.produce = produce_points,
		.use = use_chain,
		.end = end_chain,
		.rounds = 160 / SHARE,
	};

	(void)state;
	run_play(&play_chain);
}

/* Merges of arrays and chains, and of merges: a container of LEAVES consecutive jobs each. */

#define CONTAINERS 12
#define LEAVES	   8
#define KEPT	   4

static struct dma_fence *containers[CONTAINERS];

/* What a fence is made of: a bit for each container. */
struct merge {
	struct dma_fence *fence;
	uint32_t made_of;
};

static struct dma_fence *chain_of(unsigned int first)
{
	struct dma_fence *tail = NULL;
	unsigned int i;

	for (i = 0; i < LEAVES; i++) {
		struct dma_fence_chain *link = dma_fence_chain_alloc();

		dma_fence_chain_init(link, tail, dma_fence_get(&jobs[first + i].fence), i + 1);
		tail = &link->base;
	}
	return tail;
}

static struct dma_fence *array_of(unsigned int first)
{
	struct dma_fence **members = malloc(LEAVES * sizeof(struct dma_fence *));
	unsigned int i;

	for (i = 0; i < LEAVES; i++)
		members[i] = dma_fence_get(&jobs[first + i].fence);
	return &dma_fence_array_create(LEAVES, members, dma_fence_context_alloc(1), 1)->base;
}

static void set_up_merges(void)
{
	unsigned int i;

	make_jobs(CONTAINERS * LEAVES);
	for (i = 0; i < CONTAINERS; i++)
		containers[i] = i % 3 ? array_of(i * LEAVES) : chain_of(i * LEAVES);
}

static bool fails(uint32_t made_of)
{
	unsigned int i;

	for (i = 0; i < num_jobs; i++) {
		if (made_of >> i / LEAVES & 1 && error_of(i))
			return true;
	}
	return false;
}

static void check_merge(const struct merge *merge)
{
	unsigned int i;
	int status;

	if (!dma_fence_is_signaled(merge->fence))
		return;
	for (i = 0; i < CONTAINERS; i++) {
		if (merge->made_of >> i & 1)
			check_jobs(i * LEAVES, (i + 1) * LEAVES);
	}
	status = dma_fence_get_status(merge->fence);
	assert_int_equal(status < 0, fails(merge->made_of));
	if (status > 0)
		assert_int_equal(status, 1);
	assert_true(dma_fence_timestamp(merge->fence) > 0);
}

static void merge_three(struct merge *kept)
{
	struct merge *slot = &kept[random_below(KEPT)], merge;
	struct dma_fence *parts[3];
	unsigned int i, n;

	merge.made_of = 0;
	for (i = 0; i < 2; i++) {
		n = random_below(CONTAINERS);
		parts[i] = containers[n];
		merge.made_of |= 1u << n;
	}
	n = random_below(KEPT);
	parts[2] = kept[n].fence;
	merge.made_of |= kept[n].made_of;
	merge.fence = dma_fence_unwrap_merge_many(3, parts);
	assert_non_null(merge.fence);
	dma_fence_put(slot->fence);
	*slot = merge;
}

static void use_merges(void)
{
	struct merge kept[KEPT] = { { 0 } }, *merge;
	struct counter counter = { .ran = 0 };
	unsigned int i;

	for (i = 0; i < 200 && !all_done(); i++) {
		merge_three(kept);
		merge = &kept[random_below(KEPT)];
		if (!merge->fence)
			continue;
		check_merge(merge);
		if (random_below(2) &&
		    !dma_fence_add_callback(merge->fence, &counter.cb, count_call)) {
			spin_a_little(100);
			dma_fence_remove_callback(merge->fence, &counter.cb);
		}
		if (random_below(4) == 0)
			dma_fence_wait_timeout(merge->fence, false, random_below(10000));
	}
	for (i = 0; i < KEPT; i++) {
		if (!kept[i].fence)
			continue;
		assert_int_equal(dma_fence_wait(kept[i].fence, false), 0);
		check_merge(&kept[i]);
		dma_fence_put(kept[i].fence);
	}
}

/* Two of the producers' threads merge as well. */
static void produce_leaves(void)
{
	if (self->index < 2)
		produce_members();
	else
		use_merges();
}

static void end_merges(void)
{
	unsigned int i;

	assert_true(all_done());
	for (i = 0; i < CONTAINERS; i++) {
		struct merge merge = { containers[i], 1u << i };

		assert_true(dma_fence_is_signaled(merge.fence));
		check_merge(&merge);
		dma_fence_put(merge.fence);
	}
	drop_jobs();
}

static void merges(void **state)
{
	static const struct play play_merges = {
		.set_up = set_up_merges,
		.produce = produce_leaves,
		.use = use_merges,
		.end = end_merges,
		.rounds = 1000 / SHARE,
	};

	(void)state;
	run_play(&play_merges);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, catch_setup, catch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arrays_of_1),     TEST(arrays_of_2), TEST(arrays_of_64),
		TEST(arrays_of_65536), TEST(chains),	  TEST(merges),
	};

	return RUN(tests);
}
