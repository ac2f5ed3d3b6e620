/* SPDX-License-Identifier: MIT */
/*
 * Accounts: what the ledger has written down of each fence.
 *
 * An account is found by the fence's address, and stays when the fence has been released: a put after
 * the end wants to be explained. All memory comes from a pool of small blocks with a limit. When
 * there are none left, the accounts of fences that were released give way first, then those of fences
 * that have signaled, then the oldest.
 *
 * Each account has a limit, too. When it is full it is folded (fold.h).
 */
#ifndef DMAFENCE_DIAG_ACCOUNT_H
#define DMAFENCE_DIAG_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dmafence/fence.h>

enum entry_kind {
	ENTRY_INIT,
	ENTRY_GET, /* value: how many more there were just like this one */
	ENTRY_PUT, /* value: the container whose release has dropped it; 0 */
	ENTRY_RELEASE,
	ENTRY_ENABLE,
	ENTRY_SIGNAL,	       /* value: the error */
	ENTRY_SET_DEADLINE,    /* value: when */
	ENTRY_ADD_CALLBACK,    /* value: the function */
	ENTRY_REMOVE_CALLBACK, /* value: of the struct dma_fence_cb the address */
	ENTRY_CALLBACK,	       /* value: the function */
	ENTRY_WAIT_BEGIN,
	ENTRY_WAIT_END, /* value: the result */
	ENTRY_CONTAIN,	/* value: the container that it was put into */
	ENTRY_EXPORT,	/* value: the fd */
};

enum entry_flags {
	ENTRY_SIGNALED = 1 << 0, /* the fence was signaled by then */
	ENTRY_REFUSED = 1 << 1,	 /* the callback was not added, or not removed */
	ENTRY_GIVEN = 1 << 2,	 /* ENTRY_CONTAIN: that container has dropped it */
};

struct entry {
	int64_t time; /* CLOCK_MONOTONIC */
	uint64_t value;
	uint32_t stack;	 /* diag/stack.h */
	uint32_t caller; /* diag/caller.h; of ENTRY_INIT, _GET and _PUT */
	int32_t thread;
	uint8_t kind;
	uint8_t flags;
	uint16_t caller_frame;
};

static inline bool entry_takes(const struct entry *entry)
{
	return entry->kind == ENTRY_INIT || entry->kind == ENTRY_GET;
}

/* How many entries there are of a fence at most. */
#define ACCOUNT_MOST 103

/* What is known of the fence besides the entries. */
struct account_head {
	struct dma_fence *fence;
	uint64_t context;
	uint64_t seqno;
	uint64_t pairs;	 /* gets and puts of theirs that are not shown */
	uint32_t events; /* others that are not shown */
	uint32_t lost;	 /* references of which nothing more is known */
	uint32_t before; /* references that there were when the account began */
	bool known_from_init;
	bool pending_before; /* it was when the account began, and was not known from init */
	bool signaled;
	bool released;
};

/* A copy: the oldest entry first. */
struct history {
	struct account_head head;
	uint32_t count;
	struct entry entries[ACCOUNT_MOST];
};

enum account_make {
	ACCOUNT_NEW,	    /* a fence was made here: what was known of this place is of another */
	ACCOUNT_OPEN,	    /* make one if there is none; the fence can be looked at */
	ACCOUNT_OPEN_TAKEN, /* the same, and its count has the reference already that is told */
	ACCOUNT_ONLY,	    /* only if there is one */
};

/* For hooks. The entry's value may be changed; NULL: there is to be an account, and that is all. */
void dma_fence_account_add(struct dma_fence *fence, struct entry *entry, enum account_make make);
bool dma_fence_account_exists(const struct dma_fence *fence);
void dma_fence_account_forget(const struct dma_fence *fence);

/* To be freed; NULL with errno ENOENT if there is no account, or ENOMEM. */
struct history *dma_fence_account_history(const struct dma_fence *fence);

/* How much memory accounts may have from now on; before there are any. */
void dma_fence_accounts_limit(size_t bytes);
void dma_fence_accounts_forget(void);

struct account_figures {
	uint64_t accounts;
	uint64_t entries;
	uint64_t folded;
	uint64_t given_up; /* accounts that gave way */
	uint64_t missing;  /* entries that there was no memory for */
	size_t memory;
	size_t limit;
};

void dma_fence_accounts_figures(struct account_figures *figures);

/* Around a fork(). */
void dma_fence_accounts_lock(void);
void dma_fence_accounts_unlock(void);

#endif
