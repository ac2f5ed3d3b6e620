/* SPDX-License-Identifier: MIT */
/*
 * Reservation objects: lists of fences that one thread changes and many read.
 *
 * A list is a table of places, of which the first 'num_fences' are in use. A place is one word, the
 * fence's address with its usage in the low bits, so that it is read and written as a whole. What
 * is in a place changes, but nothing ever moves to another one. So a reader who goes through the
 * list once sees, in each place, what was there when he began, or what was put there since: and
 * that is a fence that stands for the one before, or the one before was drained.
 *
 * When there are not enough places a new list takes the place of the old one, without those that
 * are drained. Readers may go on in the old list: it is freed after a grace period, and what was in
 * it is in the new one, or drained. Only the references of what was left out are gone. So if a
 * reader does not get one, either the place has another fence now, or the list has been replaced.
 *
 * Between two fences a reader is outside of the read-side section, and the list may be gone.
 * Whether it is, he sees by its number: a new list may well be where the old one was.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <dmafence/array.h>
#include <dmafence/rcu.h>
#include <dmafence/resv.h>
#include <dmafence/unwrap.h>

#include "base/debug.h"
#include "base/report.h"
#include "fence/container.h"
#include "fence/outcome.h"
#include "fence/wait.h"

#define USAGE_BITS ((uintptr_t)3)

struct place {
	uintptr_t fence;  /* and its usage */
	uint64_t context; /* of the fence, for who adds: it need not be looked at for that */
};

struct dma_resv_list {
	struct dma_fence_rcu_link rcu;
	uint64_t number;
	unsigned int num_fences;
	unsigned int max_fences;
	struct place places[];
};

static struct dma_fence *fence_of(uintptr_t word)
{
	return (struct dma_fence *)(word & ~USAGE_BITS);
}

static enum dma_resv_usage usage_of(uintptr_t word)
{
	return (enum dma_resv_usage)(word & USAGE_BITS);
}

static uintptr_t word_of(struct dma_fence *fence, enum dma_resv_usage usage)
{
	return (uintptr_t)fence | (uintptr_t)usage;
}

/* For the holder of the lock, or who has the list for himself. */
static struct dma_fence *fence_at(const struct dma_resv_list *list, unsigned int i)
{
	return fence_of(list->places[i].fence);
}

static bool drained(const struct dma_fence *fence)
{
	return state_drained(atomic_load_acquire(&fence->state));
}

static bool is_usage(enum dma_resv_usage usage)
{
	return (unsigned int)usage <= DMA_RESV_USAGE_BOOKKEEP;
}

static void check_locked(const struct dma_resv *obj)
{
	if (debug(DEBUG_LOCKING) && !dma_resv_is_locked(obj))
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a reservation object is not locked where it has to be");
}

static void check_fence(struct dma_fence *fence)
{
	if (unlikely(dma_fence_is_container(fence)))
		dma_fence_report(DMA_FENCE_REPORT_RESERVATION, fence,
				 "an array or a chain was added to a reservation object: add each "
				 "of the fences it is made of");
}

/* Life */

void dma_resv_init(struct dma_resv *obj)
{
	dma_ww_mutex_init(&obj->lock);
	obj->fences = NULL;
	obj->lists = 0;
}

/* Those that nobody else looks at */

static void forget_list(struct dma_resv_list *list)
{
	while (list->num_fences)
		dma_fence_put(fence_at(list, --list->num_fences));
}

static void drop_list(struct dma_resv_list *list)
{
	if (list)
		forget_list(list);
	free(list);
}

void dma_resv_fini(struct dma_resv *obj)
{
	dma_ww_mutex_destroy(&obj->lock);
	drop_list(obj->fences);
	obj->fences = NULL;
}

/* Lists */

/* At least so many places: the usual few at once, and more by doubling. */
#define FEWEST_PLACES 4

/* The sum of two numbers that a caller and a list give may be more than a size_t of 32 bits. */
static struct dma_resv_list *alloc_list(uint64_t places)
{
	struct dma_resv_list *list;
	size_t max = FEWEST_PLACES;

	while (max < places && max <= UINT_MAX / 2)
		max *= 2;
	if (max < places || max > (SIZE_MAX - sizeof(*list)) / sizeof(list->places[0]))
		return NULL;
	list = malloc(sizeof(*list) + max * sizeof(list->places[0]));
	if (list) {
		list->num_fences = 0;
		list->max_fences = (unsigned int)max;
	}
	return list;
}

static void free_list(struct dma_fence_rcu_link *link)
{
	free(link);
}

/* The caller sees to the references in the old list, which it returns. */
static struct dma_resv_list *publish_list(struct dma_resv *obj, struct dma_resv_list *list)
{
	struct dma_resv_list *old = obj->fences;

	list->number = ++obj->lists;
	atomic_store_release(&obj->fences, list);
	return old;
}

/* When the references in it have been seen to. */
static void retire_list(struct dma_resv_list *list)
{
	if (MUTANT(LIST_FREED_AT_ONCE))
		free(list);
	else
		dma_fence_rcu_defer(&list->rcu, free_list);
}

/* Adding */

static unsigned int count_drained(const struct dma_resv_list *list)
{
	unsigned int i, num = 0;

	for (i = 0; i < list->num_fences; i++)
		num += drained(fence_at(list, i));
	return num;
}

/* A fence may be drained meanwhile: who goes is decided once, by whether it is in the new list. */
static void leave_drained_behind(struct dma_resv *obj, struct dma_resv_list *list)
{
	struct dma_resv_list *old = obj->fences;
	unsigned int i, kept = 0;

	for (i = 0; i < old->num_fences; i++) {
		if (!drained(fence_at(old, i)))
			list->places[list->num_fences++] = old->places[i];
	}
	publish_list(obj, list);
	for (i = 0; i < old->num_fences; i++) {
		if (kept < list->num_fences && list->places[kept].fence == old->places[i].fence)
			kept++;
		else
			dma_fence_put(fence_at(old, i));
	}
	retire_list(old);
}

int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_list *list, *old = obj->fences;
	unsigned int room, done;

	check_locked(obj);
	if (!num_fences)
		return -EINVAL;
	if (!old) {
		list = alloc_list(num_fences);
		if (!list)
			return -ENOMEM;
		publish_list(obj, list);
		return 0;
	}

	room = old->max_fences - old->num_fences;
	if (num_fences <= room)
		return 0;
	done = count_drained(old);
	if (num_fences - room <= done)
		return 0;
	list = alloc_list((uint64_t)old->num_fences - done + num_fences);
	if (!list)
		return -ENOMEM;
	leave_drained_behind(obj, list);
	return 0;
}

static void set_place(struct dma_resv_list *list, unsigned int i, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct place *place = &list->places[i];

	place->context = fence->context;
	atomic_store_release(&place->fence, word_of(dma_fence_get(fence), usage));
}

static void replace(struct dma_resv_list *list, unsigned int i, struct dma_fence *fence,
		    enum dma_resv_usage usage)
{
	struct dma_fence *old = fence_at(list, i);

	set_place(list, i, fence, usage);
	dma_fence_put(old);
}

static void append(struct dma_resv_list *list, struct dma_fence *fence, enum dma_resv_usage usage)
{
	const unsigned int last = list->num_fences;

	if (MUTANT(COUNTED_TOO_SOON))
		atomic_store_release(&list->num_fences, last + 1);
	set_place(list, last, fence, usage);
	atomic_store_release(&list->num_fences, last + 1);
}

/* The first whose fence gives way; all are in use. */
static unsigned int drained_place(const struct dma_resv_list *list)
{
	unsigned int i;

	for (i = 0; i < list->num_fences; i++) {
		if (drained(fence_at(list, i)) || MUTANT(PENDING_GIVES_WAY))
			break;
	}
	return i;
}

static int no_room(struct dma_fence *fence)
{
	dma_fence_report(
		DMA_FENCE_REPORT_RESERVATION, fence,
		"a fence was added to a reservation object without room for it, and nobody "
		"will wait for it: call dma_resv_reserve_fences() first, with the lock held");
	return -ENOSPC;
}

int dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv_list *list = obj->fences;
	enum dma_resv_usage old_usage;
	struct dma_fence *old;
	unsigned int i, place;

	check_locked(obj);
	if (!fence || !is_usage(usage))
		return -EINVAL;
	check_fence(fence);
	if (!list)
		return no_room(fence);

	place = list->num_fences;
	for (i = 0; i < list->num_fences; i++) {
		if (list->places[i].context != fence->context)
			continue;
		old = fence_at(list, i);
		old_usage = usage_of(list->places[i].fence);
		if (usage <= old_usage && dma_fence_is_later_or_same(fence, old))
			place = i;
		else if (old_usage <= usage && dma_fence_is_later_or_same(old, fence) &&
			 !drained(old))
			return 0;
	}
	if (place == list->max_fences)
		place = drained_place(list);
	if (place == list->max_fences)
		return no_room(fence);

	container_publish(fence);
	if (place < list->num_fences)
		replace(list, place, fence, usage);
	else
		append(list, fence, usage);
	return 0;
}

void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context, struct dma_fence *replacement,
			     enum dma_resv_usage usage)
{
	struct dma_resv_list *list = obj->fences;
	unsigned int i;

	check_locked(obj);
	if (!replacement || !is_usage(usage)) {
		dma_fence_report(DMA_FENCE_REPORT_RESERVATION, replacement,
				 "fences of a reservation object were to be replaced by %s",
				 replacement ? "one of a usage that is none" : "NULL");
		return;
	}
	check_fence(replacement);
	container_publish(replacement);
	for (i = 0; list && i < list->num_fences; i++) {
		struct dma_fence *old = fence_at(list, i);

		if (old->context == context && !dma_fence_is_later(old, replacement) &&
		    !drained(old))
			replace(list, i, replacement, usage);
	}
}

/* Going through the fences without the lock; inside a read-side section */

/* What a reader passes over. */
enum passed_over {
	SIGNALED_ONES,	/* or complete: there is nothing to wait for */
	SUCCEEDED_ONES, /* signaled, and without an error */
	DRAINED_ONES,
};

/* Without a reference: it may be gone, but not out of memory. */
static bool passes_over(struct dma_fence *fence, enum passed_over what)
{
	if (what == DRAINED_ONES)
		return drained(fence);
	if (!dma_fence_test_signaled_flag(fence))
		return false;
	return what == SIGNALED_ONES || !fence_error(fence);
}

/* A number of no list; that of no list is 0. */
#define NOT_YET UINT64_MAX

static uint64_t number_of(const struct dma_resv_list *list)
{
	if (MUTANT(LIST_BY_ADDRESS))
		return (uintptr_t)list;
	return list ? list->number : 0;
}

static struct dma_resv_list *list_of(struct dma_resv_iter *cursor)
{
	struct dma_resv_list *list = atomic_load_acquire(&cursor->obj->fences);
	const uint64_t number = number_of(list);

	if (cursor->list != number) {
		cursor->list = number;
		cursor->index = 0;
		cursor->restarted = true;
	}
	return list;
}

/* The next, with a reference; from where the cursor is, or from the start of a new list. */
static struct dma_fence *step(struct dma_resv_iter *cursor, enum passed_over what)
{
	struct dma_resv_list *list = list_of(cursor);
	struct dma_fence *fence;
	uintptr_t word;

	while (list && cursor->index < atomic_load_acquire(&list->num_fences)) {
		word = atomic_load_acquire(&list->places[cursor->index].fence);
		fence = fence_of(word);
		if (usage_of(word) > cursor->usage || passes_over(fence, what)) {
			cursor->index++;
			continue;
		}
		if (MUTANT(READER_GETS_WHATEVER)) {
			dma_fence_get(fence);
		} else if (!dma_fence_get_rcu(fence)) {
			/* The place has another one now, or all are in another list. */
			list = list_of(cursor);
			continue;
		}
		cursor->index++;
		cursor->fence_usage = usage_of(word);
		if (what != SIGNALED_ONES || !dma_fence_is_signaled(fence))
			return fence;
		dma_fence_put(fence);
	}
	return NULL;
}

/* The loops of users */

void dma_resv_iter_begin(struct dma_resv_iter *cursor, struct dma_resv *obj,
			 enum dma_resv_usage usage)
{
	cursor->obj = obj;
	cursor->fence = NULL;
	cursor->list = NOT_YET;
	cursor->index = 0;
	cursor->usage = usage;
	cursor->fence_usage = usage;
	cursor->restarted = false;
}

void dma_resv_iter_end(struct dma_resv_iter *cursor)
{
	dma_fence_put(cursor->fence);
	cursor->fence = NULL;
}

static struct dma_fence *step_outside(struct dma_resv_iter *cursor, enum passed_over what)
{
	dma_fence_put(cursor->fence);
	cursor->restarted = false;
	dma_fence_rcu_read_lock();
	cursor->fence = step(cursor, what);
	dma_fence_rcu_read_unlock();
	return cursor->fence;
}

struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor)
{
	cursor->list = NOT_YET;
	return step_outside(cursor, SIGNALED_ONES);
}

struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor)
{
	return step_outside(cursor, SIGNALED_ONES);
}

struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor)
{
	struct dma_fence *fence;

	cursor->index = 0;
	fence = dma_resv_iter_next(cursor);
	cursor->restarted = true;
	return fence;
}

struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor)
{
	const struct dma_resv_list *list = cursor->obj->fences;
	uintptr_t word;

	check_locked(cursor->obj);
	cursor->restarted = false;
	while (list && cursor->index < list->num_fences) {
		word = list->places[cursor->index++].fence;
		if (usage_of(word) <= cursor->usage) {
			cursor->fence_usage = usage_of(word);
			return fence_of(word);
		}
	}
	return NULL;
}

/* Asking */

/* Fences, with a reference each. */
struct collection {
	struct dma_fence **fences;
	unsigned int num_fences;
	unsigned int room;
	struct dma_fence *single; /* room for one, which takes no allocation */
};

static void forget(struct collection *collection)
{
	while (collection->num_fences)
		dma_fence_put(collection->fences[--collection->num_fences]);
}

static void drop(struct collection *collection)
{
	forget(collection);
	if (collection->fences != &collection->single)
		free(collection->fences);
}

static int make_room(struct collection *collection, const struct dma_resv *obj)
{
	struct dma_resv_list *list = atomic_load_acquire(&obj->fences);
	struct dma_fence **fences;
	unsigned int i, room = 0;

	if (list)
		room = atomic_load_relaxed(&list->num_fences);
	if (room <= collection->room)
		room = collection->room + FEWEST_PLACES;
	fences = malloc(room * sizeof(*fences));
	if (!fences)
		return -ENOMEM;
	for (i = 0; i < collection->num_fences; i++)
		fences[i] = collection->fences[i];
	if (collection->fences != &collection->single)
		free(collection->fences);
	collection->fences = fences;
	collection->room = room;
	return 0;
}

/* All of that usage; to be dropped, whatever it returns. */
static int collect(struct collection *collection, struct dma_resv *obj, enum dma_resv_usage usage,
		   enum passed_over what)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	if (!is_usage(usage))
		return -EINVAL;
	dma_resv_iter_begin(&cursor, obj, usage);
	dma_fence_rcu_read_lock();
	while (!ret && (fence = step(&cursor, what))) {
		if (cursor.restarted)
			forget(collection);
		cursor.restarted = false;
		if (collection->num_fences == collection->room)
			ret = make_room(collection, obj);
		if (ret)
			dma_fence_put(fence);
		else
			collection->fences[collection->num_fences++] = fence;
	}
	if (cursor.restarted)
		forget(collection); /* in the new list there is none */
	dma_fence_rcu_read_unlock();
	return ret;
}

int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage, unsigned int *num_fences,
			struct dma_fence ***fences)
{
	struct collection collection = { 0 };
	int ret = collect(&collection, obj, usage, SIGNALED_ONES);

	if (ret || !collection.num_fences)
		drop(&collection);
	if (ret)
		return ret;
	*num_fences = collection.num_fences;
	*fences = collection.num_fences ? collection.fences : NULL;
	return 0;
}

/* Whether they can be the members of an array as they are. */
static bool plain(const struct collection *collection)
{
	unsigned int i;

	for (i = 0; i < collection->num_fences; i++) {
		struct dma_fence *fence = collection->fences[i];

		if (dma_fence_is_container(fence) || dma_fence_test_signaled_flag(fence))
			return false;
	}
	return true;
}

int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence)
{
	struct collection collection = { .fences = &collection.single, .room = 1 };
	struct dma_fence_array *array;
	struct dma_fence *single = NULL;
	int ret = collect(&collection, obj, usage,
			  MUTANT(SINGLETON_DROPS_ERROR) ? SIGNALED_ONES : SUCCEEDED_ONES);

	if (ret)
		goto out;
	if (!plain(&collection)) {
		single = dma_fence_unwrap_merge_many(collection.num_fences, collection.fences);
		ret = single ? 0 : -ENOMEM;
	} else if (collection.num_fences == 1) {
		single = dma_fence_get(collection.fences[0]);
	} else if (collection.num_fences) {
		array = dma_fence_array_create((int)collection.num_fences, collection.fences,
					       dma_fence_context_alloc(1), 1);
		if (!array) {
			ret = -ENOMEM;
			goto out;
		}
		*fence = &array->base;
		return 0;
	}
	if (!ret)
		*fence = single;
out:
	drop(&collection);
	return ret;
}

int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src)
{
	struct dma_resv_list *list = NULL, *larger, *old;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i;

	check_locked(dst);
	list = alloc_list(0);
	if (!list)
		return -ENOMEM;
	dma_resv_iter_begin(&cursor, src, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_rcu_read_lock();
	while ((fence = step(&cursor, SIGNALED_ONES))) {
		if (cursor.restarted)
			forget_list(list);
		cursor.restarted = false;
		if (list->num_fences == list->max_fences) {
			larger = alloc_list((size_t)list->max_fences + 1);
			if (!larger) {
				dma_fence_put(fence);
				break;
			}
			for (i = 0; i < list->num_fences; i++)
				larger->places[larger->num_fences++] = list->places[i];
			free(list);
			list = larger;
		}
		list->places[list->num_fences].fence = word_of(fence, cursor.fence_usage);
		list->places[list->num_fences++].context = fence->context;
	}
	if (cursor.restarted)
		forget_list(list); /* in the new list there is none */
	dma_fence_rcu_read_unlock();
	if (fence) {
		drop_list(list);
		return -ENOMEM;
	}

	old = publish_list(dst, list);
	for (i = 0; old && i < old->num_fences; i++)
		dma_fence_put(fence_at(old, i));
	if (old)
		retire_list(old);
	return 0;
}

bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool signaled;

	if (!atomic_load_acquire(&obj->fences))
		return true;
	dma_resv_iter_begin(&cursor, obj, usage);
	dma_fence_rcu_read_lock();
	fence = step(&cursor, SIGNALED_ONES);
	signaled = !fence;
	dma_fence_put(fence);
	dma_fence_rcu_read_unlock();
	return signaled;
}

/* Before the first wait, so that no producer hears late that somebody waits. */
static void enable_all(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, usage);
	while ((fence = step_outside(&cursor, DRAINED_ONES)))
		dma_fence_enable_signaling(fence);
	dma_resv_iter_end(&cursor);
}

int64_t dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
			      int64_t timeout_ns)
{
	int64_t left = timeout_ns ? timeout_ns : 1;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	if (!is_usage(usage) || begin_wait(__func__, timeout_ns))
		return -EINVAL;
	dma_resv_iter_begin(&cursor, obj, usage);
	fence = step_outside(&cursor, DRAINED_ONES);
	if (fence)
		enable_all(obj, usage);
	for (; fence && left > 0; fence = step_outside(&cursor, DRAINED_ONES))
		left = dma_fence_wait_timeout(fence, intr, timeout_ns ? left : 0);
	dma_resv_iter_end(&cursor);
	return left;
}

void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage, int64_t deadline_ns)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, usage);
	dma_resv_for_each_fence_unlocked (&cursor, fence)
		dma_fence_set_deadline(fence, deadline_ns);
	dma_resv_iter_end(&cursor);
}

void dma_resv_describe(struct dma_resv *obj, FILE *out)
{
	static const char *const usages[] = { "kernel", "write", "read", "bookkeep" };
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, fence) {
		fprintf(out, "%s ", usages[dma_resv_iter_usage(&cursor)]);
		dma_fence_describe(fence, out);
		fputc('\n', out);
	}
	dma_resv_iter_end(&cursor);
}
