/* SPDX-License-Identifier: MIT */
/* Sync objects, of one process and shared: the states of points, putting in and asking. */
#include "fds.h"

#include "failing-malloc.h"

/* Most cases are for both kinds. */
static unsigned int kind;
static struct dma_fence_syncobj *syncobj;
static uint64_t point;
static long live_before;

static long live_blocks(void)
{
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

static int setup(void **state)
{
	fd_setup(state);
	failing_malloc_in = -1;
	dma_fence_rcu_barrier();
	live_before = live_blocks();
	kind = 0;
	syncobj = dma_fence_syncobj_create(kind);
	assert_non_null(syncobj);
	return 0;
}

static int setup_shared(void **state)
{
	setup(state);
	dma_fence_syncobj_put(syncobj);
	kind = DMA_FENCE_SYNCOBJ_CREATE_SHARED;
	syncobj = dma_fence_syncobj_create(kind);
	assert_non_null(syncobj);
	return 0;
}

static int teardown(void **state)
{
	int64_t end = clock_now() + PATIENCE * SECOND;

	dma_fence_syncobj_put(syncobj);
	/* The library's thread may take a moment to let go of what was waited for. */
	do {
		dma_fence_rcu_barrier();
	} while (live_blocks() != live_before && clock_now() < end);
	assert_int_equal(live_blocks(), live_before);
	return fd_teardown(state);
}

#define local_test(func)  cmocka_unit_test_setup_teardown(func, setup, teardown)
#define shared_test(func) cmocka_unit_test_setup_teardown(func, setup_shared, teardown)
#define both_tests(func)  local_test(func), shared_test(func)

static int status(uint64_t of)
{
	return dma_fence_syncobj_status(syncobj, of);
}

static uint64_t signaled(void)
{
	assert_int_equal(dma_fence_syncobj_query(syncobj, 0, &point), 0);
	return point;
}

static uint64_t submitted(void)
{
	assert_int_equal(
		dma_fence_syncobj_query(syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &point),
		0);
	return point;
}

/* Adds a point, and returns its fence, with the reference of its producer. */
static struct dma_fence *add(uint64_t at)
{
	struct dma_fence *fence = create_fence();

	assert_int_equal(dma_fence_syncobj_add_point(syncobj, at, fence), 0);
	return fence;
}

static void signal_and_put(struct dma_fence *fence, int error)
{
	if (error)
		assert_int_equal(dma_fence_set_error(fence, error), 0);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void assert_not_found(uint64_t at, int error)
{
	errno = 0;
	assert_null(dma_fence_syncobj_find_fence(syncobj, at));
	assert_int_equal(errno, error);
}

/* Life */

static void flags_of_create(void **state)
{
	struct dma_fence_syncobj *other;

	(void)state;
	errno = 0;
	assert_null(dma_fence_syncobj_create(1 << 7));
	assert_int_equal(errno, EINVAL);
	other = dma_fence_syncobj_create(kind | DMA_FENCE_SYNCOBJ_CREATE_SIGNALED);
	assert_non_null(other);
	assert_int_equal(dma_fence_syncobj_status(other, 0), 1);
	assert_int_equal(dma_fence_syncobj_add_point(other, 1, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal_point(other, 1), -EINVAL);
	dma_fence_syncobj_put(other);
}

static void references_of_objects(void **state)
{
	struct dma_fence *fence = add(1), *found;

	(void)state;
	assert_null(dma_fence_syncobj_get(NULL));
	dma_fence_syncobj_put(NULL);
	assert_ptr_equal(dma_fence_syncobj_get(syncobj), syncobj);
	dma_fence_syncobj_put(syncobj);
	found = dma_fence_syncobj_find_fence(syncobj, 1);
	assert_non_null(found);

	/* What was found outlives the object. */
	dma_fence_syncobj_put(syncobj);
	assert_int_equal(dma_fence_get_status(found), 0);
	signal_and_put(fence, 0);
	assert_int_equal(dma_fence_get_status(found), 1);
	dma_fence_put(found);
	syncobj = dma_fence_syncobj_create(kind);
}

static void no_object_is_an_error(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();

	(void)state;
	assert_int_equal(dma_fence_syncobj_replace_fence(NULL, stub), -EINVAL);
	assert_int_equal(dma_fence_syncobj_replace_fence(NULL, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal(NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_reset(NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_add_point(NULL, 1, stub), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal_point(NULL, 1), -EINVAL);
	assert_int_equal(dma_fence_syncobj_status(NULL, 1), -EINVAL);
	assert_int_equal(dma_fence_syncobj_query(NULL, 0, &point), -EINVAL);
	assert_int_equal(dma_fence_syncobj_query(syncobj, 0, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_query(syncobj, 2, &point), -EINVAL);
	assert_int_equal(dma_fence_syncobj_transfer(NULL, 0, syncobj, 0, 0), -EINVAL);
	assert_int_equal(dma_fence_syncobj_transfer(syncobj, 0, NULL, 0, 0), -EINVAL);
	assert_int_equal(dma_fence_syncobj_transfer(syncobj, 0, syncobj, 0, 4), -EINVAL);
	assert_int_equal(dma_fence_syncobj_export_sync_file(NULL, 1), -EINVAL);
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(NULL, 1, 0), -EINVAL);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(NULL, 1, 0), -EINVAL);
	errno = 0;
	assert_null(dma_fence_syncobj_find_fence(NULL, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(NULL, 1));
	assert_int_equal(errno, EINVAL);
	dma_fence_put(stub);
}

/* Binary */

static void binary_holds_one_fence(void **state)
{
	struct dma_fence *first = create_fence(), *second = create_fence(), *found;

	(void)state;
	assert_int_equal(status(0), -ENOENT);
	assert_not_found(0, ENOENT);
	assert_int_equal(dma_fence_syncobj_replace_fence(syncobj, first), 0);
	assert_int_equal(status(0), 0);
	found = dma_fence_syncobj_find_fence(syncobj, 0);
	assert_true(kind || found == first);
	dma_fence_put(found);

	assert_int_equal(dma_fence_syncobj_replace_fence(syncobj, second), 0);
	assert_int_equal(references(first), 1);
	signal_and_put(first, 0);
	assert_int_equal(status(0), 0);
	signal_and_put(second, -EIO);
	assert_int_equal(status(0), -EIO);
	assert_int_equal(signaled(), 0);
	assert_int_equal(submitted(), 0);

	assert_int_equal(dma_fence_syncobj_signal(syncobj), 0);
	assert_int_equal(status(0), 1);
	assert_int_equal(dma_fence_syncobj_replace_fence(syncobj, NULL), 0);
	assert_int_equal(status(0), -ENOENT);
}

static void binary_is_no_timeline(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dma_fence_syncobj_signal(syncobj), 0);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, fence), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 1), -EINVAL);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(syncobj, 1));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(status(1), -EINVAL);
	assert_not_found(1, EINVAL);
	assert_int_equal(references(fence), 1);

	assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, fence), 0);
	assert_int_equal(dma_fence_syncobj_replace_fence(syncobj, fence), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal(syncobj), -EINVAL);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(syncobj, 0));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(status(0), -EINVAL);
	assert_not_found(0, EINVAL);
	signal_and_put(fence, 0);
}

/* The time of a fence that is signaled from the start is when that was. */
static void signal_has_a_time(void **state)
{
	int64_t before = clock_now();
	struct dma_fence *found;

	(void)state;
	assert_int_equal(dma_fence_syncobj_signal(syncobj), 0);
	found = dma_fence_syncobj_find_fence(syncobj, 0);
	assert_true(dma_fence_timestamp(found) >= before);
	dma_fence_put(found);
	dma_fence_syncobj_reset(syncobj);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 7), 0);
	found = dma_fence_syncobj_find_fence(syncobj, 7);
	assert_true(dma_fence_timestamp(found) >= before);
	assert_true(dma_fence_timestamp(found) <= clock_now());
	dma_fence_put(found);
}

/* Timeline */

static void states_of_a_point(void **state)
{
	struct dma_fence *five, *ten;

	(void)state;
	assert_int_equal(status(1), -ENOENT);
	assert_not_found(1, ENOENT);
	five = add(5);
	ten = add(10);
	assert_int_equal(status(1), 0);
	assert_int_equal(status(5), 0);
	assert_int_equal(status(6), 0);
	assert_int_equal(status(10), 0);
	assert_int_equal(status(11), -ENOENT);
	assert_int_equal(signaled(), 0);
	assert_int_equal(submitted(), 10);

	/* A point waits for all before it. */
	signal_and_put(ten, 0);
	assert_int_equal(status(10), 0);
	assert_int_equal(signaled(), 0);
	signal_and_put(five, 0);
	assert_int_equal(status(6), 1);
	assert_int_equal(signaled(), 10);
	assert_int_equal(status(5), 1);
	assert_int_equal(status(10), 1);
	assert_int_equal(status(UINT64_MAX), -ENOENT);
	assert_not_found(11, ENOENT);
}

static void points_go_forwards(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 0, fence), -EINVAL);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 0), -EINVAL);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 7, fence), 0);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 7, fence), -ERANGE);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 6, fence), -ERANGE);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 1), -ERANGE);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(syncobj, 7));
	assert_int_equal(errno, ERANGE);
	assert_int_equal(submitted(), 7);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, UINT64_MAX), 0);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, UINT64_MAX), -ERANGE);
	assert_int_equal(submitted(), UINT64_MAX);
	assert_int_equal(signaled(), 0);
	signal_and_put(fence, 0);
	assert_int_equal(signaled(), UINT64_MAX);
}

static void fails_from_there_on(void **state)
{
	struct dma_fence *fences[4], *found;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		fences[i] = add(10 * (uint64_t)(i + 1));
	signal_and_put(fences[0], 0);
	signal_and_put(fences[2], -ENODEV);
	assert_int_equal(signaled(), 10);
	assert_int_equal(status(30), 0);
	signal_and_put(fences[1], -EIO);
	assert_int_equal(signaled(), 30);
	assert_int_equal(status(10), 1);
	assert_int_equal(status(11), -EIO);
	assert_int_equal(status(20), -EIO);
	assert_int_equal(status(30), -EIO);
	assert_int_equal(status(40), 0);
	signal_and_put(fences[3], 0);
	assert_int_equal(signaled(), 40);
	assert_int_equal(status(40), -EIO);
	assert_int_equal(status(10), 1);

	found = dma_fence_syncobj_find_fence(syncobj, 35);
	assert_int_equal(dma_fence_get_status(found), -EIO);
	dma_fence_put(found);
	found = dma_fence_syncobj_find_fence(syncobj, 10);
	assert_int_equal(dma_fence_get_status(found), 1);
	dma_fence_put(found);
}

static void reset_is_as_new(void **state)
{
	struct dma_fence *old = add(100), *found = dma_fence_syncobj_find_fence(syncobj, 50),
			 *fence;

	(void)state;
	assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	assert_int_equal(status(50), -ENOENT);
	assert_int_equal(submitted(), 0);
	assert_int_equal(signaled(), 0);
	signal_and_put(old, 0);
	assert_int_equal(dma_fence_get_status(found), 1);
	dma_fence_put(found);

	/* Nor is what had passed remembered. */
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 100), 0);
	assert_int_equal(signaled(), 100);
	assert_int_equal(status(100), 1);
	assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	assert_int_equal(status(100), -ENOENT);
	fence = add(3);
	assert_int_equal(status(3), 0);
	assert_int_equal(signaled(), 0);
	signal_and_put(fence, 0);
	assert_int_equal(signaled(), 3);
	assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	assert_int_equal(dma_fence_syncobj_signal(syncobj), 0);
}

/* Of points that have passed nothing is left to be found, once somebody has seen them pass. */
static void what_has_passed_is_a_stub(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub(), *one = add(1), *two = add(2), *found;

	(void)state;
	signal_and_put(one, 0);
	assert_int_equal(signaled(), 1);
	found = dma_fence_syncobj_find_fence(syncobj, 1);
	assert_ptr_equal(found, stub);
	dma_fence_put(found);
	signal_and_put(two, 0);
	dma_fence_put(stub);
}

/* A producer whose answer comes after a reset, and with a new point. */

static struct dma_fence *after_reset;

static bool signaled_after_reset(struct dma_fence *fence)
{
	(void)fence;
	if (!after_reset) {
		assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
		after_reset = add(100);
	}
	return true;
}

static void reset_while_asking(void **state)
{
	static const struct dma_fence_ops ops = { .signaled = signaled_after_reset };
	struct dma_fence *fence = malloc(sizeof(*fence));

	(void)state;
	after_reset = NULL;
	dma_fence_init(fence, &ops, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 100, fence), 0);
	assert_int_equal(signaled(), 100);
	assert_non_null(after_reset);
	assert_int_equal(status(1), 0);
	assert_int_equal(signaled(), 0);
	signal_and_put(after_reset, 0);
	dma_fence_put(fence);
}

/* Against what it should be, with many points, in many orders, with gaps and failures. */
static void model(void **state)
{
	enum { POINTS = 60 };
	struct dma_fence *fences[POINTS];
	unsigned int seed, i, k, n;
	bool done[POINTS];
	int errors[POINTS];

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		unsigned int random = seed;
		bool polls = seed % 2;

		for (i = 0; i < POINTS; i++) {
			fences[i] = add(3 * (uint64_t)(i + 1));
			done[i] = false;
			errors[i] = seed % 5 == 0 && i % 17 == seed % 17 ? -(int)(i + 1) : 0;
		}
		for (n = 0; n < POINTS; n++) {
			random = random * 1103515245 + 12345;
			for (k = (random >> 16) % (1 + seed % POINTS); done[k % POINTS]; k++)
				;
			k %= POINTS;
			done[k] = true;
			signal_and_put(fences[k], errors[k]);
			for (i = 0; i < POINTS && done[i]; i++)
				;
			if (polls || n == POINTS / 2)
				assert_int_equal(signaled(), 3 * i);
			if (n % 7 == 0 || n == POINTS - 1) {
				int error = 0;

				for (k = 0; k < POINTS; k++) {
					error = error ? error : errors[k];
					assert_int_equal(status(3 * k + 2), k >= i  ? 0
									    : error ? error
										    : 1);
				}
			}
		}
		assert_int_equal(signaled(), 3 * POINTS);
		assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	}
}

/* Nobody asks and nobody waits, and some are always pending: links do not pile up for that. */
static void links_do_not_pile_up(void **state)
{
	enum { POINTS = 20000, PENDING = 100 };
	static struct dma_fence *fences[POINTS];
	long most = 0, live;
	int i;

	(void)state;
	for (i = 0; i < POINTS; i++) {
		fences[i] = add((uint64_t)i + 1);
		if (i >= PENDING)
			signal_and_put(fences[i - PENDING], 0);
		if (i % 1000 == 999) {
			dma_fence_rcu_barrier();
			live = live_blocks() - live_before;
			most = live > most ? live : most;
		}
	}
	for (i = POINTS - PENDING; i < POINTS; i++)
		signal_and_put(fences[i], 0);
	/* A link and a fence for each that is pending, and as many again that are done. */
	assert_true(most < 2 * 2 * PENDING + 100);
}

/* Promises */

static void promised_point(void **state)
{
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(syncobj, 4);
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_non_null(promise);
	assert_int_equal(submitted(), 4);
	assert_int_equal(status(4), 0);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 5), 0);
	assert_int_equal(status(5), 0);
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	assert_int_equal(status(4), 0);
	signal_and_put(fence, 0);
	assert_int_equal(status(5), 1);

	promise = dma_fence_syncobj_promise(syncobj, 6);
	dma_fence_promise_drop(promise);
	assert_int_equal(status(6), -ECANCELED);
	assert_int_equal(status(5), 1);
}

static void promised_fence(void **state)
{
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(syncobj, 0), *other;

	(void)state;
	assert_non_null(promise);
	assert_int_equal(status(0), 0);
	other = dma_fence_syncobj_promise(syncobj, 0);
	assert_non_null(other);
	dma_fence_promise_drop(promise);
	assert_int_equal(status(0), 0);
	assert_int_equal(dma_fence_promise_keep(other, NULL), 0);
	assert_int_equal(status(0), 1);
}

static void promise_outlives_the_object(void **state)
{
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(syncobj, 1);
	struct dma_fence *found = dma_fence_syncobj_find_fence(syncobj, 1);

	(void)state;
	dma_fence_syncobj_put(syncobj);
	assert_int_equal(dma_fence_get_status(found), 0);
	assert_int_equal(dma_fence_promise_keep(promise, NULL), 0);
	assert_int_equal(dma_fence_get_status(found), 1);
	dma_fence_put(found);

	syncobj = dma_fence_syncobj_create(kind);
	promise = dma_fence_syncobj_promise(syncobj, 1);
	dma_fence_syncobj_put(syncobj);
	dma_fence_promise_drop(promise);
	syncobj = dma_fence_syncobj_create(kind);
}

static void promise_is_not_kept_by_a_later_point(void **state)
{
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(syncobj, 1);
	struct dma_fence *fence = add(2), *found = dma_fence_syncobj_find_fence(syncobj, 2);

	(void)state;
	assert_int_equal(dma_fence_promise_keep(promise, found), -EDEADLK);
	dma_fence_put(found);
	dma_fence_promise_drop(promise);
	signal_and_put(fence, 0);
	assert_int_equal(status(2), -ECANCELED);
}

/* What a point can be made of */

static void point_of_an_array(void **state)
{
	static struct dma_fence fences[3];
	struct dma_fence_array *array;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		fence_init(&fences[i]);
	array = array_of_fences(fences, 3);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, &array->base), 0);
	dma_fence_put(&array->base);
	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[2]);
	assert_int_equal(status(1), 0);
	dma_fence_set_error(&fences[1], -EIO);
	dma_fence_signal(&fences[1]);
	assert_int_equal(status(1), -EIO);
	for (i = 0; i < 3; i++)
		dma_fence_put(&fences[i]);
}

/* Of a shared object it may be the watcher's thread that passes on what has ended. */
static void await(struct dma_fence_syncobj *object, uint64_t of)
{
	const struct dma_fence_syncobj_point points[] = { { object, of } };

	assert_true(dma_fence_syncobj_wait(points, 1, 0, false, PATIENCE * SECOND, NULL) > 0);
}

/* A link is of another timeline, or even of this one. */
static void point_of_a_chain(void **state)
{
	struct dma_fence_syncobj *other = dma_fence_syncobj_create(kind);
	struct dma_fence *one = add(1), *two = add(2), *found;

	(void)state;
	found = dma_fence_syncobj_find_fence(syncobj, 2);
	assert_true(kind || dma_fence_is_chain(found));
	assert_int_equal(dma_fence_syncobj_add_point(other, 7, found), 0);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 7, found), 0);
	assert_int_equal(dma_fence_syncobj_replace_fence(other, found), -EINVAL);
	dma_fence_put(found);
	signal_and_put(two, 0);
	assert_int_equal(dma_fence_syncobj_status(other, 7), 0);
	assert_int_equal(status(7), 0);
	signal_and_put(one, -EIO);
	await(other, 7);
	assert_int_equal(dma_fence_syncobj_status(other, 7), -EIO);
	await(syncobj, 7);
	assert_int_equal(status(7), -EIO);
	dma_fence_syncobj_put(other);
}

/* Transfer */

static void transfers(void **state)
{
	struct dma_fence_syncobj *dst = dma_fence_syncobj_create(kind);
	struct dma_fence *one = add(1), *two = add(2);

	(void)state;
	assert_int_equal(dma_fence_syncobj_transfer(dst, 5, syncobj, 3, 0), -ENOENT);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 5, syncobj, 0, 0), -EINVAL);
	/* From timeline to timeline, to where it has been, to binary, and back. */
	assert_int_equal(dma_fence_syncobj_transfer(dst, 5, syncobj, 1, 0), 0);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 5, syncobj, 2, 0), -ERANGE);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 6, syncobj, 2, 0), 0);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 0, syncobj, 2, 0), -EINVAL);
	assert_int_equal(dma_fence_syncobj_transfer(syncobj, 9, syncobj, 2, 0), 0);
	signal_and_put(one, 0);
	await(dst, 5);
	assert_int_equal(dma_fence_syncobj_status(dst, 5), 1);
	assert_int_equal(dma_fence_syncobj_status(dst, 6), 0);
	assert_int_equal(dma_fence_syncobj_reset(dst), 0);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 0, syncobj, 9, 0), 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 0), 0);
	assert_int_equal(dma_fence_syncobj_transfer(syncobj, 10, dst, 0, 0), 0);
	signal_and_put(two, -EIO);
	await(dst, 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 0), -EIO);
	await(syncobj, 10);
	assert_int_equal(status(10), -EIO);
	assert_int_equal(signaled(), 10);
	/* Of what has ended, too. */
	assert_int_equal(dma_fence_syncobj_transfer(dst, 0, syncobj, 1, 0), 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 0), 1);
	assert_int_equal(dma_fence_syncobj_transfer(dst, 0, syncobj, 2, 0), 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 0), -EIO);
	dma_fence_syncobj_put(dst);
}

/* Sync files */

static void to_and_from_sync_files(void **state)
{
	struct dma_fence_syncobj *dst = dma_fence_syncobj_create(kind);
	struct dma_fence *fence = add(1);
	int fd;

	(void)state;
	assert_int_equal(dma_fence_syncobj_export_sync_file(syncobj, 2), -ENOENT);
	assert_int_equal(dma_fence_syncobj_export_sync_file(syncobj, 0), -EINVAL);
	fd = dma_fence_syncobj_export_sync_file(syncobj, 1);
	assert_true(fd >= 0);
	assert_int_equal(events_of(fd), 0);

	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(dst, 3, fd), 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 3), 0);
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(dst, 3, fd), -ERANGE);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 3, fd), -ERANGE);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 0, fd), -EINVAL);
	assert_true(is_open(fd));
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 4, fd), 0);
	assert_false(is_open(fd));
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(dst, 5, fd), -EBADF);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 5, fd), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(dst, 5, fd), -EINVAL);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 5, fd), -EINVAL);
	assert_true(is_open(fd));
	close(fd);

	signal_and_put(fence, -EIO);
	await(dst, 4);
	assert_int_equal(dma_fence_syncobj_status(dst, 3), -EIO);
	fd = dma_fence_syncobj_export_sync_file(dst, 4);
	assert_true(events_of(fd) & POLLIN);
	assert_int_equal(dma_fence_syncobj_reset(dst), 0);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(dst, 0, fd), 0);
	assert_int_equal(dma_fence_syncobj_status(dst, 0), -EIO);
	dma_fence_syncobj_put(dst);
	export_another();
}

/* Memory is short */

static void create_needs_memory(void **state)
{
	int i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		failing_malloc_in = i;
		errno = 0;
		assert_null(dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SIGNALED));
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(failing_malloc_in, -1);
	}
}

/* What needs memory says so at each allocation that fails, and nothing has happened. */
static void putting_in_needs_memory(void **state)
{
	struct dma_fence_syncobj *other = dma_fence_syncobj_create(kind);
	struct dma_fence *one = add(1), *two = add(2);
	uint32_t references_of_one = references(one);
	int i, ret, failures;

	(void)state;
	for (failures = 0, i = 1, ret = -ENOMEM; ret; i++, failures++) {
		failing_malloc_in = i;
		ret = dma_fence_syncobj_signal_point(syncobj, 3);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(submitted(), ret ? 2 : 3);
	}
	assert_int_equal(failures, 3); /* the fence; the link */
	failing_malloc_in = -1;

	/* Two leaves: an array, its vector, and the link. */
	for (failures = 0, i = 1, ret = -ENOMEM; ret; i++, failures++) {
		failing_malloc_in = i;
		ret = dma_fence_syncobj_transfer(other, 1, syncobj, 3, 0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(dma_fence_syncobj_status(other, 1), ret ? -ENOENT : 0);
	}
	assert_int_equal(failures, 4);
	failing_malloc_in = -1;
	assert_int_equal(references(one), references_of_one + 1);

	for (failures = 0, i = 1, ret = -ENOMEM; ret; i++, failures++) {
		struct dma_fence_promise *promise;

		failing_malloc_in = i;
		errno = 0;
		promise = dma_fence_syncobj_promise(syncobj, 4);
		ret = promise ? 0 : -errno;
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(submitted(), ret ? 3 : 4);
		dma_fence_promise_drop(promise);
	}
	assert_int_equal(failures, 3);
	failing_malloc_in = -1;
	signal_and_put(one, 0);
	signal_and_put(two, 0);
	dma_fence_syncobj_put(other);
}

/* Neither does any of this need memory. */
static void without_memory(void **state)
{
	struct dma_fence *fence = create_fence(), *one = add(1), *found;

	(void)state;
	failing_malloc_in = 1;
	assert_int_equal(signaled(), 0);
	assert_int_equal(status(1), 0);
	found = dma_fence_syncobj_find_fence(syncobj, 1);
	assert_non_null(found);
	dma_fence_put(found);
	signal_and_put(one, 0);
	assert_int_equal(status(1), 1);
	assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
	assert_int_equal(dma_fence_syncobj_replace_fence(syncobj, fence), 0);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	signal_and_put(fence, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both_tests(flags_of_create),
		both_tests(references_of_objects),
		both_tests(no_object_is_an_error),
		both_tests(binary_holds_one_fence),
		both_tests(binary_is_no_timeline),
		both_tests(signal_has_a_time),
		both_tests(states_of_a_point),
		both_tests(points_go_forwards),
		both_tests(fails_from_there_on),
		both_tests(reset_is_as_new),
		local_test(what_has_passed_is_a_stub),
		local_test(reset_while_asking),
		both_tests(model),
		local_test(links_do_not_pile_up),
		both_tests(promised_point),
		both_tests(promised_fence),
		both_tests(promise_outlives_the_object),
		local_test(promise_is_not_kept_by_a_later_point),
		both_tests(point_of_an_array),
		both_tests(point_of_a_chain),
		both_tests(transfers),
		both_tests(to_and_from_sync_files),
		local_test(create_needs_memory),
		local_test(putting_in_needs_memory),
		local_test(without_memory),
	};

	return RUN(tests);
}
