/* SPDX-License-Identifier: MIT */
/* Sync objects, of one process and shared, of which several threads do everything at once. */
#include <sys/eventfd.h>

#include "fds.h"

#define POINTS	(UNDER_SANITIZER ? 3000 : 20000)
#define FOREVER DMA_FENCE_WAIT_FOREVER

/* A local object is the same for all threads. Of a shared one there are several mappings. */
#define MAPPINGS 4

static struct dma_fence_syncobj *mappings[MAPPINGS];
static _Thread_local struct dma_fence_syncobj *syncobj;

static void use_mapping(int number)
{
	syncobj = mappings[number % MAPPINGS];
}

static int setup(void **state)
{
	int i;

	fd_setup(state);
	mappings[0] = dma_fence_syncobj_create(0);
	assert_non_null(mappings[0]);
	for (i = 1; i < MAPPINGS; i++)
		mappings[i] = dma_fence_syncobj_get(mappings[0]);
	return 0;
}

static int setup_shared(void **state)
{
	int i;

	fd_setup(state);
	mappings[0] = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(mappings[0]);
	for (i = 1; i < MAPPINGS; i++) {
		mappings[i] =
			dma_fence_syncobj_import_take_fd(dma_fence_syncobj_export(mappings[0]));
		assert_non_null(mappings[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	int i;

	for (i = 0; i < MAPPINGS; i++)
		dma_fence_syncobj_put(mappings[i]);
	return fd_teardown(state);
}

#define local_test(func)  cmocka_unit_test_setup_teardown(func, setup, teardown)
#define shared_test(func) cmocka_unit_test_setup_teardown(func, setup_shared, teardown)
#define both_tests(func)  local_test(func), shared_test(func)

static struct dma_fence *fences[20000];
static int added;    /* by whoever gets there first */
static int signaled; /* claimed */
static int stop;

static uint32_t next_random(uint32_t *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 16;
}

/* Two add, and the one that is too late with a point is told. */
static void *add_points(void *arg)
{
	int point, ret;

	use_mapping((int)(uintptr_t)arg);
	while ((point = atomic_load_acquire(&added) + 1) <= POINTS) {
		struct dma_fence *fence = create_fence();

		ret = dma_fence_syncobj_add_point(syncobj, (uint64_t)point, fence);
		if (ret) {
			dma_fence_put(fence);
			/* Too late, or there are too many that are pending. */
			assert_true(ret == -ERANGE || ret == -EAGAIN);
			while (ret == -ERANGE && atomic_load_acquire(&added) < point)
				sched_yield();
			continue;
		}
		fences[point - 1] = fence;
		atomic_store_release(&added, point);
	}
	return NULL;
}

/* Each signals every other one, a few at a time, and in no order. */
static void *signal_points(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct dma_fence *few[8];
	int first, i, k;

	while ((first = atomic_fetch_add_relaxed(&signaled, 8)) < POINTS) {
		for (i = 0; i < 8 && first + i < POINTS; i++) {
			while (atomic_load_acquire(&added) <= first + i)
				sched_yield();
			few[i] = fences[first + i];
		}
		while (i) {
			k = (int)(next_random(&random) % (uint32_t)i);
			dma_fence_signal(few[k]);
			dma_fence_put(few[k]);
			few[k] = few[--i];
		}
	}
	return NULL;
}

/* On a busy machine who has the lock of a shared object may not get on for as long as one may ask. */
static int status_of(uint64_t point)
{
	int status;

	while ((status = dma_fence_syncobj_status(syncobj, point)) == -ETIMEDOUT)
		sched_yield();
	return status;
}

static void *wait_for_points(void *arg)
{
	const uint32_t step = (uint32_t)(uintptr_t)arg;
	struct dma_fence_syncobj_point points[3];
	uint64_t point;
	uint32_t i;

	use_mapping((int)step);
	for (point = 1; point <= POINTS; point += step) {
		for (i = 0; i < 3; i++)
			points[i] = (struct dma_fence_syncobj_point){ syncobj, point + i < POINTS
										       ? point + i
										       : POINTS };
		if (step % 3 == 0) {
			assert_int_equal(dma_fence_syncobj_wait(points, 3,
								DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT,
								false, FOREVER, &i),
					 FOREVER);
			assert_int_equal(status_of(points[i].point), 1);
		} else {
			assert_int_equal(dma_fence_syncobj_wait(points, step % 3 == 1 ? 1 : 3,
								DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT |
									DMA_FENCE_SYNCOBJ_WAIT_ALL,
								false, FOREVER, NULL),
					 FOREVER);
			assert_int_equal(status_of(point), 1);
		}
	}
	return NULL;
}

/* Some give up before anything happens. */
static void *wait_briefly(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct dma_fence_syncobj_point points[4];
	int64_t ret;
	uint64_t at;
	uint32_t i;

	use_mapping((int)random);
	while (!atomic_load_acquire(&stop)) {
		dma_fence_syncobj_query(syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &at);
		for (i = 0; i < 4; i++)
			points[i] = (struct dma_fence_syncobj_point){
				syncobj, at + next_random(&random) % 20 + 1
			};
		i = 1 + next_random(&random) % 4;
		ret = dma_fence_syncobj_wait(points, i,
					     DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT |
						     (next_random(&random) % 8 & 5),
					     false, next_random(&random), NULL);
		assert_true(ret >= 0);
	}
	return NULL;
}

static void *ask_about_points(void *arg)
{
	uint64_t before = 0, now, last;

	use_mapping((int)(uintptr_t)arg);
	while (!atomic_load_acquire(&stop)) {
		assert_int_equal(dma_fence_syncobj_query(syncobj, 0, &now), 0);
		assert_int_equal(dma_fence_syncobj_query(
					 syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &last),
				 0);
		assert_true(now >= before);
		assert_true(last >= now);
		if (now)
			assert_int_equal(status_of(now), 1);
		before = now;
	}
	return NULL;
}

static void *have_eventfds_written_to(void *arg)
{
	int fd = *(int *)arg, i;

	use_mapping(0);
	for (i = 1; i <= POINTS; i += POINTS / 100)
		assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(
					 syncobj, (uint64_t)i, fd,
					 i % 2 ? DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE : 0),
				 0);
	return NULL;
}

static void timeline(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	pthread_t threads[11];
	uint64_t count, sum;
	int i, n = 0;

	(void)state;
	added = 0;
	signaled = 0;
	stop = 0;
	for (i = 1; i <= 3; i++)
		threads[n++] = start(wait_for_points, (void *)(uintptr_t)i);
	threads[n++] = start(wait_briefly, (void *)(uintptr_t)7);
	threads[n++] = start(ask_about_points, (void *)(uintptr_t)1);
	threads[n++] = start(have_eventfds_written_to, &fd);
	for (i = 1; i <= 2; i++)
		threads[n++] = start(add_points, (void *)(uintptr_t)i);
	for (i = 1; i <= 2; i++)
		threads[n++] = start(signal_points, (void *)(uintptr_t)i);
	for (i = 0; i < n; i++) {
		if (i == 3 || i == 4)
			continue;
		join(threads[i]);
	}
	set_flag(&stop);
	join(threads[3]);
	join(threads[4]);
	/* That of a shared one may be written to by the library's thread, a moment later. */
	for (sum = 0; sum < 100; sum += count)
		assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(sum, 100);
	assert_int_equal(dma_fence_syncobj_query(mappings[0], 0, &count), 0);
	assert_int_equal(count, POINTS);
	close(fd);
}

/* What an object is used as changes under those who use it. */

static void *use(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct dma_fence_syncobj_point points[2];
	struct dma_fence_promise *promise;
	struct dma_fence *fence;
	int i, status;

	use_mapping((int)random);
	for (i = 0; i < POINTS; i++) {
		uint64_t point = next_random(&random) % 4;

		points[0] = (struct dma_fence_syncobj_point){ syncobj, point };
		points[1] = (struct dma_fence_syncobj_point){ syncobj, 0 };
		switch (next_random(&random) % 8) {
		case 0:
			assert_int_equal(dma_fence_syncobj_reset(syncobj), 0);
			break;
		case 1:
			promise = dma_fence_syncobj_promise(syncobj, point);
			dma_fence_promise_drop(promise);
			break;
		case 2:
			promise = dma_fence_syncobj_promise(syncobj, point);
			fence = create_fence();
			if (promise)
				assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
			dma_fence_signal(fence);
			dma_fence_put(fence);
			break;
		case 3:
			dma_fence_syncobj_wait(points, 1 + i % 2,
					       next_random(&random) % 8 &
						       ~(unsigned int)DMA_FENCE_SYNCOBJ_WAIT_ALL,
					       false, next_random(&random), NULL);
			break;
		case 4:
			dma_fence_syncobj_wait(points, 1 + i % 2, next_random(&random) % 8, false,
					       next_random(&random), NULL);
			break;
		case 5:
			fence = dma_fence_syncobj_find_fence(syncobj, point);
			if (fence) {
				status = dma_fence_get_status(fence);
				assert_true(status >= 0 || status == -ECANCELED);
			}
			dma_fence_put(fence);
			break;
		case 6:
			status = dma_fence_syncobj_transfer(syncobj, point, syncobj, point ^ 1, 0);
			assert_true(status <= 0);
			break;
		default:
			if (point)
				dma_fence_syncobj_signal_point(syncobj, point);
			else
				dma_fence_syncobj_signal(syncobj);
		}
	}
	return NULL;
}

static void everything(void **state)
{
	pthread_t threads[4];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(use, (void *)(uintptr_t)(i + 1));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both_tests(timeline),
		both_tests(everything),
	};

	return RUN(tests);
}
