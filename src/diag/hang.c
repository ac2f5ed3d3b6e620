/* SPDX-License-Identifier: MIT */
/*
 * The hang watch: who is being waited for, and since when.
 *
 * Each fence that somebody waits for has an entry, found by its address, from the first wait until
 * it signals or is released. There is one limit for all: so the entries of which the limit comes
 * first are those that came first, and to be looked at for it they stand in a row in that order.
 * Parts by the address have each a lock of its own, and a row. A wait costs a step in a row,
 * whatever the number of fences; only the thread looks at more than one entry, at each once.
 *
 * The memory of a fence that has an entry is there while the lock of the entry's part is held: its
 * release takes the entry away, and wants that lock first.
 *
 * The thread. What there is of it is in one word, with the number of entries that it is needed for:
 * so it cannot end just when it is needed. It sleeps until the limit of the first of all entries is
 * over; those that come later are over later, and need not wake it. Nor do those that go: it stays
 * for as long as the limit, at most, when nobody waits any more.
 *
 * A fence of which the limit is over loses its entry when nobody has waited for a while. One that was told of keeps
 * it, and stands in no row.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <dmafence/explain.h>
#include <dmafence/hang.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/refcount.h"
#include "base/report.h"
#include "diag/by-fence.h"
#include "diag/escape.h"
#include "diag/hang-points.h"
#include "diag/hang.h"
#include "diag/mutants.h"
#include "diag/record.h"
#include "diag/sleepers.h"
#include "fd/promise.h"
#include "fence/array.h"
#include "fence/chain.h"

/* As that of fd/watcher.c: who waits in each frame does not pay for a thread in each. */
#define LINGER_NS (50 * INT64_C(1000000))

/* The handler of the program's runs on it, and reads debug information. */
#define STACK_SIZE (1 << 20)

struct waited {
	struct by_fence base;
	struct waited *older, *newer; /* in the row; of one that was told of, itself */
	uint64_t context;	      /* by which it is known to be still that fence */
	uint64_t seqno;
	int64_t since;
	int64_t idle_since; /* if nobody waits */
	uint32_t threads;   /* in a wait */
	uint32_t callbacks;
	bool told;
};

struct part {
	struct lock lock;
	struct by_fence_table table;
	struct waited *oldest, *newest;
} __attribute__((aligned(64)));

static struct part parts[BY_FENCE_PARTS];

/* Changes with the lock of each part held once afterwards. 0: off. */
static int64_t limit;
static struct lock switch_lock;

/* The state of the thread, and how many entries it is needed for. */
#define THREAD_NONE    UINT32_C(0)
#define THREAD_LINGERS UINT32_C(1)
#define THREAD_WATCHES UINT32_C(2)
#define THREAD_STATE   UINT32_C(3)
#define ONE_ENTRY      UINT32_C(4)

static uint32_t thread_word;

/* How often the watch was switched on; and in which of these times this thread has begun to wait. */
static uint32_t times_on;
static _Thread_local uint32_t waits_since;

/* What the thread sleeps on: changes when there is something that it does not expect. */
static uint32_t pokes;

static struct part *part_of(const struct dma_fence *fence)
{
	return &parts[dma_fence_by_fence_part(fence)];
}

/* With the lock of the part held. */

static struct waited *find(const struct part *part, const struct dma_fence *fence)
{
	return (struct waited *)dma_fence_by_fence_find(&part->table, fence);
}

static void append(struct part *part, struct waited *entry)
{
	entry->older = part->newest;
	entry->newer = NULL;
	*(part->newest ? &part->newest->newer : &part->oldest) = entry;
	part->newest = entry;
}

static void leave_row(struct part *part, struct waited *entry)
{
	*(entry->older ? &entry->older->newer : &part->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &part->newest) = entry->older;
}

static bool is_idle(const struct waited *entry)
{
	return !entry->threads && !entry->callbacks;
}

static bool needs_thread(const struct waited *entry)
{
	return !entry->told && !is_idle(entry);
}

/* Before, and afterwards, whether the entry needs the thread. */
static void count_need(bool before, bool after)
{
	if (after && !before)
		atomic_fetch_add_relaxed(&thread_word, ONE_ENTRY);
	if (before && !after)
		atomic_fetch_sub_relaxed(&thread_word, ONE_ENTRY);
}

static struct waited *insert(struct part *part, struct dma_fence *fence, int64_t now)
{
	struct waited *entry = NULL;

	if (dma_fence_by_fence_make_room(&part->table))
		entry = malloc(sizeof(*entry));
	if (!entry)
		return NULL;
	*entry = (struct waited){
		.base = { .fence = fence },
		.context = fence->context,
		.seqno = fence->seqno,
		.since = now,
	};
	dma_fence_by_fence_insert(&part->table, &entry->base);
	append(part, entry);
	return entry;
}

static void take_out(struct part *part, struct waited *gone)
{
	dma_fence_by_fence_take_out(&part->table, &gone->base);
	if (!gone->told)
		leave_row(part, gone);
	count_need(needs_thread(gone), false);
	free(gone);
}

/* Whether who waits next waits for the first time: nobody has for too long to be the same wait. */
static bool begins_again(const struct waited *entry, int64_t now)
{
	return is_idle(entry) && now - entry->idle_since > atomic_load_relaxed(&limit) / 4;
}

static void begin_again(struct part *part, struct waited *entry, int64_t now)
{
	leave_row(part, entry);
	entry->since = now;
	append(part, entry);
}

static struct waited *find_or_insert(struct part *part, struct dma_fence *fence, int64_t now)
{
	struct waited *entry = find(part, fence);

	if (entry && (entry->context != fence->context || entry->seqno != fence->seqno)) {
		take_out(part, entry);
		entry = NULL;
	}
	if (!entry)
		return insert(part, fence, now);
	if (!entry->told && begins_again(entry, now))
		begin_again(part, entry, now);
	return entry;
}

/* The thread; without a lock, but where it says otherwise. */

static void *watch(void *arg);

static void poke(void)
{
	atomic_fetch_add_release(&pokes, 1);
	dma_fence_park_wake(&pokes);
}

static bool start_thread(void)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	if (pthread_attr_init(&attributes))
		return false;
	sigfillset(&all);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = !pthread_create(&thread, &attributes, watch, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

/* Where no thread can be started, who waits next tries again. */
static void see_that_somebody_watches(void)
{
	uint32_t word = atomic_load_relaxed(&thread_word);

	do {
		if (word < ONE_ENTRY || (word & THREAD_STATE) == THREAD_WATCHES)
			return;
	} while (!atomic_cas_acq_rel(&thread_word, &word, (word & ~THREAD_STATE) | THREAD_WATCHES));

	if ((word & THREAD_STATE) == THREAD_LINGERS)
		poke();
	else if (!start_thread())
		atomic_fetch_and_relaxed(&thread_word, ~THREAD_STATE);
}

/* Why it has not signaled; to be freed. */
static char *explain(struct dma_fence *fence)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	dma_fence_explain(fence, out);
	fclose(out);
	return text;
}

static void tell(struct dma_fence *fence, int64_t waited_ns)
{
	char names[128];

	dma_fence_escape_names(names, sizeof(names), fence);
	dma_fence_report_with_details(DMA_FENCE_REPORT_HANG, fence, explain(fence),
				      "fence %" PRIu64 ":%" PRIu64
				      " of %s has been awaited for %.1f s",
				      fence->context, fence->seqno, names, (double)waited_ns / 1e9);
}

/* Of those points the first that nobody has promised: the others have fences, which are watched. */
static void tell_points(const struct hang_points *taken)
{
	char *text = NULL;
	size_t size;
	FILE *out;
	uint32_t i;

	for (i = 0; i < taken->count; i++) {
		const struct dma_fence_syncobj_point *point = &taken->points[i];

		if (dma_fence_syncobj_status(point->syncobj, point->point) != -ENOENT)
			continue;
		out = open_memstream(&text, &size);
		if (out) {
			dma_fence_syncobj_explain(point->syncobj, point->point, out);
			fclose(out);
		}
		dma_fence_report_with_details(
			DMA_FENCE_REPORT_HANG, NULL, text,
			"point %" PRIu64 " of a sync object has been awaited for %.1f s",
			point->point, (double)(clock_now() - taken->since) / 1e9);
		break;
	}
	for (i = 0; i < taken->count; i++)
		dma_fence_syncobj_put(taken->points[i].syncobj);
}

static int64_t end_of_limit(int64_t since, int64_t limit_now)
{
	int64_t end;

	return __builtin_add_overflow(since, limit_now, &end) ? CLOCK_NEVER : end;
}

/*
 * With the lock of the part held. The next of which the limit is over, with a reference; NULL if
 * there is none, and then *next may become sooner. The reference is not told to hooks, which take
 * locks of their own.
 */
static struct dma_fence *take_hanging(struct part *part, int64_t now, int64_t *waited_ns,
				      int64_t *next)
{
	const int64_t limit_now = atomic_load_relaxed(&limit);
	struct waited *entry = limit_now ? part->oldest : NULL, *newer;
	int64_t end;

	for (; entry; entry = newer) {
		struct dma_fence *fence = entry->base.fence;

		newer = entry->newer;
		end = end_of_limit(entry->since, limit_now);
		if (end > now) {
			*next = end < *next ? end : *next;
			break;
		}
		if (dma_fence_test_signaled_flag(fence) || begins_again(entry, now)) {
			take_out(part, entry);
			continue;
		}
		/* Who asks again and again may be about to ask again. */
		if (is_idle(entry)) {
			end = end_of_limit(entry->idle_since, limit_now / 4 + 1);
			*next = end < *next ? end : *next;
			continue;
		}
		*waited_ns = now - entry->since;
		if (MUTANT(HANG_TOLD_AGAIN)) {
			begin_again(part, entry, now);
		} else {
			leave_row(part, entry);
			count_need(true, false);
			entry->told = true;
		}
		if (refcount_get_not_zero(&fence->refcount) != REFCOUNT_ZERO)
			return fence;
	}
	return NULL;
}

static int64_t tell_hanging_points(int64_t next)
{
	const int64_t limit_now = atomic_load_relaxed(&limit);
	struct hang_points taken;
	int64_t since = 0;

	while (limit_now && dma_fence_hang_points_take(clock_now() - limit_now, &taken, &since)) {
		count_need(true, false);
		tell_points(&taken);
	}
	if (since && end_of_limit(since, limit_now) < next)
		next = end_of_limit(since, limit_now);
	return next;
}

/*
 * Tells of all of which the limit is over. Returns when the next one's will be: that of one which
 * comes after it has been looked for may be over a limit from now.
 */
static int64_t tell_hanging(void)
{
	int64_t next = end_of_limit(clock_now(), atomic_load_relaxed(&limit)), waited_ns;
	struct dma_fence *fence;
	unsigned int i;

	next = tell_hanging_points(next);
	for (i = 0; i < BY_FENCE_PARTS; i++) {
		do {
			lock_acquire(&parts[i].lock);
			fence = take_hanging(&parts[i], clock_now(), &waited_ns, &next);
			lock_release(&parts[i].lock);
			if (!fence)
				break;
			hook(get_rcu, fence);
			tell(fence, waited_ns);
			dma_fence_put(fence);
		} while (true);
	}
	return next;
}

/* Nobody waits: stays for a moment. Returns whether it is needed after all. */
static bool linger(uint32_t seen)
{
	const int64_t end = atomic_load_relaxed(&limit) ? clock_now() + LINGER_NS : 0;
	uint32_t word = THREAD_WATCHES;

	if (!atomic_cas_acq_rel(&thread_word, &word, THREAD_LINGERS) && word != THREAD_LINGERS)
		return true;
	while (atomic_load_acquire(&pokes) == seen && clock_now() < end)
		dma_fence_park_wait(&pokes, seen, end);
	word = THREAD_LINGERS;
	return MUTANT(HANG_THREAD_STAYS) || !atomic_cas_acq_rel(&thread_word, &word, THREAD_NONE);
}

static void *watch(void *arg)
{
	bool needed = true;

	(void)arg;
	pthread_setname_np(pthread_self(), "dmafence-hang");
	while (needed) {
		const uint32_t seen = atomic_load_acquire(&pokes);
		const int64_t next = tell_hanging();

		if (atomic_load_acquire(&thread_word) < ONE_ENTRY)
			needed = linger(seen);
		else
			dma_fence_park_wait(&pokes, seen, next);
	}
	return NULL;
}

/* Hooks */

static void begin(struct dma_fence *fence, uint32_t threads, uint32_t callbacks)
{
	struct part *part = part_of(fence);
	const int64_t now = clock_now();
	struct waited *entry = NULL;
	bool before;

	/* If it is not signaled its signal will find the entry: that takes the lock after the flag. */
	lock_acquire(&part->lock);
	if (atomic_load_relaxed(&limit) && !dma_fence_test_signaled_flag(fence))
		entry = find_or_insert(part, fence, now);
	if (entry) {
		before = needs_thread(entry);
		entry->threads += threads;
		entry->callbacks += callbacks;
		count_need(before, needs_thread(entry));
	}
	lock_release(&part->lock);
	if (entry)
		see_that_somebody_watches();
}

/* Of one that began before the watch was switched on there may be nothing to take back. */
static void end(const struct dma_fence *fence, uint32_t threads, uint32_t callbacks)
{
	struct part *part = part_of(fence);
	struct waited *entry;
	bool before;

	lock_acquire(&part->lock);
	entry = find(part, fence);
	if (entry && !is_idle(entry)) {
		before = needs_thread(entry);
		entry->threads -= threads < entry->threads ? threads : entry->threads;
		entry->callbacks -= callbacks < entry->callbacks ? callbacks : entry->callbacks;
		if (is_idle(entry))
			entry->idle_since = clock_now();
		count_need(before, needs_thread(entry));
	}
	lock_release(&part->lock);
}

/* A wait that began before the watch was switched on takes nothing back: it is another one's. */
static void on_wait_begin(struct dma_fence *fence)
{
	waits_since = atomic_load_relaxed(&times_on);
	begin(fence, 1, 0);
}

static void on_wait_end(struct dma_fence *fence, int result)
{
	(void)result;
	if (waits_since == atomic_load_relaxed(&times_on))
		end(fence, 1, 0);
	waits_since = 0;
}

/* Of the library's own the fence may be gone. */
static bool is_for_another(dma_fence_func_t func)
{
	return !MUTANT(HANG_BLAMES_MEMBERS) &&
	       (dma_fence_is_array_callback(func) || dma_fence_is_chain_callback(func) ||
		dma_fence_is_promise_callback(func));
}

static void on_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func,
			    int result)
{
	(void)cb;
	if (!result && !is_for_another(func))
		begin(fence, 0, 1);
}

static void on_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb, bool result)
{
	(void)cb;
	if (result)
		end(fence, 0, 1);
}

static void on_wait_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count)
{
	if (!atomic_load_relaxed(&limit))
		return;
	/* First: the thread may take it as soon as it is there. */
	count_need(false, true);
	if (dma_fence_hang_points_begin(points, count))
		see_that_somebody_watches();
	else
		count_need(true, false);
}

static void on_wait_points_end(const struct dma_fence_syncobj_point *points, int result)
{
	(void)points;
	(void)result;
	if (dma_fence_hang_points_end())
		count_need(true, false);
}

/* It has signaled, or is released. */
static void forget(struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct waited *entry;

	lock_acquire(&part->lock);
	entry = find(part, fence);
	if (entry)
		take_out(part, entry);
	lock_release(&part->lock);
}

static const struct hooks hooks = {
	.release = forget,
	.signal = forget,
	.add_callback = on_add_callback,
	.remove_callback = on_remove_callback,
	.wait_begin = on_wait_begin,
	.wait_end = on_wait_end,
	.wait_points_begin = on_wait_points_begin,
	.wait_points_end = on_wait_points_end,
};

static void forget_all(void)
{
	uint32_t i, k;

	for (i = dma_fence_hang_points_forget(); i > 0; i--)
		count_need(true, false);
	for (i = 0; i < BY_FENCE_PARTS; i++) {
		lock_acquire(&parts[i].lock);
		for (k = 0; k < parts[i].table.size; k++) {
			while (parts[i].table.buckets[k])
				take_out(&parts[i], (struct waited *)parts[i].table.buckets[k]);
		}
		dma_fence_by_fence_free(&parts[i].table);
		lock_release(&parts[i].lock);
	}
}

/* What an explanation has to say is known from then on. */
static void switch_on(void)
{
	atomic_fetch_add_relaxed(&times_on, 1);
	dma_fence_records_want();
	dma_fence_sleepers_want_stacks();
	dma_fence_hang_points_allow();
	dma_fence_hooks_add(&hooks);
}

static void switch_off(void)
{
	/* First: a fence that is released afterwards is not told of. */
	forget_all();
	dma_fence_hooks_remove(&hooks);
	dma_fence_sleepers_unwant_stacks();
	dma_fence_records_unwant();
}

int dma_fence_hang_watch(int64_t limit_ns)
{
	int64_t before;

	if (limit_ns < 0)
		return -EINVAL;
	lock_acquire(&switch_lock);
	before = atomic_load_relaxed(&limit);
	atomic_store_relaxed(&limit, limit_ns);
	if (limit_ns && !before)
		switch_on();
	if (!limit_ns && before)
		switch_off();
	poke();
	lock_release(&switch_lock);
	return 0;
}

/* fork() */

static void fork_prepare(void)
{
	unsigned int i;

	lock_acquire(&switch_lock);
	for (i = 0; i < BY_FENCE_PARTS; i++)
		lock_acquire(&parts[i].lock);
	dma_fence_hang_points_lock();
}

static void fork_parent(void)
{
	unsigned int i;

	dma_fence_hang_points_unlock(false);
	for (i = 0; i < BY_FENCE_PARTS; i++)
		lock_release(&parts[i].lock);
	lock_release(&switch_lock);
}

/* It has neither the thread nor any of those that wait. */
static void fork_child(void)
{
	struct by_fence *link;
	struct waited *entry;
	uint32_t i, k;
	bool before;

	for (i = dma_fence_hang_points_unlock(true); i > 0; i--)
		count_need(true, false);
	for (i = 0; i < BY_FENCE_PARTS; i++) {
		for (k = 0; k < parts[i].table.size; k++) {
			for (link = parts[i].table.buckets[k]; link; link = link->next) {
				entry = (struct waited *)link;
				before = needs_thread(entry);
				entry->threads = 0;
				count_need(before, needs_thread(entry));
			}
		}
		lock_release(&parts[i].lock);
	}
	atomic_fetch_and_relaxed(&thread_word, ~THREAD_STATE);
	lock_release(&switch_lock);
}

void dma_fence_hang_start(void)
{
	const char *text = getenv("DMA_FENCE_HANG_MS");
	char *rest;
	long long ms;

	static struct fork_handlers handlers = {
		.order = FORK_HANGS,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
	if (!text || !*text)
		return;
	ms = strtoll(text, &rest, 10);
	if (*rest || ms < 0 || ms > INT64_MAX / 1000000)
		fprintf(stderr,
			"dmafence: DMA_FENCE_HANG_MS: '%s' is not a number of "
			"milliseconds\n",
			text);
	else
		dma_fence_hang_watch(ms * INT64_C(1000000));
}
