/* SPDX-License-Identifier: MIT */
/*
 * Wound/wait locks, and the reservation object: who gets a mutex and who backs off; what a reader
 * without the lock sees of a list that another thread changes.
 *
 * What a scenario begins with is made by the main thread: a mutex that is locked at the beginning,
 * in whichever context, is locked by the thread that unlocks it.
 */
#include <dmafence/array.h>
#include <dmafence/rcu.h>
#include <dmafence/resv.h>

#include "base/park.h"
#include "fence/state.h"
#include "support.h"

#define MUTEXES	 3
#define CONTEXTS 3

/* What each mutex protects: how often it was held. */
static struct dma_ww_mutex mutexes[MUTEXES];
static int held[MUTEXES];
/* Numbered from the oldest. */
static struct dma_ww_acquire_ctx contexts[CONTEXTS];
static int results[CONTEXTS];

static void name_mutexes(void)
{
	struct spin spin = { 0 };

	/* Has the number of processors counted, which would be steps of whoever spins first. */
	model_assert(!dma_fence_spin_more(&spin));
	model_name(&mutexes[0].owner, sizeof(mutexes[0].owner), "first.owner");
	model_name(&mutexes[0].lock, sizeof(mutexes[0].lock), "first.lock");
	model_name(&mutexes[1].owner, sizeof(mutexes[1].owner), "second.owner");
	model_name(&mutexes[1].lock, sizeof(mutexes[1].lock), "second.lock");
	model_name(&mutexes[2].owner, sizeof(mutexes[2].owner), "third.owner");
	model_name(&mutexes[2].lock, sizeof(mutexes[2].lock), "third.lock");
	model_name(&contexts[0].wake, sizeof(contexts[0].wake), "oldest.wake");
	model_name(&contexts[1].wake, sizeof(contexts[1].wake), "middle.wake");
	model_name(&contexts[2].wake, sizeof(contexts[2].wake), "youngest.wake");
}

static void begin_contexts(void)
{
	unsigned int i;

	name_mutexes();
	for (i = 0; i < CONTEXTS; i++)
		dma_ww_acquire_init(&contexts[i]);
}

/* Nobody is in a mutex, and nothing is left of those who waited. */
static void end_mutexes(void)
{
	unsigned int i;

	for (i = 0; i < MUTEXES; i++) {
		model_assert(!mutexes[i].owner);
		model_assert(!mutexes[i].first && !mutexes[i].last);
		dma_ww_mutex_destroy(&mutexes[i]);
	}
}

static void end_contexts(void)
{
	unsigned int i;

	end_mutexes();
	for (i = 0; i < CONTEXTS; i++)
		dma_ww_acquire_fini(&contexts[i]);
}

/* One who is not alone in it would race for the count. */
static void use(unsigned int mutex)
{
	held[mutex]++;
}

static void use_and_unlock(unsigned int mutex)
{
	use(mutex);
	dma_ww_mutex_unlock(&mutexes[mutex]);
}

static void held_by_main(unsigned int mutex, struct dma_ww_acquire_ctx *ctx)
{
	model_assert(dma_ww_mutex_lock(&mutexes[mutex], ctx) == 0);
}

/* One mutex */

static void lock_alone(void)
{
	model_assert(dma_ww_mutex_lock(&mutexes[0], NULL) == 0);
	use_and_unlock(0);
}

static void lock_in_context(void)
{
	struct dma_ww_acquire_ctx ctx;

	dma_ww_acquire_init(&ctx);
	model_assert(dma_ww_mutex_lock(&mutexes[0], &ctx) == 0);
	use_and_unlock(0);
	dma_ww_acquire_fini(&ctx);
}

/* In another context, which the one who has seen the first one hold it has to look at. */
static void unlock_and_lock_in_context(void)
{
	use_and_unlock(0);
	lock_in_context();
}

static void oldest_locks(void)
{
	model_assert(dma_ww_mutex_lock(&mutexes[0], &contexts[0]) == 0);
	use_and_unlock(0);
}

static void try_alone(void)
{
	if (!dma_ww_mutex_trylock(&mutexes[0], NULL))
		return;
	results[0] = 1;
	use_and_unlock(0);
}

static void unlock_first(void)
{
	use_and_unlock(0);
}

static void unlock_and_try(void)
{
	unlock_first();
	try_alone();
}

static void begin_middle_in(void)
{
	begin_contexts();
	held_by_main(0, &contexts[1]);
}

static void begin_held(void)
{
	name_mutexes();
	held_by_main(0, NULL);
}

static void end_two(void)
{
	model_assert(held[0] == 2);
	end_mutexes();
}

static void end_three(void)
{
	model_assert(held[0] == 3);
	end_mutexes();
}

static void end_three_contexts(void)
{
	model_assert(held[0] == 3);
	end_contexts();
}

static void end_try(void)
{
	model_assert(held[0] == 2 + results[0]);
	end_mutexes();
}

static void end_try_one(void)
{
	model_assert(held[0] == 1 + results[0]);
	end_mutexes();
}

/* Giving up */

static void lock_interruptible(void)
{
	results[1] = dma_ww_mutex_lock_interruptible(&mutexes[0], NULL);
	if (!results[1])
		use_and_unlock(0);
	else
		model_assert(results[1] == -EINTR);
}

static void lock_interruptible_in_context(void)
{
	struct dma_ww_acquire_ctx ctx;

	dma_ww_acquire_init(&ctx);
	results[1] = dma_ww_mutex_lock_interruptible(&mutexes[0], &ctx);
	if (!results[1])
		use_and_unlock(0);
	else
		model_assert(results[1] == -EINTR);
	dma_ww_acquire_fini(&ctx);
}

static void end_interruptible(void)
{
	model_assert(held[0] == 1 + !results[1]);
	end_mutexes();
}

/* With one who goes on waiting. */
static void end_interruptible_other(void)
{
	model_assert(held[0] == 2 + !results[1]);
	end_mutexes();
}

/* The oldest wounds the holder, and may give up: it has then left the other's context alone. */
static void oldest_interruptible(void)
{
	results[1] = dma_ww_mutex_lock_interruptible(&mutexes[0], &contexts[0]);
	if (!results[1])
		use_and_unlock(0);
	else
		model_assert(results[1] == -EINTR);
}

static void end_oldest_interruptible(void)
{
	end_interruptible();
	end_contexts();
}

/* Freed after the last unlock, as who counts users under the mutex itself would do it. */

struct object {
	struct dma_ww_mutex mutex;
	int users;
};

static struct object *object;

static void begin_object(void)
{
	object = malloc(sizeof(*object));
	model_assert(object);
	dma_ww_mutex_init(&object->mutex);
	model_name(&object->mutex.owner, sizeof(object->mutex.owner), "object.owner");
	model_name(&object->mutex.lock, sizeof(object->mutex.lock), "object.lock");
	object->users = 2;
}

static void begin_object_held(void)
{
	begin_object();
	model_assert(dma_ww_mutex_lock(&object->mutex, NULL) == 0);
}

static void begin_object_for_three(void)
{
	begin_object_held();
	object->users = 3;
}

static void leave_object(void)
{
	bool last = !--object->users;

	dma_ww_mutex_unlock(&object->mutex);
	if (last)
		free(object);
}

static void lock_and_leave_object(void)
{
	model_assert(dma_ww_mutex_lock(&object->mutex, NULL) == 0);
	leave_object();
}

/* Who gets it after the other frees it. Interrupted, it may find it free, and nobody waiting. */
static void wait_and_free_object(void)
{
	if (dma_ww_mutex_lock_interruptible(&object->mutex, NULL) &&
	    !dma_ww_mutex_trylock(&object->mutex, NULL))
		return;
	results[0] = 1;
	dma_ww_mutex_unlock(&object->mutex);
	free(object);
}

static void unlock_object(void)
{
	dma_ww_mutex_unlock(&object->mutex);
}

static void end_object(void)
{
	if (!results[0])
		free(object);
}

/* Several mutexes */

/*
 * All of the mutexes that are named, of which the context has the first 'done', are locked in it,
 * backing off as often as it takes. (It does not look at mutexes that it may not hold: that would
 * be steps of its own.)
 */
static void lock_all(struct dma_ww_acquire_ctx *ctx, const unsigned int *which, unsigned int count,
		     unsigned int done)
{
	unsigned int i, slow = count;
	int ret = 0;

	for (;;) {
		for (i = done; i < count; i++) {
			ret = i == slow ? 0 : dma_ww_mutex_lock(&mutexes[which[i]], ctx);
			if (ret)
				break;
		}
		if (i == count)
			break;
		model_assert(ret == -EDEADLK);
		/* The oldest of all is in nobody's way. */
		model_assert(ctx->ticket != 0);
		if (slow > i && slow < count)
			dma_ww_mutex_unlock(&mutexes[which[slow]]);
		slow = i;
		while (i--)
			dma_ww_mutex_unlock(&mutexes[which[i]]);
		done = 0;
		model_assert(!ctx->acquired);
		dma_ww_mutex_lock_slow(&mutexes[which[slow]], ctx);
	}
	model_assert(ctx->acquired == count);
}

static void lock_all_and_use(struct dma_ww_acquire_ctx *ctx, const unsigned int *which,
			     unsigned int count, unsigned int done)
{
	unsigned int i;

	lock_all(ctx, which, count, done);
	for (i = 0; i < count; i++)
		use(which[i]);
	while (i--)
		dma_ww_mutex_unlock(&mutexes[which[i]]);
}

static const unsigned int up[] = { 0, 1 };
static const unsigned int down[] = { 1, 0 };
static const unsigned int around[] = { 2, 0 };

static void oldest_up(void)
{
	lock_all_and_use(&contexts[0], up, 2, 0);
}

static void middle_down(void)
{
	lock_all_and_use(&contexts[1], down, 2, 0);
}

static void middle_up(void)
{
	lock_all_and_use(&contexts[1], up, 2, 0);
}

/* Who of the two is older is decided by who comes first. */
static void own_up(void)
{
	struct dma_ww_acquire_ctx ctx;

	dma_ww_acquire_init(&ctx);
	lock_all_and_use(&ctx, up, 2, 0);
	dma_ww_acquire_fini(&ctx);
}

static void own_down(void)
{
	struct dma_ww_acquire_ctx ctx;

	dma_ww_acquire_init(&ctx);
	lock_all_and_use(&ctx, down, 2, 0);
	dma_ww_acquire_fini(&ctx);
}

static void end_both(void)
{
	model_assert(held[0] == 2 && held[1] == 2);
	end_mutexes();
}

static void end_both_contexts(void)
{
	model_assert(held[0] == 2 && held[1] == 2);
	end_contexts();
}

/* Each has one, and wants the other's: one has to back off, be it asleep. */
static void oldest_goes_up(void)
{
	lock_all_and_use(&contexts[0], up, 2, 1);
}

static void middle_goes_down(void)
{
	lock_all_and_use(&contexts[1], down, 2, 1);
}

static void begin_crossed(void)
{
	begin_contexts();
	held_by_main(0, &contexts[0]);
	held_by_main(1, &contexts[1]);
}

/* The younger one gives up for good when it has to back off. */
static void middle_backs_off(void)
{
	int ret = dma_ww_mutex_lock(&mutexes[0], &contexts[1]);

	results[1] = ret;
	if (!ret)
		use_and_unlock(0);
	else
		model_assert(ret == -EDEADLK);
	use_and_unlock(1);
}

static void oldest_wants_second(void)
{
	/* It keeps the first until it has both. */
	model_assert(dma_ww_mutex_lock(&mutexes[1], &contexts[0]) == 0);
	use_and_unlock(1);
	use_and_unlock(0);
}

static void end_backed_off(void)
{
	model_assert(held[1] == 2);
	model_assert(held[0] == 1 + !results[1]);
	/* It waits for what the older keeps until it has what the younger keeps. */
	model_assert(results[1] == -EDEADLK);
	end_contexts();
}

/*
 * The middle one holds the first mutex, for which it is wounded, gives it back, and begins anew:
 * nobody wants what it has then.
 */
static void begin_oldest_wants_first(void)
{
	begin_contexts();
	held_by_main(0, &contexts[1]);
	held_by_main(1, &contexts[0]);
}

static void middle_begins_anew(void)
{
	use_and_unlock(0);
	model_assert(dma_ww_mutex_lock(&mutexes[2], &contexts[1]) == 0);
	model_assert(dma_ww_mutex_lock(&mutexes[1], &contexts[1]) == 0);
	use_and_unlock(1);
	use_and_unlock(2);
}

static void oldest_wants_first(void)
{
	model_assert(dma_ww_mutex_lock(&mutexes[0], &contexts[0]) == 0);
	use_and_unlock(0);
	use_and_unlock(1);
}

static void end_anew(void)
{
	model_assert(held[0] == 2 && held[1] == 2 && held[2] == 1);
	end_contexts();
}

/*
 * The middle one holds the second mutex and waits for the first, and is told to back off by the
 * oldest when the first may be handed over to it.
 */
static void begin_middle_holds(void)
{
	begin_contexts();
	held_by_main(0, NULL);
	held_by_main(1, &contexts[1]);
}

static void oldest_takes_second(void)
{
	model_assert(dma_ww_mutex_lock(&mutexes[1], &contexts[0]) == 0);
	use_and_unlock(1);
}

static void end_middle(void)
{
	model_assert(held[0] == 1 + !results[1] && held[1] == 2);
	end_contexts();
}

/* The younger one waits for the first mutex as well, and then wants what the oldest holds. */
static void begin_oldest_holds_second(void)
{
	begin_contexts();
	held_by_main(0, NULL);
	held_by_main(1, &contexts[0]);
}

static void oldest_down(void)
{
	lock_all_and_use(&contexts[0], down, 2, 1);
}

static void end_in_order(void)
{
	model_assert(held[0] == 3 && held[1] == 2);
	end_contexts();
}

/* A circle of three, each of whom holds one. */
static void begin_circle(void)
{
	begin_contexts();
	held_by_main(0, &contexts[0]);
	held_by_main(1, &contexts[1]);
	held_by_main(2, &contexts[2]);
}

static void middle_circle(void)
{
	static const unsigned int which[] = { 1, 2 };

	lock_all_and_use(&contexts[1], which, 2, 1);
}

static void youngest_circle(void)
{
	lock_all_and_use(&contexts[2], around, 2, 1);
}

static void end_circle(void)
{
	model_assert(held[0] == 2 && held[1] == 2 && held[2] == 2);
	end_contexts();
}

/* Each locks all three, beginning with another one: each order is a turn of the others. */

static void lock_three(unsigned int context, unsigned int first)
{
	const unsigned int which[] = { first, (first + 1) % 3, (first + 2) % 3 };

	lock_all_and_use(&contexts[context], which, 3, 0);
}

static void oldest_locks_three(void)
{
	lock_three(0, 0);
}

static void middle_locks_three(void)
{
	lock_three(1, 1);
}

static void youngest_locks_three(void)
{
	lock_three(2, 2);
}

/* In the order of the oldest, from the end. */
static void middle_locks_three_down(void)
{
	static const unsigned int which[] = { 2, 1, 0 };

	lock_all_and_use(&contexts[1], which, 3, 0);
}

static void end_three_by_three(void)
{
	model_assert(held[0] == 3 && held[1] == 3 && held[2] == 3);
	end_contexts();
}

static void end_three_by_two(void)
{
	model_assert(held[0] == 2 && held[1] == 2 && held[2] == 2);
	end_contexts();
}

/* Each has one already, and wants all: two of the three have to back off, with what they hold. */
static void oldest_goes_around(void)
{
	static const unsigned int which[] = { 0, 1, 2 };

	lock_all_and_use(&contexts[0], which, 3, 1);
}

static void middle_goes_around(void)
{
	static const unsigned int which[] = { 1, 2, 0 };

	lock_all_and_use(&contexts[1], which, 3, 1);
}

static void youngest_goes_around(void)
{
	static const unsigned int which[] = { 2, 0, 1 };

	lock_all_and_use(&contexts[2], which, 3, 1);
}

/* Giving up, as the mutex is handed over, as one comes who wounds */

static void middle_unlocks(void)
{
	use_and_unlock(0);
}

static void youngest_interruptible(void)
{
	results[1] = dma_ww_mutex_lock_interruptible(&mutexes[0], &contexts[2]);
	if (!results[1])
		use_and_unlock(0);
	else
		model_assert(results[1] == -EINTR);
}

static void oldest_locks_interruptible(void)
{
	results[0] = dma_ww_mutex_lock_interruptible(&mutexes[0], &contexts[0]);
	if (!results[0])
		use_and_unlock(0);
	else
		model_assert(results[0] == -EINTR);
}

static void end_leave(void)
{
	model_assert(held[0] == 1 + !results[0] + !results[1]);
	end_contexts();
}

/* dma_resv_lock_many() */

static struct dma_resv objects[2];

static void begin_objects(void)
{
	begin_contexts();
	dma_resv_init(&objects[0]);
	dma_resv_init(&objects[1]);
}

static void lock_many(struct dma_ww_acquire_ctx *ctx, unsigned int first, unsigned int second)
{
	struct dma_resv *objs[] = { &objects[first], &objects[second] };

	model_assert(dma_resv_lock_many(objs, 2, ctx, 0) == 0);
	model_assert(ctx->acquired == 2);
	use(0);
	dma_resv_unlock(&objects[second]);
	dma_resv_unlock(&objects[first]);
}

static void oldest_locks_many(void)
{
	lock_many(&contexts[0], 0, 1);
}

static void middle_locks_many(void)
{
	lock_many(&contexts[1], 1, 0);
}

/* As begin_crossed. */
static void begin_objects_crossed(void)
{
	begin_objects();
	model_assert(dma_resv_lock(&objects[0], &contexts[0]) == 0);
}

static void oldest_locks_second(void)
{
	model_assert(dma_resv_lock(&objects[1], &contexts[0]) == 0);
	use(0);
	dma_resv_unlock(&objects[1]);
	dma_resv_unlock(&objects[0]);
}

static void end_objects(void)
{
	model_assert(held[0] == 2);
	model_assert(!dma_resv_is_locked(&objects[0]) && !dma_resv_is_locked(&objects[1]));
	dma_resv_fini(&objects[0]);
	dma_resv_fini(&objects[1]);
	end_contexts();
}

/* The list of fences */

#define FENCES		6
#define CONTEXT(number) (1 + (number))

static struct dma_resv obj, source, other_source;
static struct dma_fence *fences[FENCES];
/* What the producer of each does before it adds it, and before it signals it. */
static int added[FENCES], done[FENCES];
/* The scenario's own reference has been dropped. */
static bool dropped[FENCES];
/* What each reader has seen, a bit for each fence. */
static unsigned int seen[2];
static int64_t result;

#define BIT(number) (1u << (number))

/* Freed after a grace period, as it has to be. */
static void make(unsigned int number, uint64_t context)
{
	fences[number] = new_fence_with(NULL, context, number);
}

/* Each is of a context of its own, unless another one is given. */
static void make_fences(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		make(i, CONTEXT(i));
	name_fence(fences[0], "fence0");
	if (count > 1)
		name_fence(fences[1], "fence1");
	if (count > 2)
		name_fence(fences[2], "fence2");
}

static void reserve(struct dma_resv *to, unsigned int count)
{
	model_assert(dma_resv_reserve_fences(to, count) == 0);
}

static void add_as(struct dma_resv *to, unsigned int number, enum dma_resv_usage usage)
{
	added[number] = 1;
	model_assert(dma_resv_add_fence(to, fences[number], usage) == 0);
}

static void add(unsigned int number)
{
	add_as(&obj, number, DMA_RESV_USAGE_BOOKKEEP);
}

static void signal_one(unsigned int number)
{
	done[number] = 1;
	dma_fence_signal(fences[number]);
}

static void drop(unsigned int number)
{
	dropped[number] = true;
	dma_fence_put(fences[number]);
}

static void signal_and_drop(unsigned int number)
{
	signal_one(number);
	drop(number);
}

/* The writers of the scenarios hold the lock from the beginning to the end. */
static void begin_locked(struct dma_resv *locked)
{
	dma_resv_init(locked);
	model_assert(dma_resv_lock(locked, NULL) == 0);
	model_name(&locked->fences, sizeof(locked->fences), "list");
}

static void end_obj(struct dma_resv *locked)
{
	if (dma_resv_is_locked(locked))
		dma_resv_unlock(locked);
	dma_resv_fini(locked);
}

/* No reference is left but those of the scenario. */
static void end_fences(void)
{
	unsigned int i;

	end_obj(&obj);
	end_obj(&source);
	end_obj(&other_source);
	dma_fence_rcu_barrier();
	for (i = 0; i < FENCES; i++) {
		if (!fences[i] || dropped[i])
			continue;
		model_assert(fences[i]->refcount == 1);
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	dma_fence_rcu_barrier();
}

/* Readers */

/* A fence that a reader was given: he sees what was done before it was added. */
static unsigned int look_at(struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < FENCES && fences[i] != fence; i++)
		;
	model_assert(i < FENCES);
	model_assert(fence->seqno == i);
	model_assert(added[i]);
	return BIT(i);
}

static unsigned int get_all(enum dma_resv_usage usage)
{
	struct dma_fence **vector;
	unsigned int i, count, bit, all = 0;

	model_assert(dma_resv_get_fences(&obj, usage, &count, &vector) == 0);
	for (i = 0; i < count; i++) {
		bit = look_at(vector[i]);
		model_assert(!(all & bit));
		all |= bit;
		dma_fence_put(vector[i]);
	}
	free(vector);
	return all;
}

static void get_first(void)
{
	seen[0] = get_all(DMA_RESV_USAGE_BOOKKEEP);
}

static void get_second(void)
{
	seen[1] = get_all(DMA_RESV_USAGE_BOOKKEEP);
}

/*
 * Of a fence and another one that stands for it one is seen; or neither, if the reader began with
 * the first one there, and sees that it is signaled.
 */
static void one_unless_done(unsigned int reader, unsigned int number, unsigned int other)
{
	const unsigned int one = seen[reader] & (BIT(number) | BIT(other));

	model_assert(one != (BIT(number) | BIT(other)));
	if (!one)
		model_assert(done[number]);
}

static void get_first_of_two(void)
{
	get_first();
	one_unless_done(0, 0, 1);
}

static void get_second_of_two(void)
{
	get_second();
	one_unless_done(1, 0, 1);
}

static void get_second_of_three(void)
{
	get_first();
	one_unless_done(0, 1, 2);
}

static void get_second_of_three_too(void)
{
	get_second();
	one_unless_done(1, 1, 2);
}

static void get_first_of_replaced(void)
{
	get_first();
	one_unless_done(0, 0, 2);
}

static void get_second_of_replaced(void)
{
	get_second();
	one_unless_done(1, 0, 2);
}

static void get_for_reading(void)
{
	seen[0] = get_all(DMA_RESV_USAGE_WRITE);
}

/* As who goes through the list on his own, and forgets what he has when the list is another. */
static void iterate(void)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int bit;

	dma_resv_iter_begin(&cursor, &obj, DMA_RESV_USAGE_BOOKKEEP);
	fence = dma_resv_iter_first_unlocked(&cursor);
	model_assert(dma_resv_iter_is_restarted(&cursor));
	while (fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			seen[0] = 0;
		bit = look_at(fence);
		model_assert(!(seen[0] & bit));
		seen[0] |= bit;
		fence = dma_resv_iter_next_unlocked(&cursor);
	}
	if (dma_resv_iter_is_restarted(&cursor))
		seen[0] = 0;
	dma_resv_iter_end(&cursor);
}

static void iterate_one_of_two(void)
{
	iterate();
	one_unless_done(0, 0, 1);
}

static void iterate_replaced(void)
{
	iterate();
	one_unless_done(0, 0, 2);
}

static void iterate_second_of_three(void)
{
	iterate();
	one_unless_done(0, 1, 2);
}

/* The word of a place is read as a whole. */
static void iterate_usages(void)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, &obj, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked (&cursor, fence) {
		seen[0] |= look_at(fence);
		model_assert(dma_resv_iter_usage(&cursor) ==
			     (fence == fences[0] ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE));
	}
	dma_resv_iter_end(&cursor);
}

static void get_singleton(void)
{
	struct dma_fence *single;
	struct dma_fence_array *array;
	unsigned int i;

	model_assert(dma_resv_get_singleton(&obj, DMA_RESV_USAGE_BOOKKEEP, &single) == 0);
	array = to_dma_fence_array(single);
	if (array) {
		for (i = 0; i < array->num_fences; i++)
			seen[0] |= look_at(array->fences[i]);
	} else if (single && !dma_fence_test_signaled_flag(single)) {
		/* Of what signals meanwhile it may be a signaled one that is made for it. */
		seen[0] = look_at(single);
	}
	dma_fence_put(single);
}

static void get_singleton_of_two(void)
{
	get_singleton();
	one_unless_done(0, 0, 1);
}

/* A fence that has failed is there until another one has its place. */
static void get_singleton_error(void)
{
	struct dma_fence *single;
	int status;

	model_assert(dma_resv_get_singleton(&obj, DMA_RESV_USAGE_BOOKKEEP, &single) == 0);
	model_assert(single);
	status = dma_fence_get_status(single);
	if (dma_fence_test_signaled_flag(fences[0]))
		status = dma_fence_get_status(single);
	model_assert(status == 0 || status == -EIO);
	dma_fence_put(single);
}

static void test(void)
{
	model_assert(!dma_resv_test_signaled(&obj, DMA_RESV_USAGE_BOOKKEEP));
}

static void test_done(void)
{
	if (!dma_resv_test_signaled(&obj, DMA_RESV_USAGE_BOOKKEEP))
		return;
	model_assert(done[0]);
	result = 1;
}

static void test_first(void)
{
	if (!dma_resv_test_signaled(&obj, DMA_RESV_USAGE_BOOKKEEP))
		seen[0] = BIT(0);
}

static struct dma_resv *shared;

/* What was found there stays when the object has gone. */
static void get_from_shared(void)
{
	struct dma_fence **vector = NULL;
	unsigned int i, count = 0;
	struct dma_resv *found;

	dma_fence_rcu_read_lock();
	found = atomic_load_acquire(&shared);
	if (found)
		model_assert(dma_resv_get_fences(found, DMA_RESV_USAGE_BOOKKEEP, &count, &vector) ==
			     0);
	dma_fence_rcu_read_unlock();
	for (i = 0; i < count; i++) {
		seen[0] |= look_at(vector[i]);
		dma_fence_put(vector[i]);
	}
	free(vector);
	model_assert(seen[0] != (BIT(0) | BIT(1)));
}

static void test_shared(void)
{
	struct dma_resv *found;

	dma_fence_rcu_read_lock();
	found = atomic_load_acquire(&shared);
	if (found && dma_resv_test_signaled(found, DMA_RESV_USAGE_BOOKKEEP))
		model_assert(done[0]);
	dma_fence_rcu_read_unlock();
}

/* Waiters */

static void wait_for_all(void)
{
	result =
		dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, false, DMA_FENCE_WAIT_FOREVER);
	model_assert(result == DMA_FENCE_WAIT_FOREVER);
	model_assert(done[0]);
}

static void wait_for_a_while(void)
{
	result = dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, false, 1000);
	model_assert(result >= 0 && result <= 1000);
	if (result > 0)
		model_assert(done[0]);
}

static void wait_not_at_all(void)
{
	result = dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, false, 0);
	model_assert(result == 0 || result == 1);
	if (result)
		model_assert(done[0]);
}

static void wait_interruptible(void)
{
	result = dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, true, DMA_FENCE_WAIT_FOREVER);
	model_assert(result == DMA_FENCE_WAIT_FOREVER || result == -EINTR);
	if (result > 0)
		model_assert(done[0]);
}

/* Writers */

static void add_second(void)
{
	add(1);
}

static void signal_first(void)
{
	signal_one(0);
}

static void fail_first(void)
{
	model_assert(dma_fence_set_error(fences[0], -EIO) == 0);
	signal_one(0);
}

/* The second takes the place of the first, which is pending until then, and whose end that is. */
static void add_second_signal_first(void)
{
	add(1);
	signal_and_drop(0);
}

static void add_second_signal_both(void)
{
	add(1);
	signal_one(0);
	signal_one(1);
}

static void add_second_for_writing(void)
{
	add_as(&obj, 1, DMA_RESV_USAGE_WRITE);
}

static void replace_first(void)
{
	added[1] = 1;
	dma_resv_replace_fences(&obj, CONTEXT(0), fences[1], DMA_RESV_USAGE_BOOKKEEP);
}

static void replace_and_signal_first(void)
{
	replace_first();
	signal_and_drop(0);
}

static void copy(void)
{
	model_assert(dma_resv_copy_fences(&obj, &source) == 0);
}

static void copy_and_signal_first(void)
{
	copy();
	signal_and_drop(0);
}

/* In the list that was there first, in an empty one, and in a third where the first one was. */
static void copy_twice(void)
{
	model_assert(dma_resv_copy_fences(&obj, &source) == 0);
	dma_fence_rcu_barrier();
	model_assert(dma_resv_copy_fences(&obj, &other_source) == 0);
}

static void copy_from_obj(void)
{
	model_assert(dma_resv_copy_fences(&source, &obj) == 0);
}

static void reserve_four(void)
{
	reserve(&obj, 4);
}

/* In the new list the third takes the place of the second. */
static void reserve_and_replace(void)
{
	reserve(&obj, 4);
	add(2);
}

static void reserve_replace_and_signal(void)
{
	reserve_and_replace();
	signal_and_drop(1);
}

static void reserve_and_add(void)
{
	reserve(&obj, 1);
	add(0);
}

static void add_over_drained(void)
{
	add(4);
}

/* Adds one, takes another away and is done with it: it is freed, be it under a reader's eyes. */
static void add_replace_and_drop(void)
{
	add(1);
	added[2] = 1;
	dma_resv_replace_fences(&obj, CONTEXT(0), fences[2], DMA_RESV_USAGE_BOOKKEEP);
	signal_and_drop(0);
}

/* The object goes, with its list and its last references, when nobody finds it any more. */
static void free_shared(void)
{
	struct dma_resv *gone = shared;

	atomic_store_release(&shared, NULL);
	dma_resv_unlock(gone);
	dma_fence_rcu_synchronize();
	dma_resv_fini(gone);
	free(gone);
}

static void drop_and_free_shared(void)
{
	signal_and_drop(0);
	free_shared();
}

static void replace_and_free_shared(void)
{
	added[1] = 1;
	dma_resv_replace_fences(shared, CONTEXT(0), fences[1], DMA_RESV_USAGE_BOOKKEEP);
	drop_and_free_shared();
}

static void signal_and_add_over(void)
{
	signal_one(0);
	add(4);
	drop(0);
}

static void lock_and_add_first(void)
{
	model_assert(dma_resv_lock(&obj, NULL) == 0);
	add(0);
	dma_resv_unlock(&obj);
}

static void lock_and_add_second(void)
{
	model_assert(dma_resv_lock(&obj, NULL) == 0);
	add(1);
	dma_resv_unlock(&obj);
}

/* Beginnings */

static void begin_empty(void)
{
	make_fences(2);
	begin_locked(&obj);
}

/* The first is there, and there is room for others, which are of other contexts. */
static void begin_one(void)
{
	begin_empty();
	reserve(&obj, 1);
	add(0);
}

/* The second one is of the first one's context, and later. */
static void begin_same_context(void)
{
	make(0, CONTEXT(0));
	make(1, CONTEXT(0));
	name_fence(fences[0], "fence0");
	name_fence(fences[1], "fence1");
	begin_locked(&obj);
	reserve(&obj, 1);
	add(0);
}

static void begin_to_be_read(void)
{
	make(0, CONTEXT(0));
	make(1, CONTEXT(0));
	begin_locked(&obj);
	reserve(&obj, 1);
	add_as(&obj, 0, DMA_RESV_USAGE_READ);
}

static void begin_two(void)
{
	make_fences(2);
	make(2, CONTEXT(1));
	name_fence(fences[2], "fence2");
	begin_locked(&obj);
	reserve(&obj, 2);
	add(0);
	add(1);
}

static void begin_two_one_drained(void)
{
	begin_two();
	signal_and_drop(0);
}

/* No place is free. Only the second fence, in the first place, and the first one are pending. */
static void begin_full(void)
{
	make_fences(5);
	begin_locked(&obj);
	reserve(&obj, 4);
	add(1);
	add(0);
	add(2);
	add(3);
	signal_one(2);
	signal_one(3);
}

static void begin_full_one_drained(void)
{
	begin_full();
	signal_and_drop(0);
}

static void begin_source(void)
{
	begin_one();
	begin_locked(&source);
	reserve(&source, 1);
	add_as(&source, 1, DMA_RESV_USAGE_BOOKKEEP);
}

static void begin_copy_from(void)
{
	begin_same_context();
	begin_locked(&source);
}

static void begin_copy_twice(void)
{
	begin_two();
	begin_locked(&other_source);
	reserve(&other_source, 1);
	add_as(&other_source, 2, DMA_RESV_USAGE_BOOKKEEP);
}

/* The third one takes the place of the first. */
static void begin_to_be_replaced(void)
{
	make_fences(2);
	make(2, CONTEXT(0));
	name_fence(fences[2], "fence2");
	begin_locked(&obj);
	reserve(&obj, 2);
	add(0);
}

static void begin_shared(void)
{
	make_fences(2);
	shared = malloc(sizeof(*shared));
	model_assert(shared);
	begin_locked(shared);
	reserve(shared, 1);
	add_as(shared, 0, DMA_RESV_USAGE_BOOKKEEP);
}

static void begin_unlocked(void)
{
	begin_empty();
	reserve(&obj, 2);
	dma_resv_unlock(&obj);
}

/* Ends: what must have been seen, and what may */

static void saw(unsigned int reader, unsigned int always, unsigned int perhaps)
{
	model_assert((seen[reader] & always) == always);
	model_assert(!(seen[reader] & ~(always | perhaps)));
}

static void saw_one_of(unsigned int reader, unsigned int first, unsigned int second)
{
	model_assert(seen[reader] == first || seen[reader] == second);
}

static void end_add(void)
{
	saw(0, BIT(0), BIT(1));
	end_fences();
}

static void end_first(void)
{
	saw(0, 0, BIT(0));
	end_fences();
}

static void end_either(void)
{
	saw_one_of(0, BIT(0), BIT(1));
	end_fences();
}

/* Who asks for what readers wait for need not see the first. */
static void end_for_reading(void)
{
	saw(0, 0, BIT(1));
	end_fences();
}

static void end_over_drained(void)
{
	saw(0, BIT(1), BIT(4));
	end_fences();
}

static void end_over_signaled(void)
{
	saw(0, BIT(1), BIT(0) | BIT(4));
	end_fences();
}

static void end_pending(void)
{
	saw(0, BIT(1), 0);
	end_fences();
}

static void end_second(void)
{
	saw(0, BIT(1), BIT(0));
	end_fences();
}

static void end_both_pending(void)
{
	saw(0, BIT(0) | BIT(1), 0);
	end_fences();
}

static void end_reserve_and_replace(void)
{
	saw_one_of(0, BIT(0) | BIT(1), BIT(0) | BIT(2));
	end_fences();
}

/* The reader himself has looked at the others. */
static void end_first_pending(void)
{
	model_assert(seen[0] & BIT(0));
	end_fences();
}

static void end_first_pending_two(void)
{
	model_assert(seen[1] & BIT(0));
	end_first_pending();
}

/* All of one of the three lists. */
static void end_copy_twice(void)
{
	model_assert(seen[0] == (BIT(0) | BIT(1)) || !seen[0] || seen[0] == BIT(2));
	end_fences();
}

static unsigned int fences_of(struct dma_resv *of)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int all = 0;

	dma_resv_for_each_fence (&cursor, of, DMA_RESV_USAGE_BOOKKEEP, fence)
		all |= look_at(fence);
	return all;
}

static void end_copy_from(void)
{
	seen[0] = fences_of(&source);
	end_either();
}

static void end_locked_adds(void)
{
	model_assert(dma_resv_lock(&obj, NULL) == 0);
	model_assert(fences_of(&obj) == (BIT(0) | BIT(1)));
	end_fences();
}

const struct scenario resv_scenarios[] = {
	{
		.name = "lock-two",
		.begin = name_mutexes,
		.threads = { lock_alone, lock_alone },
		.end = end_two,
	},
	{
		.name = "lock-three",
		.begin = name_mutexes,
		.threads = { lock_alone, lock_alone, lock_alone },
		.end = end_three,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "lock-two-contexts",
		.begin = name_mutexes,
		.threads = { lock_in_context, lock_in_context },
		.end = end_two,
	},
	{
		.name = "lock-context-alone",
		.begin = name_mutexes,
		.threads = { lock_in_context, lock_alone },
		.end = end_two,
	},
	{
		.name = "lock-again-wound",
		.begin = begin_middle_in,
		.threads = { unlock_and_lock_in_context, oldest_locks },
		.end = end_three_contexts,
	},
	{
		.name = "unlock-waiter",
		.begin = begin_held,
		.threads = { unlock_first, lock_alone },
		.end = end_two,
	},
	{
		.name = "unlock-two-waiters",
		.begin = begin_held,
		.threads = { unlock_first, lock_alone, lock_alone },
		.end = end_three,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "unlock-try",
		.begin = begin_held,
		.threads = { unlock_first, try_alone },
		.end = end_try_one,
	},
	{
		.name = "unlock-and-try-waiter",
		.begin = begin_held,
		.threads = { unlock_and_try, lock_alone },
		.end = end_try,
	},
	{
		.name = "unlock-try-waiter",
		.begin = begin_held,
		.threads = { unlock_first, lock_alone, try_alone },
		.end = end_try,
	},
	{
		.name = "unlock-interrupt",
		.begin = begin_held,
		.threads = { unlock_first, lock_interruptible },
		.end = end_interruptible,
		.interrupts = true,
	},
	{
		.name = "unlock-interrupt-context",
		.begin = begin_held,
		.threads = { unlock_first, lock_interruptible_in_context },
		.end = end_interruptible,
		.interrupts = true,
	},
	{
		.name = "unlock-interrupt-waiter",
		.begin = begin_held,
		.threads = { unlock_first, lock_interruptible, lock_alone },
		.end = end_interruptible_other,
		.interrupts = true,
		.bound = 4,
		.short_bound = 2,
	},
	{
		.name = "wound-interrupt-unlock",
		.begin = begin_contexts,
		.threads = { lock_in_context, oldest_interruptible },
		.end = end_oldest_interruptible,
		.interrupts = true,
	},
	{
		.name = "unlock-free",
		.begin = begin_object,
		.threads = { lock_and_leave_object, lock_and_leave_object },
	},
	{
		.name = "hand-over-free",
		.begin = begin_object_held,
		.threads = { leave_object, lock_and_leave_object },
	},
	{
		.name = "interrupt-free",
		.begin = begin_object_held,
		.threads = { unlock_object, wait_and_free_object },
		.end = end_object,
		.interrupts = true,
	},
	{
		.name = "hand-over-free-three",
		.begin = begin_object_for_three,
		.threads = { leave_object, lock_and_leave_object, lock_and_leave_object },
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "opposite-orders",
		.begin = begin_contexts,
		.threads = { oldest_up, middle_down },
		.end = end_both_contexts,
	},
	{
		.name = "same-order",
		.begin = begin_contexts,
		.threads = { oldest_up, middle_up },
		.end = end_both_contexts,
	},
	{
		.name = "opposite-orders-own-contexts",
		.begin = name_mutexes,
		.threads = { own_up, own_down },
		.end = end_both,
		.short_bound = 3,
	},
	{
		.name = "crossed",
		.begin = begin_crossed,
		.threads = { oldest_goes_up, middle_goes_down },
		.end = end_both_contexts,
	},
	{
		.name = "crossed-backs-off",
		.begin = begin_crossed,
		.threads = { oldest_wants_second, middle_backs_off },
		.end = end_backed_off,
	},
	{
		.name = "wound-is-over",
		.begin = begin_oldest_wants_first,
		.threads = { oldest_wants_first, middle_begins_anew },
		.end = end_anew,
	},
	{
		.name = "hand-over-to-wounded",
		.begin = begin_middle_holds,
		.threads = { unlock_first, middle_backs_off, oldest_takes_second },
		.end = end_middle,
		.short_bound = 2,
	},
	{
		.name = "hand-over-in-order",
		.begin = begin_oldest_holds_second,
		.threads = { middle_up, oldest_down, unlock_first },
		.end = end_in_order,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "unlock-leave-wound",
		.begin = begin_middle_in,
		.threads = { middle_unlocks, youngest_interruptible, oldest_locks_interruptible },
		.end = end_leave,
		.interrupts = true,
		.bound = 4,
		.short_bound = 2,
	},
	{
		.name = "circle",
		.begin = begin_circle,
		.threads = { oldest_goes_up, middle_circle, youngest_circle },
		.end = end_circle,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "three-by-three",
		.begin = begin_contexts,
		.threads = { oldest_locks_three, middle_locks_three, youngest_locks_three },
		.end = end_three_by_three,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "three-by-three-crossed",
		.begin = begin_circle,
		.threads = { oldest_goes_around, middle_goes_around, youngest_goes_around },
		.end = end_three_by_three,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "three-by-two",
		.begin = begin_contexts,
		.threads = { oldest_locks_three, middle_locks_three_down },
		.end = end_three_by_two,
		.bound = 4,
		.short_bound = 2,
	},
	{
		.name = "lock-many",
		.begin = begin_objects,
		.threads = { oldest_locks_many, middle_locks_many },
		.end = end_objects,
		.short_bound = 3,
	},
	{
		.name = "lock-many-crossed",
		.begin = begin_objects_crossed,
		.threads = { middle_locks_many, oldest_locks_second },
		.end = end_objects,
	},
	{
		.name = "add-get",
		.begin = begin_one,
		.threads = { add_second, get_first },
		.end = end_add,
	},
	{
		.name = "add-iterate",
		.begin = begin_one,
		.threads = { add_second, iterate },
		.end = end_add,
	},
	{
		.name = "add-singleton",
		.begin = begin_one,
		.threads = { add_second, get_singleton },
		.end = end_add,
	},
	{
		.name = "first-list-get",
		.begin = begin_empty,
		.threads = { reserve_and_add, get_first },
		.end = end_first,
	},
	{
		.name = "first-list-test",
		.begin = begin_empty,
		.threads = { reserve_and_add, test_first },
		.end = end_first,
	},
	{
		.name = "same-context-get",
		.begin = begin_same_context,
		.threads = { add_second, get_first },
		.end = end_either,
	},
	{
		.name = "same-context-iterate",
		.begin = begin_same_context,
		.threads = { add_second, iterate },
		.end = end_either,
	},
	{
		.name = "same-context-singleton",
		.begin = begin_same_context,
		.threads = { add_second, get_singleton },
		.end = end_either,
	},
	{
		.name = "same-context-test",
		.begin = begin_same_context,
		.threads = { add_second, test },
		.end = end_fences,
	},
	{
		.name = "same-context-copy-from",
		.begin = begin_copy_from,
		.threads = { add_second, copy_from_obj },
		.end = end_copy_from,
	},
	{
		.name = "same-context-signal-get",
		.begin = begin_same_context,
		.threads = { add_second_signal_first, get_first_of_two },
		.end = end_fences,
	},
	{
		.name = "same-context-signal-iterate",
		.begin = begin_same_context,
		.threads = { add_second_signal_first, iterate_one_of_two },
		.end = end_fences,
	},
	{
		.name = "same-context-signal-singleton",
		.begin = begin_same_context,
		.threads = { add_second_signal_first, get_singleton_of_two },
		.end = end_fences,
	},
	{
		.name = "same-context-signal-two-readers",
		.begin = begin_same_context,
		.threads = { add_second_signal_first, get_first_of_two, get_second_of_two },
		.end = end_fences,
	},
	{
		.name = "wider-usage-get",
		.begin = begin_to_be_read,
		.threads = { add_second_for_writing, get_for_reading },
		.end = end_for_reading,
	},
	{
		.name = "wider-usage-iterate",
		.begin = begin_to_be_read,
		.threads = { add_second_for_writing, iterate_usages },
		.end = end_either,
	},
	{
		.name = "over-drained-get",
		.begin = begin_full_one_drained,
		.threads = { add_over_drained, get_first },
		.end = end_over_drained,
	},
	{
		.name = "over-signaled-get",
		.begin = begin_full,
		.threads = { signal_and_add_over, get_first },
		.end = end_over_signaled,
	},
	{
		.name = "reserve-get",
		.begin = begin_two_one_drained,
		.threads = { reserve_four, get_first },
		.end = end_pending,
	},
	{
		.name = "reserve-iterate",
		.begin = begin_two,
		.threads = { reserve_four, iterate },
		.end = end_both_pending,
	},
	{
		.name = "reserve-signal",
		.begin = begin_two,
		.threads = { reserve_four, signal_first },
		.end = end_fences,
	},
	{
		.name = "reserve-signal-get",
		.begin = begin_two,
		.threads = { reserve_four, signal_first, get_first },
		.end = end_second,
	},
	{
		.name = "reserve-and-replace-get",
		.begin = begin_two,
		.threads = { reserve_and_replace, get_first },
		.end = end_reserve_and_replace,
	},
	{
		.name = "reserve-and-replace-iterate",
		.begin = begin_two,
		.threads = { reserve_and_replace, iterate },
		.end = end_reserve_and_replace,
	},
	{
		.name = "reserve-replace-signal-get",
		.begin = begin_two,
		.threads = { reserve_replace_and_signal, get_second_of_three },
		.end = end_first_pending,
	},
	{
		.name = "reserve-replace-signal-iterate",
		.begin = begin_two,
		.threads = { reserve_replace_and_signal, iterate_second_of_three },
		.end = end_first_pending,
	},
	{
		.name = "reserve-replace-signal-two-readers",
		.begin = begin_two,
		.threads = { reserve_replace_and_signal, get_second_of_three,
			     get_second_of_three_too },
		.end = end_first_pending_two,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "replace-get",
		.begin = begin_one,
		.threads = { replace_first, get_first },
		.end = end_either,
	},
	{
		.name = "replace-signal-get",
		.begin = begin_one,
		.threads = { replace_and_signal_first, get_first_of_two },
		.end = end_fences,
	},
	{
		.name = "add-replace-drop-get",
		.begin = begin_to_be_replaced,
		.threads = { add_replace_and_drop, get_first_of_replaced },
		.end = end_fences,
	},
	{
		.name = "add-replace-drop-iterate",
		.begin = begin_to_be_replaced,
		.threads = { add_replace_and_drop, iterate_replaced },
		.end = end_fences,
	},
	{
		.name = "add-replace-drop-two-readers",
		.begin = begin_to_be_replaced,
		.threads = { add_replace_and_drop, get_first_of_replaced, get_second_of_replaced },
		.end = end_fences,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "free-get",
		.begin = begin_shared,
		.threads = { drop_and_free_shared, get_from_shared },
		.end = end_fences,
	},
	{
		.name = "free-test",
		.begin = begin_shared,
		.threads = { drop_and_free_shared, test_shared },
		.end = end_fences,
	},
	{
		.name = "replace-free-get",
		.begin = begin_shared,
		.threads = { replace_and_free_shared, get_from_shared },
		.end = end_fences,
	},
	{
		.name = "copy-get",
		.begin = begin_source,
		.threads = { copy, get_first },
		.end = end_either,
	},
	{
		.name = "copy-signal-get",
		.begin = begin_source,
		.threads = { copy_and_signal_first, get_first_of_two },
		.end = end_fences,
	},
	{
		.name = "copy-signal-singleton",
		.begin = begin_source,
		.threads = { copy_and_signal_first, get_singleton_of_two },
		.end = end_fences,
	},
	{
		.name = "copy-twice-iterate",
		.begin = begin_copy_twice,
		.threads = { copy_twice, iterate },
		.end = end_copy_twice,
		.reuses = true,
	},
	{
		.name = "signal-test",
		.begin = begin_one,
		.threads = { signal_first, test_done },
		.end = end_fences,
	},
	{
		.name = "error-singleton",
		.begin = begin_one,
		.threads = { fail_first, get_singleton_error },
		.end = end_fences,
	},
	{
		.name = "signal-wait",
		.begin = begin_one,
		.threads = { signal_first, wait_for_all },
		.end = end_fences,
	},
	{
		.name = "signal-wait-deadline",
		.begin = begin_one,
		.threads = { signal_first, wait_for_a_while },
		.end = end_fences,
	},
	{
		.name = "signal-wait-at-once",
		.begin = begin_one,
		.threads = { signal_first, wait_not_at_all },
		.end = end_fences,
	},
	{
		.name = "signal-wait-interrupt",
		.begin = begin_one,
		.threads = { signal_first, wait_interruptible },
		.end = end_fences,
		.interrupts = true,
	},
	{
		.name = "same-context-signal-wait",
		.begin = begin_same_context,
		.threads = { add_second_signal_both, wait_for_all },
		.end = end_fences,
	},
	{
		.name = "add-add",
		.begin = begin_unlocked,
		.threads = { lock_and_add_first, lock_and_add_second },
		.end = end_locked_adds,
	},
	{ 0 },
};
