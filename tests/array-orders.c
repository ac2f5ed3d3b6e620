/* SPDX-License-Identifier: MIT */
/*
 * Arrays of up to six members, in every order in which these can be signaled, with every way to
 * fail of none, one or two of them, under each kind of observer that comes at each step.
 */
#include "support.h"

#define MEMBERS 6

/* All is done by one thread, of which ThreadSanitizer sees enough in less time. */
#ifdef __SANITIZE_THREAD__
#define MEMBERS_PLAYED 5
#else
#define MEMBERS_PLAYED MEMBERS
#endif

struct member {
	struct dma_fence fence;
	int enabled;
	int released;
};

/* What is going to happen: all that is expected is computed from this alone. */
struct scene {
	int n;
	int order[MEMBERS];  /* the member that is signaled in each step */
	int error[MEMBERS];  /* of each member, or 0 */
	int64_t at[MEMBERS]; /* its timestamp */
	unsigned int asked;  /* one bit for each member that wants to be told that somebody waits */
};

static struct member members[MEMBERS];
static bool last_step;

static void member_release(struct dma_fence *fence)
{
	container_of(fence, struct member, fence)->released++;
	count_release(fence);
}

static bool member_enable(struct dma_fence *fence)
{
	container_of(fence, struct member, fence)->enabled++;
	return true;
}

static const struct dma_fence_ops silent_ops = { .release = member_release };
static const struct dma_fence_ops asked_ops = {
	.enable_signaling = member_enable,
	.release = member_release,
};

/* The model */

static int expected_error(const struct scene *scene)
{
	int i, first = -1;

	for (i = 0; i < scene->n; i++) {
		if (scene->error[i] && (first < 0 || scene->at[i] < scene->at[first]))
			first = i;
	}
	return first < 0 ? 0 : scene->error[first];
}

static int64_t expected_timestamp(const struct scene *scene)
{
	int64_t latest = 0;
	int i;

	for (i = 0; i < scene->n; i++) {
		if (scene->at[i] > latest)
			latest = scene->at[i];
	}
	return latest;
}

/* Playing a scene */

/* The producer's part: signals, and has no use for the fence any more. */
static void step(const struct scene *scene, int k)
{
	int i = scene->order[k];

	last_step = k == scene->n - 1;
	if (scene->error[i])
		assert_int_equal(dma_fence_set_error(&members[i].fence, scene->error[i]), 0);
	dma_fence_signal_timestamp(&members[i].fence, scene->at[i]);
	dma_fence_put(&members[i].fence);
	last_step = false;
}

/* An array that is made when so many steps have been done. */
static struct dma_fence *begin(const struct scene *scene, int steps)
{
	struct dma_fence **list = malloc((size_t)scene->n * sizeof(*list));
	struct dma_fence_array *array;
	int i;

	*release_count() = 0;
	for (i = 0; i < scene->n; i++) {
		const struct dma_fence_ops *ops = scene->asked & 1u << i ? &asked_ops : &silent_ops;

		dma_fence_init(&members[i].fence, ops, (uint64_t)i + 1, 1);
		members[i].enabled = members[i].released = 0;
		list[i] = dma_fence_get(&members[i].fence);
	}
	for (i = 0; i < steps; i++)
		step(scene, i);
	array = dma_fence_array_create(scene->n, list, 100, 1);
	assert_non_null(array);
	return &array->base;
}

static void assert_pending(struct dma_fence *array)
{
	assert_false(dma_fence_is_signaled(array));
	assert_false(dma_fence_poll(array));
	assert_int_equal(dma_fence_get_status(array), 0);
	assert_int_equal(dma_fence_timestamp(array), -EAGAIN);
}

static void assert_outcome(const struct scene *scene, struct dma_fence *array)
{
	int error = expected_error(scene);

	assert_true(dma_fence_is_signaled(array));
	assert_int_equal(dma_fence_get_status(array), error ? error : 1);
	assert_int_equal(dma_fence_timestamp(array), expected_timestamp(scene));
	assert_true(dma_fence_test_signaled_flag(array));
	assert_int_equal(dma_fence_flush(array), 0);
}

/* Those that are pending after so many steps have been told, once, and the others never. */
static void assert_enabled_from(const struct scene *scene, int steps)
{
	int k;

	for (k = 0; k < scene->n; k++) {
		int i = scene->order[k];

		assert_int_equal(members[i].enabled, k >= steps && scene->asked & 1u << i);
	}
}

static void assert_released(const struct scene *scene, int count)
{
	int i;

	assert_int_equal(*release_count(), count);
	for (i = 0; i < scene->n && count == scene->n; i++)
		assert_int_equal(members[i].released, 1);
	assert_int_equal(caught()->count, 0);
}

/* The user's reference is the last one of the array, and this the last of the members. */
static void end(const struct scene *scene, struct dma_fence *array)
{
	assert_released(scene, 0);
	dma_fence_put(array);
	assert_released(scene, scene->n);
}

/* All scenes */

static bool next_order(int *order, int n)
{
	int i = n - 2, j = n - 1, lo, hi, swap;

	while (i >= 0 && order[i] > order[i + 1])
		i--;
	if (i < 0)
		return false;
	while (order[j] < order[i])
		j--;
	swap = order[i];
	order[i] = order[j];
	order[j] = swap;
	for (lo = i + 1, hi = n - 1; lo < hi; lo++, hi--) {
		swap = order[lo];
		order[lo] = order[hi];
		order[hi] = swap;
	}
	return true;
}

#define CLOCKS 4

/* Timestamps that follow the order of the signals, contradict it, or say that some came at once. */
static void set_timestamps(struct scene *scene, int clock)
{
	int k;

	for (k = 0; k < scene->n; k++) {
		static const int together[MEMBERS] = { 2, 1, 2, 1, 1, 2 };
		const int64_t at[CLOCKS] = { k + 1, MEMBERS - k, 7, together[k] };

		scene->at[scene->order[k]] = 1000 + at[clock];
	}
}

static void for_each_scene(void (*play)(const struct scene *scene))
{
	struct scene scene;
	unsigned int number = 0;
	int first, second, clock, i;

	for (scene.n = 1; scene.n <= MEMBERS_PLAYED; scene.n++) {
		for (i = 0; i < scene.n; i++)
			scene.order[i] = i;
		do {
			/* -1: there is none that fails. */
			for (first = -1; first < scene.n; first++) {
				for (second = -1; second < (first < 0 ? 0 : first); second++) {
					memset(scene.error, 0, sizeof(scene.error));
					if (first >= 0)
						scene.error[first] = -EIO;
					if (second >= 0)
						scene.error[second] = -ETIME;
					number++;
					for (clock = 0; clock < CLOCKS; clock++) {
						/* The longest would take too long. */
						if (scene.n == MEMBERS &&
						    number % CLOCKS != (unsigned int)clock)
							continue;
						set_timestamps(&scene, clock);
						scene.asked = number * 2654435761u >> 16;
						play(&scene);
					}
				}
			}
		} while (next_order(scene.order, scene.n));
	}
	dma_fence_rcu_barrier();
	assert_int_equal(caught()->count, 0);
}

/* Polled at every step, of an array that is made after each number of steps. */

static void poll_it(const struct scene *scene)
{
	struct dma_fence *array;
	int made, k;

	for (made = 0; made <= scene->n; made++) {
		array = begin(scene, made);
		for (k = made; k < scene->n; k++) {
			assert_pending(array);
			step(scene, k);
		}
		assert_outcome(scene, array);
		assert_enabled_from(scene, scene->n);
		end(scene, array);
	}
}

static void polled(void **state)
{
	(void)state;
	for_each_scene(poll_it);
}

/* A callback, added at every step. */

struct observer {
	struct dma_fence_cb cb;
	const struct scene *scene;
	int ran;
};

static void observe(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct observer *observer = container_of(cb, struct observer, cb);

	observer->ran++;
	assert_true(last_step);
	assert_true(dma_fence_test_signaled_flag(fence));
	assert_int_equal(dma_fence_get_status(fence),
			 expected_error(observer->scene) ? expected_error(observer->scene) : 1);
	assert_int_equal(dma_fence_timestamp(fence), expected_timestamp(observer->scene));
}

static void call_back_from(const struct scene *scene, int made, int added)
{
	struct observer observer = { .scene = scene };
	struct dma_fence *array = begin(scene, made);
	int k, ret;

	for (k = made; k < added; k++)
		step(scene, k);
	/* Nobody has asked the array yet: what it has missed it finds now. */
	ret = dma_fence_add_callback(array, &observer.cb, observe);
	assert_int_equal(ret, added < scene->n ? 0 : -ENOENT);
	assert_enabled_from(scene, added);
	for (; k < scene->n; k++) {
		assert_pending(array);
		assert_int_equal(observer.ran, 0);
		step(scene, k);
	}
	assert_int_equal(observer.ran, added < scene->n);
	assert_outcome(scene, array);
	assert_enabled_from(scene, added);
	end(scene, array);
}

static void call_back(const struct scene *scene)
{
	int k;

	for (k = 0; k <= scene->n; k++) {
		call_back_from(scene, 0, k);
		if (k)
			call_back_from(scene, k, k);
	}
}

static void called_back(void **state)
{
	(void)state;
	for_each_scene(call_back);
}

/* A wait that does not wait, at every step. */

static void wait_for_it(const struct scene *scene)
{
	struct dma_fence *array;
	int made, k;

	for (made = 0; made <= scene->n; made++) {
		array = begin(scene, made);
		for (k = made; k < scene->n; k++) {
			assert_int_equal(dma_fence_wait_timeout(array, false, 0), 0);
			assert_enabled_from(scene, made);
			assert_false(dma_fence_is_signaled(array));
			step(scene, k);
		}
		/* Somebody waits: so the array does not wait to be asked. */
		if (made < scene->n)
			assert_true(dma_fence_test_signaled_flag(array));
		assert_int_equal(dma_fence_wait_timeout(array, false, 0), 1);
		assert_int_equal(dma_fence_wait(array, false), 0);
		assert_outcome(scene, array);
		end(scene, array);
	}
}

static void waited_for(void **state)
{
	(void)state;
	for_each_scene(wait_for_it);
}

/* The user goes, at every step. */

/* Nobody waits: the members are their producers' alone from then on. */
static void drop_unused(const struct scene *scene, int dropped)
{
	struct dma_fence *array = begin(scene, 0);
	int k;

	for (k = 0; k < dropped; k++)
		step(scene, k);
	assert_released(scene, 0);
	dma_fence_put(array);
	assert_released(scene, dropped);
	for (; k < scene->n; k++) {
		step(scene, k);
		assert_released(scene, k + 1);
	}
}

static void drop_enabled(const struct scene *scene, int enabled, int dropped)
{
	struct dma_fence *array = begin(scene, 0);
	int k;

	for (k = 0; k < scene->n; k++) {
		if (k == enabled)
			dma_fence_enable_signaling(array);
		if (k == dropped)
			dma_fence_put(array);
		assert_released(scene, 0);
		step(scene, k);
	}
	if (dropped == scene->n)
		end(scene, array);
	else
		assert_released(scene, scene->n);
	assert_enabled_from(scene, enabled);
}

/* As the above, with somebody who is called back nevertheless. */
static void drop_with_callback(const struct scene *scene, int dropped)
{
	struct observer observer = { .scene = scene };
	struct dma_fence *array = begin(scene, 0);
	int k;

	for (k = 0; k < dropped; k++)
		step(scene, k);
	assert_int_equal(dma_fence_add_callback(array, &observer.cb, observe), 0);
	dma_fence_put(array);
	for (; k < scene->n; k++) {
		assert_released(scene, 0);
		assert_int_equal(observer.ran, 0);
		step(scene, k);
	}
	assert_int_equal(observer.ran, 1);
	assert_released(scene, scene->n);
}

static void drop_it(const struct scene *scene)
{
	int k;

	for (k = 0; k <= scene->n; k++) {
		drop_unused(scene, k);
		if (k == scene->n)
			break;
		drop_enabled(scene, 0, k);
		drop_enabled(scene, k, k);
		drop_enabled(scene, k, scene->n);
		drop_with_callback(scene, k);
	}
}

static void dropped_by_its_user(void **state)
{
	(void)state;
	for_each_scene(drop_it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(polled, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(called_back, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(waited_for, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(dropped_by_its_user, catch_setup, catch_teardown),
	};

	return RUN(tests);
}
