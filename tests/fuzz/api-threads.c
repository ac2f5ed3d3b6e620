/* SPDX-License-Identifier: MIT */
/*
 * The same programs in bytes, each actor a thread. What holds in every interleaving is looked at:
 * nothing is signaled before what it is made of is; how something ended does not change, and
 * follows from how what it is made of did; a callback runs once, or never if it was removed, and
 * has returned when a wait has; and at the end everything is signaled, and released.
 *
 * Threads have handles of their own, and share a few places, where one puts a reference and others
 * get one; and sync objects, reservation objects, and promises.
 */
#include <errno.h>
#include <pthread.h>
#include <poll.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "api/program.h"
#include "fuzz.h"

#define LEAVES	  6
#define SHARED	  6 /* places */
#define HANDLES	  6
#define CALLBACKS 6
#define PROMISES  2
#define SYNCOBJS  2
#define RESVS	  2

/* A fence of a producer's, which says when it is released. */
struct leaf {
	struct dma_fence base;
	bool complete;	   /* the back end would say so */
	unsigned int told; /* that somebody waits */
	bool signals;	   /* somebody has begun to */
};

struct callback {
	struct dma_fence_cb cb;
	struct dma_fence *fence; /* with a reference */
	unsigned int ran;
	bool added;
	int error;		   /* as the callback saw it */
	struct dma_fence *signals; /* with a reference; from inside the callback */
};

/* One thread's own. */
struct actor {
	unsigned int number;
	pthread_t thread;
	struct dma_fence *handles[HANDLES];
	struct callback callbacks[CALLBACKS];
	unsigned int files;
};

static struct {
	const uint8_t *data;
	size_t length;
	struct leaf *leaves[LEAVES];
	struct dma_fence *shared[SHARED];
	struct dma_fence_promise *promises[PROMISES];
	struct dma_fence_syncobj *syncobjs[SYNCOBJS];
	struct dma_resv resvs[RESVS];
	struct dma_fence_context *context;
	uint64_t contexts[ACTORS];
	struct actor actors[ACTORS];
	unsigned int made, released;
} world;

/* The back end */

static struct leaf *leaf_of(struct dma_fence *fence)
{
	return (struct leaf *)(void *)fence;
}

static bool leaf_signaled(struct dma_fence *fence)
{
	return __atomic_load_n(&leaf_of(fence)->complete, __ATOMIC_ACQUIRE);
}

static bool leaf_enable(struct dma_fence *fence)
{
	fuzz_check(!__atomic_fetch_add(&leaf_of(fence)->told, 1, __ATOMIC_RELAXED));
	return !leaf_signaled(fence);
}

static void leaf_set_deadline(struct dma_fence *fence, int64_t deadline)
{
	(void)fence;
	fuzz_check(deadline == 1000);
}

static void leaf_release(struct dma_fence *fence)
{
	fuzz_check(dma_fence_test_signaled_flag(fence));
	__atomic_fetch_add(&world.released, 1, __ATOMIC_RELEASE);
	dma_fence_free(fence);
}

static const struct dma_fence_ops leaf_ops[] = {
	{ .release = leaf_release },
	{ .release = leaf_release,
	  .signaled = leaf_signaled,
	  .enable_signaling = leaf_enable,
	  .set_deadline = leaf_set_deadline },
};

static struct leaf *make_leaf(unsigned int b, uint64_t context, uint64_t seqno)
{
	struct leaf *leaf = calloc(1, sizeof(*leaf));

	fuzz_check(leaf);
	__atomic_fetch_add(&world.made, 1, __ATOMIC_RELAXED);
	dma_fence_init(&leaf->base, &leaf_ops[b & 1], context, seqno);
	return leaf;
}

/* What holds whatever the others do */

/* Nothing is signaled before what it is made of. */
static void check_members(struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;

	if (!dma_fence_test_signaled_flag(fence))
		return;
	dma_fence_unwrap_for_each (leaf, &cursor, fence)
		fuzz_check(dma_fence_test_signaled_flag(leaf));
}

/* How it ended is final, and of an array what the headers say. */
static void check_end(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	int64_t timestamp, latest, failed = 0;
	struct dma_fence *member;
	int status, error;
	unsigned int i;

	if (!dma_fence_test_signaled_flag(fence))
		return;
	status = dma_fence_get_status(fence);
	timestamp = dma_fence_timestamp(fence);
	fuzz_check(status == 1 || status < 0);
	fuzz_check(timestamp >= 0);
	if (array) {
		latest = array->dropped.timestamp;
		error = array->dropped.error;
		failed = array->dropped.failed_timestamp;
		dma_fence_array_for_each (member, i, fence) {
			const int64_t at = dma_fence_timestamp(member);
			const int end = dma_fence_get_status(member);

			if (at > latest)
				latest = at;
			if (end < 0 && (!error || at < failed)) {
				error = end;
				failed = at;
			}
		}
		fuzz_check(timestamp == latest);
		fuzz_check(status == (error ? error : 1));
	}
	if (dma_fence_is_chain(fence)) {
		member = dma_fence_chain_contained(fence);
		fuzz_check(dma_fence_timestamp(member) <= timestamp);
		fuzz_check(dma_fence_get_status(member) == 1 || status < 0);
	}
	fuzz_check(dma_fence_get_status(fence) == status);
	fuzz_check(dma_fence_timestamp(fence) == timestamp);
}

/* A thread's handles */

static struct dma_fence *pick(struct actor *actor, unsigned int handle)
{
	return actor->handles[handle % HANDLES];
}

static void keep(struct actor *actor, unsigned int handle, struct dma_fence *fence)
{
	struct dma_fence **place = &actor->handles[handle % HANDLES];

	dma_fence_put(*place);
	*place = fence;
}

static void put_into_place(unsigned int place, struct dma_fence *fence)
{
	dma_fence_put(__atomic_exchange_n(&world.shared[place % SHARED], fence, __ATOMIC_ACQ_REL));
}

static struct dma_fence *get_from_place(unsigned int place)
{
	struct dma_fence *fence;

	dma_fence_rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&world.shared[place % SHARED]);
	dma_fence_rcu_read_unlock();
	return fence;
}

/* Operations */

static void signal_leaf(const struct instruction *instruction)
{
	struct leaf *leaf = world.leaves[instruction->a % LEAVES];
	bool first;

	if (!(instruction->b & 1))
		__atomic_store_n(&leaf->complete, true, __ATOMIC_RELEASE);
	if (instruction->b & 2)
		dma_fence_set_error(&leaf->base, -EIO);
	if (instruction->b & 4)
		return;
	if (instruction->b & 8) {
		dma_fence_signal_timestamp(&leaf->base, 1000 + instruction->c);
	} else {
		first = !dma_fence_check_and_signal(&leaf->base);
		fuzz_check(!first || !__atomic_exchange_n(&leaf->signals, true, __ATOMIC_RELAXED));
	}
	fuzz_check(dma_fence_test_signaled_flag(&leaf->base));
}

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct callback *callback = (struct callback *)(void *)cb;

	fuzz_check(dma_fence_test_signaled_flag(fence));
	fuzz_check(!callback->ran++);
	check_members(fence);
	check_end(fence);
	callback->error = dma_fence_get_status(fence);
	if (callback->signals)
		dma_fence_signal(callback->signals);
}

static void end_callback(struct callback *callback)
{
	bool removed;

	if (!callback->fence)
		return;
	removed = dma_fence_remove_callback(callback->fence, &callback->cb);
	/* From now on nobody touches it. */
	fuzz_check(callback->ran == (callback->added && !removed));
	fuzz_check(callback->added || !removed);
	if (callback->ran)
		fuzz_check(callback->error == dma_fence_get_status(callback->fence));
	dma_fence_put(callback->fence);
	dma_fence_put(callback->signals);
	memset(callback, 0, sizeof(*callback));
}

static void add_callback(struct actor *actor, const struct instruction *instruction)
{
	struct callback *callback = &actor->callbacks[instruction->b % CALLBACKS];
	struct dma_fence *fence = pick(actor, instruction->a);
	int ret;

	end_callback(callback);
	if (!fence)
		return;
	callback->fence = dma_fence_get(fence);
	if (instruction->c & 1)
		callback->signals = dma_fence_get(&world.leaves[instruction->c / 2 % LEAVES]->base);
	callback->added = true;
	ret = dma_fence_add_callback(fence, &callback->cb, called);
	fuzz_check(!ret || ret == -ENOENT);
	if (ret) {
		callback->added = false;
		fuzz_check(!callback->ran && dma_fence_test_signaled_flag(fence));
	}
}

/* A wait that has succeeded has seen all callbacks return. */
static void wait_for(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fence = pick(actor, instruction->a);
	unsigned int i;

	if (!fence)
		return;
	if (dma_fence_wait_timeout(fence, instruction->b & 1, instruction->c * 100) <= 0)
		return;
	fuzz_check(!dma_fence_flush(fence));
	check_members(fence);
	check_end(fence);
	for (i = 0; i < CALLBACKS; i++) {
		const struct callback *callback = &actor->callbacks[i];

		if (callback->fence == fence)
			fuzz_check(callback->ran == callback->added);
	}
}

static void wait_for_several(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fences[HANDLES];
	unsigned int i, num = 0;
	uint32_t idx = 999;
	int64_t left;

	for (i = 0; i < HANDLES; i++) {
		if (instruction->a >> i & 1 && actor->handles[i])
			fences[num++] = actor->handles[i];
	}
	if (!num)
		return;
	if (instruction->b & 1) {
		left = dma_fence_wait_all_timeout(fences, num, false, instruction->c * 100, &idx);
		for (i = 0; i < num && left; i++)
			fuzz_check(dma_fence_test_signaled_flag(fences[i]));
	} else {
		left = dma_fence_wait_any_timeout(fences, num, false, instruction->c * 100, &idx);
		if (left)
			fuzz_check(idx < num && dma_fence_test_signaled_flag(fences[idx]));
	}
	fuzz_check(left >= 0);
	fuzz_check((idx != 999) == ((left == 0) == (instruction->b & 1)));
}

static void ask(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fence = pick(actor, instruction->a);
	bool signaled;

	if (!fence)
		return;
	switch (instruction->b % 5) {
	case 0:
		signaled = dma_fence_is_signaled(fence);
		fuzz_check(!signaled || dma_fence_get_status(fence));
		break;
	case 1:
		signaled = dma_fence_poll(fence);
		fuzz_check(signaled == dma_fence_test_signaled_flag(fence) || !signaled);
		break;
	case 2:
		dma_fence_enable_signaling(fence);
		break;
	case 3:
		dma_fence_set_deadline(fence, 1000);
		break;
	case 4:
		signaled = dma_fence_get_status(fence);
		fuzz_check(!signaled || dma_fence_test_signaled_flag(fence));
		break;
	}
	check_members(fence);
	check_end(fence);
}

static void make_array(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence **fences = malloc(HANDLES * sizeof(*fences));
	struct dma_fence_array *array = NULL;
	unsigned int i, num = 0;

	fuzz_check(fences);
	for (i = 0; i < HANDLES; i++) {
		struct dma_fence *fence = actor->handles[i];

		if (instruction->b >> i & 1 && fence && !dma_fence_is_container(fence))
			fences[num++] = dma_fence_get(fence);
	}
	if (num)
		array = dma_fence_array_create((int)num, fences, world.contexts[actor->number], 1);
	fuzz_check(array || !num);
	if (array)
		keep(actor, instruction->a, &array->base);
	else
		free(fences);
}

static void make_link(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *work = pick(actor, instruction->b), *prev = pick(actor, instruction->c);
	struct dma_fence_chain *chain;

	if (!work || dma_fence_is_chain(work))
		return;
	chain = dma_fence_chain_alloc();
	fuzz_check(chain);
	dma_fence_chain_init(chain, dma_fence_get(prev), dma_fence_get(work),
			     1 + instruction->c / HANDLES % 16);
	keep(actor, instruction->a, &chain->base);
}

static void merge(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fences[HANDLES], *merged;
	unsigned int i, num = 0;

	for (i = 0; i < HANDLES; i++) {
		if (instruction->b >> i & 1)
			fences[num++] = actor->handles[i];
	}
	merged = dma_fence_unwrap_merge_many(num, fences);
	fuzz_check(merged);
	check_members(merged);
	keep(actor, instruction->a, merged);
}

static void walk(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *head = pick(actor, instruction->a), *fence;
	const uint64_t point = instruction->c % 16;
	uint64_t before = UINT64_MAX;
	int ret;

	if (!head)
		return;
	if (instruction->b & 1) {
		fence = dma_fence_get(head);
		ret = dma_fence_chain_find_seqno(&fence, point);
		fuzz_check(!ret == (!point || (dma_fence_is_chain(head) && head->seqno >= point)));
		fuzz_check(!ret || fence == head);
		dma_fence_put(fence);
		return;
	}
	dma_fence_chain_for_each (fence, head) {
		if (fence->context != head->context)
			continue;
		fuzz_check(fence->seqno < before);
		before = fence->seqno;
	}
}

/* Each promise is one thread's, so that each is ended once. */
static void end_promise(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence_promise *promise;
	struct leaf *leaf = world.leaves[instruction->b % LEAVES];

	if (actor->number >= PROMISES || !world.promises[actor->number])
		return;
	promise = world.promises[actor->number];
	world.promises[actor->number] = NULL;
	switch (instruction->a % 4) {
	case 0:
		dma_fence_promise_drop(promise);
		break;
	case 1:
		fuzz_check(!dma_fence_promise_fail(promise, -EIO));
		break;
	default:
		fuzz_check(!dma_fence_promise_keep(promise, &leaf->base));
		break;
	}
}

static void use_resv(struct actor *actor, const struct instruction *instruction)
{
	struct dma_resv *resv = &world.resvs[instruction->b % RESVS];
	const enum dma_resv_usage usage = (enum dma_resv_usage)(instruction->c % 4);
	struct dma_fence *fence = pick(actor, instruction->a), **fences;
	unsigned int num;

	switch (instruction->b / RESVS % 6) {
	case 0:
		if (!fence || dma_fence_is_container(fence))
			return;
		fuzz_check(!dma_resv_lock(resv, NULL));
		fuzz_check(!dma_resv_reserve_fences(resv, 1));
		fuzz_check(!dma_resv_add_fence(resv, fence, usage));
		dma_resv_unlock(resv);
		return;
	case 1:
		fuzz_check(!dma_resv_get_singleton(resv, usage, &fence));
		if (fence)
			keep(actor, instruction->a, fence);
		return;
	case 2:
		fuzz_check(!dma_resv_get_fences(resv, usage, &num, &fences));
		while (num)
			dma_fence_put(fences[--num]);
		free(fences);
		return;
	case 3:
		dma_resv_test_signaled(resv, usage);
		dma_resv_wait_timeout(resv, usage, false, instruction->a * 10);
		return;
	case 4:
		fuzz_check(!dma_resv_lock(resv, NULL));
		fuzz_check(!dma_resv_copy_fences(resv, &world.resvs[(instruction->b + 1) % RESVS]));
		dma_resv_unlock(resv);
		return;
	case 5:
		if (!fence || dma_fence_is_container(fence))
			return;
		fuzz_check(!dma_resv_lock(resv, NULL));
		dma_resv_replace_fences(resv, world.contexts[instruction->c / 4 % ACTORS], fence,
					usage);
		dma_resv_unlock(resv);
		return;
	}
}

static void use_syncobj(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence_syncobj *syncobj = world.syncobjs[instruction->b % SYNCOBJS];
	const uint64_t point = instruction->c / 2 % 12;
	const struct dma_fence_syncobj_point points[] = {
		{ syncobj, point },
		{ world.syncobjs[instruction->c % SYNCOBJS], instruction->a % 12 },
	};
	struct dma_fence *fence = pick(actor, instruction->a);
	uint64_t signaled;
	uint32_t idx = 999;
	int64_t left;
	int status;

	switch (instruction->b / SYNCOBJS % 6) {
	case 0:
		if (fence && point)
			dma_fence_syncobj_add_point(syncobj, point, fence);
		else if (fence)
			dma_fence_syncobj_replace_fence(syncobj, fence);
		return;
	case 1:
		if (instruction->a % 8 == 0)
			fuzz_check(!dma_fence_syncobj_reset(syncobj));
		return;
	case 2:
		status = dma_fence_syncobj_status(syncobj, point);
		fuzz_check(status <= 1);
		return;
	case 3:
		fence = dma_fence_syncobj_find_fence(syncobj, point);
		if (fence)
			keep(actor, instruction->a, fence);
		return;
	case 4:
		left = dma_fence_syncobj_wait(points, 2, instruction->a & 7, false,
					      instruction->c * 100, &idx);
		fuzz_check(left >= 0 || left == -ENOENT || left == -EINVAL);
		fuzz_check(idx == 999 || idx < 2);
		return;
	case 5:
		fuzz_check(!dma_fence_syncobj_query(syncobj, 0, &signaled));
		fuzz_check(signaled < 12);
		return;
	}
}

static void use_file(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fence = pick(actor, instruction->a), *imported;
	struct pollfd events = { .events = POLLIN };
	bool before, after;

	if (!fence || actor->files++ > 8)
		return;
	events.fd = dma_fence_sync_file_export(fence);
	fuzz_check(events.fd >= 0);
	/* A deadline on what is just being signaled is no error. */
	fuzz_check(!dma_fence_sync_file_set_deadline(events.fd, 1000));
	/* When the signal has returned it is readable; while it goes on, it may be. */
	before = dma_fence_wait_timeout(fence, false, 0);
	fuzz_check(poll(&events, 1, 0) >= 0);
	after = dma_fence_is_signaled(fence);
	fuzz_check(!before || events.revents & POLLIN);
	fuzz_check(after || !events.revents);
	imported = dma_fence_sync_file_import_take_fd(events.fd);
	fuzz_check(imported);
	fuzz_check(imported == fence || dma_fence_is_signaled(fence) ||
		   !dma_fence_test_signaled_flag(imported));
	if (imported != fence && dma_fence_wait_timeout(imported, false, 0) > 0)
		fuzz_check(dma_fence_get_status(imported) == dma_fence_get_status(fence));
	keep(actor, instruction->c, imported);
}

static void use_context(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fence;

	if (instruction->b & 1) {
		dma_fence_context_signal_until(world.context,
					       dma_fence_context_last_signaled(world.context) + 1);
		return;
	}
	fence = malloc(sizeof(*fence));
	fuzz_check(fence);
	fuzz_check(!dma_fence_context_emit(world.context, fence));
	keep(actor, instruction->a, fence);
}

static void exchange(struct actor *actor, const struct instruction *instruction)
{
	struct dma_fence *fence;

	switch (instruction->b % 3) {
	case 0:
		put_into_place(instruction->c, dma_fence_get(pick(actor, instruction->a)));
		return;
	case 1:
		fence = get_from_place(instruction->c);
		if (fence)
			keep(actor, instruction->a, fence);
		return;
	case 2:
		keep(actor, instruction->a,
		     dma_fence_get(&world.leaves[instruction->c % LEAVES]->base));
		return;
	}
}

static void run(struct actor *actor, const struct instruction *instruction)
{
	switch (instruction->operation % 18) {
	case 0:
	case 1:
		signal_leaf(instruction);
		break;
	case 2:
	case 3:
		add_callback(actor, instruction);
		break;
	case 4:
		end_callback(&actor->callbacks[instruction->b % CALLBACKS]);
		break;
	case 5:
		wait_for(actor, instruction);
		break;
	case 6:
		wait_for_several(actor, instruction);
		break;
	case 7:
		ask(actor, instruction);
		break;
	case 8:
		make_array(actor, instruction);
		break;
	case 9:
		make_link(actor, instruction);
		break;
	case 10:
		merge(actor, instruction);
		break;
	case 11:
		walk(actor, instruction);
		break;
	case 12:
		end_promise(actor, instruction);
		break;
	case 13:
		use_resv(actor, instruction);
		break;
	case 14:
		use_syncobj(actor, instruction);
		break;
	case 15:
		use_file(actor, instruction);
		break;
	case 16:
		use_context(actor, instruction);
		break;
	case 17:
		exchange(actor, instruction);
		break;
	}
}

/* From begin to end */

static pthread_barrier_t at_once;

static void *run_actor(void *arg)
{
	struct actor *actor = arg;
	size_t i;

	pthread_barrier_wait(&at_once);
	for (i = 0; i < world.length; i++) {
		const struct instruction instruction = program_at(world.data, i);

		if (instruction.actor == actor->number)
			run(actor, &instruction);
	}
	return NULL;
}

static void count_report(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	/* All of them are faults, but for what the end of the context may find pending. */
	if (report->reason != DMA_FENCE_REPORT_CONTEXT_DESTROY)
		fprintf(stderr, "%s\n", report->text);
	fuzz_check(report->reason == DMA_FENCE_REPORT_CONTEXT_DESTROY);
}

static void begin(void)
{
	unsigned int i, k;

	for (i = 0; i < ACTORS; i++) {
		world.contexts[i] = dma_fence_context_alloc(1);
		world.actors[i].number = i;
	}
	for (i = 0; i < LEAVES; i++)
		world.leaves[i] = make_leaf(i, world.contexts[i % ACTORS], 1 + i);
	for (i = 0; i < PROMISES; i++) {
		world.promises[i] = dma_fence_promise_create();
		fuzz_check(world.promises[i]);
		put_into_place(i, dma_fence_promise_fence(world.promises[i]));
	}
	for (i = 0; i < SYNCOBJS; i++) {
		world.syncobjs[i] = dma_fence_syncobj_create(0);
		fuzz_check(world.syncobjs[i]);
	}
	for (i = 0; i < RESVS; i++)
		dma_resv_init(&world.resvs[i]);
	world.context = dma_fence_context_create("fuzz", "threads", NULL, 1);
	fuzz_check(world.context);
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES / 2; k++)
			world.actors[i].handles[k] = dma_fence_get(&world.leaves[2 * k]->base);
	}
}

/* All that producers had to signal is signaled: then so is everything, when it is asked for. */
static void all_ended(void)
{
	unsigned int i, k;

	for (i = 0; i < PROMISES; i++)
		dma_fence_promise_drop(world.promises[i]);
	for (i = 0; i < LEAVES; i++)
		dma_fence_signal(&world.leaves[i]->base);
	dma_fence_context_destroy(world.context);
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++) {
			struct dma_fence *fence = world.actors[i].handles[k];

			if (!fence)
				continue;
			fuzz_check(dma_fence_is_signaled(fence));
			fuzz_check(!dma_fence_wait(fence, false));
			check_members(fence);
			check_end(fence);
		}
		for (k = 0; k < CALLBACKS; k++) {
			struct callback *callback = &world.actors[i].callbacks[k];

			fuzz_check(callback->ran == callback->added);
			end_callback(callback);
		}
	}
	for (i = 0; i < RESVS; i++)
		fuzz_check(dma_resv_test_signaled(&world.resvs[i], DMA_RESV_USAGE_BOOKKEEP));
}

static void drop_all(void)
{
	unsigned int i, k;

	for (i = 0; i < RESVS; i++)
		dma_resv_fini(&world.resvs[i]);
	for (i = 0; i < SYNCOBJS; i++)
		dma_fence_syncobj_put(world.syncobjs[i]);
	for (i = 0; i < SHARED; i++)
		put_into_place(i, NULL);
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++)
			keep(&world.actors[i], k, NULL);
	}
	for (i = 0; i < LEAVES; i++)
		dma_fence_put(&world.leaves[i]->base);
	/* The watcher, too, may be about to drop something. */
	for (i = 0; i < 2000 && __atomic_load_n(&world.released, __ATOMIC_ACQUIRE) < world.made;
	     i++)
		usleep(1000);
	fuzz_check(world.released == world.made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	dma_fence_set_report_handler(count_report, NULL);
	memset(&world, 0, sizeof(world));
	world.data = data;
	world.length = program_length(size);
	begin();
	fuzz_check(!pthread_barrier_init(&at_once, NULL, ACTORS));
	for (i = 0; i < ACTORS; i++) {
		struct actor *actor = &world.actors[i];

		fuzz_check(!pthread_create(&actor->thread, NULL, run_actor, actor));
	}
	for (i = 0; i < ACTORS; i++)
		pthread_join(world.actors[i].thread, NULL);
	pthread_barrier_destroy(&at_once);
	all_ended();
	drop_all();
	return 0;
}
