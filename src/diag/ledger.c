/* SPDX-License-Identifier: MIT */
/* What the ledger is on for, and what it writes down. */
#include <errno.h>
#include <stdlib.h>

#include <dmafence/array.h>
#include <dmafence/chain.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "diag/account.h"
#include "diag/caller.h"
#include "diag/experience.h"
#include "diag/ledger.h"
#include "diag/stack.h"
#include "diag/symbols.h"
#include "diag/thread.h"
#include "diag/verdict.h"

/* As many contexts, and as many fences, can be asked for one by one. */
#define MOST_WANTED 64

/* Of all accounts together, if DMA_FENCE_LEDGER_MB says nothing else. */
#define MEGABYTES 64

/* Of contexts by number, of fences by address; 0 where there is none. Read by hooks without a lock. */
struct wanted {
	uint32_t count;
	uint64_t names[MOST_WANTED];
	uint32_t times[MOST_WANTED];
};

static struct lock lock; /* of all that follows */
static uint32_t process;
static struct wanted contexts, fences;

/* The container whose release has begun last on this thread: puts of what it is made of follow. */
static _Thread_local uint64_t releasing;

static bool is_wanted(const struct wanted *wanted, uint64_t name)
{
	uint32_t i;

	if (!atomic_load_relaxed(&wanted->count))
		return false;
	for (i = 0; i < MOST_WANTED; i++) {
		if (atomic_load_relaxed(&wanted->names[i]) == name)
			return true;
	}
	return false;
}

static bool fence_wanted(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&process) || is_wanted(&fences, (uintptr_t)fence);
}

/* What is written down */

/* 'hook_returns_to' is NULL of what is no reference. */
static void write_down(struct dma_fence *fence, enum entry_kind kind, uint64_t value, uint8_t flags,
		       enum account_make make, const void *hook_returns_to)
{
	struct entry entry = {
		.time = clock_now(),
		.value = value,
		.stack = dma_fence_stack_here(),
		.thread = dma_fence_thread_number(),
		.kind = (uint8_t)kind,
		.flags = flags,
	};

	if (hook_returns_to) {
		const struct caller caller =
			dma_fence_caller(entry.stack, hook_returns_to, kind == ENTRY_INIT);

		entry.caller = caller.function;
		entry.caller_frame = (uint16_t)caller.frame;
	}
	dma_fence_account_add(fence, &entry, make);
}

static void note_from(struct dma_fence *fence, enum entry_kind kind, uint64_t value, uint8_t flags,
		      enum account_make make, const void *hook_returns_to)
{
	if (!fence_wanted(fence)) {
		if (!dma_fence_account_exists(fence))
			return;
		make = ACCOUNT_ONLY;
	}
	write_down(fence, kind, value, flags, make, hook_returns_to);
}

/* Of a fence that may be gone 'make' is ACCOUNT_ONLY. */
static void note(struct dma_fence *fence, enum entry_kind kind, uint64_t value, uint8_t flags,
		 enum account_make make)
{
	note_from(fence, kind, value, flags, make, NULL);
}

static uint8_t signaled_by_now(const struct dma_fence *fence)
{
	return dma_fence_test_signaled_flag(fence) ? ENTRY_SIGNALED : 0;
}

static void on_init(struct dma_fence *fence)
{
	if (fence_wanted(fence) || is_wanted(&contexts, fence->context))
		write_down(fence, ENTRY_INIT, 0, 0, ACCOUNT_NEW, __builtin_return_address(0));
	else
		dma_fence_account_forget(fence); /* of another one at this place */
}

static void on_get(struct dma_fence *fence)
{
	note_from(fence, ENTRY_GET, 0, signaled_by_now(fence), ACCOUNT_OPEN,
		  __builtin_return_address(0));
}

static void on_get_rcu(struct dma_fence *fence)
{
	note_from(fence, ENTRY_GET, 0, signaled_by_now(fence), ACCOUNT_OPEN_TAKEN,
		  __builtin_return_address(0));
}

static void on_put(struct dma_fence *fence)
{
	note_from(fence, ENTRY_PUT, releasing, signaled_by_now(fence), ACCOUNT_OPEN,
		  __builtin_return_address(0));
}

static void on_release(struct dma_fence *fence)
{
	if (dma_fence_is_container(fence))
		releasing = (uintptr_t)fence;
	note(fence, ENTRY_RELEASE, 0, 0, ACCOUNT_ONLY);
}

static void on_enable(struct dma_fence *fence)
{
	note(fence, ENTRY_ENABLE, 0, 0, ACCOUNT_OPEN);
}

static void on_signal(struct dma_fence *fence)
{
	note(fence, ENTRY_SIGNAL, (uint64_t)(int64_t)atomic_load_relaxed(&fence->error), 0,
	     ACCOUNT_OPEN);
}

static void on_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	note(fence, ENTRY_SET_DEADLINE, (uint64_t)deadline_ns, 0, ACCOUNT_OPEN);
}

static void on_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func,
			    int result)
{
	(void)cb;
	note(fence, ENTRY_ADD_CALLBACK, (uintptr_t)func, result ? ENTRY_REFUSED : 0, ACCOUNT_OPEN);
}

static void on_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb, bool result)
{
	note(fence, ENTRY_REMOVE_CALLBACK, (uintptr_t)cb, result ? 0 : ENTRY_REFUSED, ACCOUNT_ONLY);
}

static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	note(fence, ENTRY_CALLBACK, (uintptr_t)cb->func, 0, ACCOUNT_ONLY);
}

static void on_wait_begin(struct dma_fence *fence)
{
	note(fence, ENTRY_WAIT_BEGIN, 0, 0, ACCOUNT_OPEN);
}

static void on_wait_end(struct dma_fence *fence, int result)
{
	note(fence, ENTRY_WAIT_END, (uint64_t)(int64_t)result, 0, ACCOUNT_ONLY);
}

static void on_contain(struct dma_fence *container)
{
	const struct dma_fence_array *array = to_dma_fence_array(container);
	const struct dma_fence_chain *chain = to_dma_fence_chain(container);
	unsigned int i;

	for (i = 0; array && i < array->num_fences; i++)
		note(array->fences[i], ENTRY_CONTAIN, (uintptr_t)container, 0, ACCOUNT_OPEN);
	if (chain) {
		note(chain->fence, ENTRY_CONTAIN, (uintptr_t)container, 0, ACCOUNT_OPEN);
		if (chain->prev)
			note(chain->prev, ENTRY_CONTAIN, (uintptr_t)container, 0, ACCOUNT_OPEN);
	}
}

static void on_export(struct dma_fence *fence, int fd)
{
	note(fence, ENTRY_EXPORT, (uint64_t)fd, 0, ACCOUNT_OPEN);
}

static const struct hooks hooks = {
	.init = on_init,
	.get = on_get,
	.get_rcu = on_get_rcu,
	.put = on_put,
	.release = on_release,
	.enable = on_enable,
	.signal = on_signal,
	.set_deadline = on_set_deadline,
	.add_callback = on_add_callback,
	.remove_callback = on_remove_callback,
	.callback = on_callback,
	.wait_begin = on_wait_begin,
	.wait_end = on_wait_end,
	.contain = on_contain,
	.export = on_export,
};

/* What it is on for: with the lock held */

static bool is_on(void)
{
	return process || contexts.count || fences.count;
}

static void read_limit(void)
{
	const char *text = getenv("DMA_FENCE_LEDGER_MB");
	char *end;
	unsigned long megabytes = text ? strtoul(text, &end, 10) : 0;

	if (!text || end == text || *end || !megabytes || megabytes > 1024 * 1024)
		megabytes = MEGABYTES;
	dma_fence_accounts_limit((size_t)megabytes << 20);
}

static void begin(void)
{
	if (is_on())
		return;
	read_limit();
	dma_fence_stack_init();
	dma_fence_hooks_add(&hooks);
}

static void end(void)
{
	if (is_on())
		return;
	dma_fence_hooks_remove(&hooks);
	dma_fence_accounts_forget();
}

static int want(struct wanted *wanted, uint64_t name)
{
	uint32_t i, free = MOST_WANTED;

	for (i = 0; i < MOST_WANTED; i++) {
		if (wanted->names[i] == name) {
			wanted->times[i]++;
			return 0;
		}
		if (!wanted->names[i] && free == MOST_WANTED)
			free = i;
	}
	if (free == MOST_WANTED)
		return -ENOSPC;
	begin();
	wanted->times[free] = 1;
	atomic_store_relaxed(&wanted->names[free], name);
	atomic_store_relaxed(&wanted->count, wanted->count + 1);
	return 0;
}

static int unwant(struct wanted *wanted, uint64_t name)
{
	uint32_t i;

	for (i = 0; i < MOST_WANTED && wanted->names[i] != name; i++)
		;
	if (i == MOST_WANTED)
		return -ENOENT;
	if (--wanted->times[i])
		return 0;
	atomic_store_relaxed(&wanted->names[i], 0);
	atomic_store_relaxed(&wanted->count, wanted->count - 1);
	end();
	return 0;
}

void dma_fence_ledger_start(void)
{
	lock_acquire(&lock);
	begin();
	atomic_store_relaxed(&process, process + 1);
	lock_release(&lock);
}

int dma_fence_ledger_stop(void)
{
	int ret = 0;

	lock_acquire(&lock);
	if (process) {
		atomic_store_relaxed(&process, process - 1);
		end();
	} else {
		ret = -ENOENT;
	}
	lock_release(&lock);
	return ret;
}

int dma_fence_ledger_start_context(uint64_t context)
{
	int ret;

	if (!context)
		return -EINVAL;
	lock_acquire(&lock);
	ret = want(&contexts, context);
	lock_release(&lock);
	return ret;
}

int dma_fence_ledger_stop_context(uint64_t context)
{
	int ret;

	if (!context)
		return -EINVAL;
	lock_acquire(&lock);
	ret = unwant(&contexts, context);
	lock_release(&lock);
	return ret;
}

int dma_fence_ledger_start_fence(struct dma_fence *fence)
{
	int ret;

	if (!fence)
		return -EINVAL;
	lock_acquire(&lock);
	ret = want(&fences, (uintptr_t)fence);
	lock_release(&lock);
	if (!ret)
		dma_fence_account_add(fence, NULL, ACCOUNT_OPEN);
	return ret;
}

int dma_fence_ledger_stop_fence(const struct dma_fence *fence)
{
	int ret;

	if (!fence)
		return -EINVAL;
	lock_acquire(&lock);
	ret = unwant(&fences, (uintptr_t)fence);
	lock_release(&lock);
	return ret;
}

bool dma_fence_ledger_is_on(void)
{
	return atomic_load_relaxed(&process) || atomic_load_relaxed(&contexts.count) ||
	       atomic_load_relaxed(&fences.count);
}

/* What it says */

/* To be freed; NULL with errno set, to ENOENT if nothing is known of it. */
static char *text_of(const struct dma_fence *fence,
		     void (*verdict)(FILE *out, const struct history *history))
{
	struct history *history;
	char *text = NULL;
	size_t size;
	FILE *out;

	errno = ENOENT;
	history = fence ? dma_fence_account_history(fence) : NULL;
	if (!history)
		return NULL;
	out = open_memstream(&text, &size);
	if (out) {
		dma_fence_symbols_begin();
		verdict(out, history);
		dma_fence_symbols_end();
	}
	free(history);
	if (out && !fclose(out))
		return text;
	free(text);
	errno = ENOMEM;
	return NULL;
}

static void history_and_verdict(FILE *out, const struct history *history)
{
	dma_fence_history_print(out, history);
	dma_fence_verdict_on_puts(out, history);
}

/* Not while symbols are looked up: who has that file locked may be waiting to look up his own. */
int dma_fence_ledger_print(const struct dma_fence *fence, FILE *out)
{
	char *text = text_of(fence, history_and_verdict);

	if (!text)
		return -errno;
	fputs(text, out);
	free(text);
	return 0;
}

static void verdict_on_refcount(FILE *out, const struct history *history)
{
	dma_fence_verdict_on_fault(out, history);
	dma_fence_experience_unlearn(history);
}

char *dma_fence_ledger_fault(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	switch (reason) {
	case DMA_FENCE_REPORT_REFCOUNT:
		return text_of(fence, verdict_on_refcount);
	case DMA_FENCE_REPORT_QUARANTINE:
	case DMA_FENCE_REPORT_LATE_SIGNAL:
		return text_of(fence, dma_fence_verdict_on_fault);
	default:
		return NULL;
	}
}

char *dma_fence_ledger_holders(struct dma_fence *fence)
{
	return text_of(fence, dma_fence_verdict_on_holders);
}

char *dma_fence_ledger_leak(struct dma_fence *fence)
{
	return text_of(fence, dma_fence_verdict_on_gets);
}

void dma_fence_ledger_get_use(struct dma_fence_ledger_use *use)
{
	struct account_figures figures;

	dma_fence_accounts_figures(&figures);
	*use = (struct dma_fence_ledger_use){
		.fences = figures.accounts,
		.entries = figures.entries,
		.folded = figures.folded,
		.given_up = figures.given_up,
		.missing = figures.missing,
		.memory = figures.memory,
		.limit = figures.limit,
	};
}

static void fork_prepare(void)
{
	lock_acquire(&lock);
	dma_fence_accounts_lock();
}

static void fork_done(void)
{
	dma_fence_accounts_unlock();
	lock_release(&lock);
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_LEDGER,
		.prepare = fork_prepare,
		.parent = fork_done,
		.child = fork_done,
	};

	dma_fence_at_fork(&handlers);
}
