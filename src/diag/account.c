/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "diag/account.h"
#include "diag/experience.h"
#include "diag/fold.h"
#include "fence/state.h"

/* By the fence's address. Each part has its own lock, its own share of the memory, and its own lists. */
#define PARTS 64

/* What the pool consists of, and how many come from malloc() at a time. */
#define BLOCK 256
#define BATCH 64

#define FIRST_ENTRIES 5
#define CHUNK_ENTRIES 7

/* More entries of an account, behind those that are in it. */
struct chunk {
	struct chunk *next;
	uint64_t unused[3];
	struct entry entries[CHUNK_ENTRIES];
};

struct account {
	struct account *next; /* of those with the same hash; of those that are free */
	TAILQ_ENTRY(account) link;
	struct chunk *more;
	struct account_head head;
	uint32_t count;
	uint8_t age;
	struct entry entries[FIRST_ENTRIES];
};

union block {
	union block *next; /* of those that are free */
	struct account account;
	struct chunk chunk;
};

_Static_assert(sizeof(union block) <= BLOCK, "an account, or a part of one, is a block");
_Static_assert(ACCOUNT_MOST <= FIRST_ENTRIES + 14 * CHUNK_ENTRIES, "chunks are full");

struct batch {
	struct batch *next;
	union block blocks[BATCH];
};

/* In which order they give way. */
enum age { RELEASED, SIGNALED_ONES, PENDING, AGES };

TAILQ_HEAD(accounts, account);

struct part {
	struct lock lock;
	uint32_t size; /* buckets: a power of two; 0 */
	struct account **buckets;
	struct accounts ages[AGES];
	union block *free;
	struct batch *batches;
	uint32_t blocks; /* how many there are */
	struct account_figures figures;
} __attribute__((aligned(64)));

static struct part parts[PARTS];
static uint32_t most_blocks = BATCH; /* in each part; hooks may come while it is set */

static uint64_t hash(const void *address)
{
	return ((uintptr_t)address >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct part *part_of(const struct dma_fence *fence)
{
	return &parts[hash(fence) >> 58];
}

/* All of what follows with the lock of the part held. */

static struct account **bucket_of(const struct part *part, const struct dma_fence *fence)
{
	return &part->buckets[(hash(fence) >> 26) & (part->size - 1)];
}

static struct account *find(const struct part *part, const struct dma_fence *fence)
{
	struct account *account = part->size ? *bucket_of(part, fence) : NULL;

	while (account && account->head.fence != fence)
		account = account->next;
	return account;
}

/* Memory */

static bool make_buckets(struct part *part)
{
	const uint32_t most = atomic_load_relaxed(&most_blocks);
	uint32_t size = 64, age;

	while (size < most / 2)
		size *= 2;
	part->buckets = calloc(size, sizeof(struct account *));
	if (!part->buckets)
		return false;
	part->size = size;
	for (age = 0; age < AGES; age++)
		TAILQ_INIT(&part->ages[age]);
	return true;
}

static void free_block(struct part *part, void *unused)
{
	union block *block = unused;

	block->next = part->free;
	part->free = block;
}

static void more_blocks(struct part *part)
{
	struct batch *batch;
	uint32_t i;

	if (part->blocks + BATCH > atomic_load_relaxed(&most_blocks))
		return;
	batch = malloc(sizeof(*batch));
	if (!batch)
		return;
	batch->next = part->batches;
	part->batches = batch;
	part->blocks += BATCH;
	for (i = BATCH; i-- > 0;)
		free_block(part, &batch->blocks[i]);
}

static void free_chunks(struct part *part, struct chunk **first)
{
	struct chunk *chunk;

	while ((chunk = *first)) {
		*first = chunk->next;
		free_block(part, chunk);
	}
}

static void take_out(struct part *part, struct account *gone)
{
	struct account **link = bucket_of(part, gone->head.fence);

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	TAILQ_REMOVE(&part->ages[gone->age], gone, link);
	part->figures.accounts--;
	part->figures.entries -= gone->count;
	free_chunks(part, &gone->more);
	free_block(part, gone);
}

/* The one that may give way first, other than 'keep'. */
static struct account *first_to_go(struct part *part, const struct account *keep)
{
	struct account *account;
	uint32_t age;

	for (age = 0; age < AGES; age++) {
		account = TAILQ_FIRST(&part->ages[age]);
		if (account && account == keep)
			account = TAILQ_NEXT(account, link);
		if (account)
			return account;
	}
	return NULL;
}

static void *take_block(struct part *part, const struct account *keep)
{
	struct account *gone;
	union block *block;

	if (!part->free)
		more_blocks(part);
	if (!part->free) {
		gone = first_to_go(part, keep);
		if (!gone)
			return NULL;
		part->figures.given_up += gone->age != RELEASED;
		take_out(part, gone);
	}
	block = part->free;
	part->free = block->next;
	return block;
}

/* Entries */

static struct entry *entry_at(struct account *account, uint32_t i)
{
	struct chunk *chunk = account->more;

	if (i < FIRST_ENTRIES)
		return &account->entries[i];
	for (i -= FIRST_ENTRIES; i >= CHUNK_ENTRIES; i -= CHUNK_ENTRIES)
		chunk = chunk->next;
	return &chunk->entries[i];
}

static void copy_out(const struct account *account, struct entry *entries)
{
	const struct chunk *chunk = account->more;
	uint32_t n, left = account->count;

	n = left < FIRST_ENTRIES ? left : FIRST_ENTRIES;
	memcpy(entries, account->entries, n * sizeof(*entries));
	for (left -= n; left; left -= n) {
		entries += n;
		n = left < CHUNK_ENTRIES ? left : CHUNK_ENTRIES;
		memcpy(entries, chunk->entries, n * sizeof(*entries));
		chunk = chunk->next;
		if (left == n)
			break;
	}
}

static void copy_in(struct part *part, struct account *account, const struct entry *entries,
		    uint32_t count)
{
	struct chunk **chunk = &account->more;
	uint32_t n;

	account->count = count;
	n = count < FIRST_ENTRIES ? count : FIRST_ENTRIES;
	memcpy(account->entries, entries, n * sizeof(*entries));
	for (count -= n; count; count -= n) {
		entries += n;
		n = count < CHUNK_ENTRIES ? count : CHUNK_ENTRIES;
		memcpy((*chunk)->entries, entries, n * sizeof(*entries));
		chunk = &(*chunk)->next;
	}
	free_chunks(part, chunk);
}

static void fold(struct part *part, struct account *account)
{
	struct entry entries[ACCOUNT_MOST];
	const uint32_t before = account->count;

	copy_out(account, entries);
	copy_in(part, account, entries, dma_fence_fold(&account->head, entries, before));
	part->figures.entries -= before - account->count;
	part->figures.folded += before - account->count;
}

/* Room for one more. */
static bool extend(struct part *part, struct account *account)
{
	struct chunk **link = &account->more, *chunk;

	if (account->count < FIRST_ENTRIES || (account->count - FIRST_ENTRIES) % CHUNK_ENTRIES)
		return true;
	chunk = take_block(part, account);
	if (!chunk)
		return false;
	chunk->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = chunk;
	return true;
}

static void append(struct part *part, struct account *account, const struct entry *entry)
{
	if (account->count == ACCOUNT_MOST)
		fold(part, account);
	if (account->count == ACCOUNT_MOST) {
		part->figures.missing++;
		return;
	}
	if (!extend(part, account)) {
		/* The pool is this account's alone. */
		fold(part, account);
		if (!extend(part, account)) {
			part->figures.missing++;
			return;
		}
	}
	*entry_at(account, account->count++) = *entry;
	part->figures.entries++;
}

/* Accounts */

static void grow_older(struct part *part, struct account *account, enum age age)
{
	TAILQ_REMOVE(&part->ages[account->age], account, link);
	account->age = (uint8_t)age;
	TAILQ_INSERT_TAIL(&part->ages[age], account, link);
}

static struct account *insert(struct part *part, struct dma_fence *fence, enum account_make make)
{
	const bool new = make == ACCOUNT_NEW;
	struct account *account, **bucket;
	uint32_t before = 0;
	bool signaled;

	if (make == ACCOUNT_ONLY)
		return NULL;
	account = part->size || make_buckets(part) ? take_block(part, NULL) : NULL;
	if (!account) {
		part->figures.missing++;
		return NULL;
	}
	if (!new)
		before = atomic_load_relaxed(&fence->refcount);
	if (before && make == ACCOUNT_OPEN_TAKEN)
		before--;
	signaled = dma_fence_test_signaled_flag(fence);
	account->head = (struct account_head){
		.fence = fence,
		.context = fence->context,
		.seqno = fence->seqno,
		.before = before,
		.known_from_init = new,
		.pending_before = !new && !signaled,
		.signaled = signaled,
	};
	account->more = NULL;
	account->count = 0;
	account->age = signaled ? SIGNALED_ONES : PENDING;
	TAILQ_INSERT_TAIL(&part->ages[account->age], account, link);
	bucket = bucket_of(part, fence);
	account->next = *bucket;
	*bucket = account;
	part->figures.accounts++;
	return account;
}

/* Whether that container has a reference that it has not dropped yet; then it does now. */
static bool given_back(struct account *account, uint64_t container)
{
	uint32_t i;

	for (i = 0; i < account->count; i++) {
		struct entry *entry = entry_at(account, i);

		if (entry->kind == ENTRY_CONTAIN && entry->value == container &&
		    !(entry->flags & ENTRY_GIVEN)) {
			entry->flags |= ENTRY_GIVEN;
			return true;
		}
	}
	return false;
}

static void learn(struct account *account)
{
	uint32_t i;

	if (!account->head.signaled || !account->head.known_from_init)
		return;
	for (i = 0; i < account->count; i++)
		dma_fence_experience_learn(&account->entries[0], entry_at(account, i));
}

static void enter(struct part *part, struct account *account, struct entry *entry)
{
	if (entry->kind == ENTRY_PUT && entry->value && !given_back(account, entry->value))
		entry->value = 0;
	if (entry->kind == ENTRY_RELEASE)
		learn(account);
	append(part, account, entry);
	if (entry->kind == ENTRY_SIGNAL) {
		account->head.signaled = true;
		if (account->age == PENDING)
			grow_older(part, account, SIGNALED_ONES);
	} else if (entry->kind == ENTRY_RELEASE) {
		account->head.released = true;
		grow_older(part, account, RELEASED);
	}
}

void dma_fence_account_add(struct dma_fence *fence, struct entry *entry, enum account_make make)
{
	struct part *part = part_of(fence);
	struct account *account;

	lock_acquire(&part->lock);
	account = find(part, fence);
	if (account && make == ACCOUNT_NEW) {
		take_out(part, account);
		account = NULL;
	}
	if (!account)
		account = insert(part, fence, make);
	if (account && entry)
		enter(part, account, entry);
	lock_release(&part->lock);
}

bool dma_fence_account_exists(const struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	bool exists;

	lock_acquire(&part->lock);
	exists = find(part, fence);
	lock_release(&part->lock);
	return exists;
}

void dma_fence_account_forget(const struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct account *account;

	lock_acquire(&part->lock);
	account = find(part, fence);
	if (account)
		take_out(part, account);
	lock_release(&part->lock);
}

struct history *dma_fence_account_history(const struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct history *history = malloc(sizeof(*history));
	struct account *account;

	if (!history)
		return NULL;
	lock_acquire(&part->lock);
	account = find(part, fence);
	if (account) {
		history->head = account->head;
		history->count = account->count;
		copy_out(account, history->entries);
	}
	lock_release(&part->lock);
	if (!account) {
		free(history);
		errno = ENOENT;
		return NULL;
	}
	return history;
}

/* All of them */

void dma_fence_accounts_limit(size_t bytes)
{
	size_t blocks = bytes / PARTS / BLOCK;

	if (blocks > UINT32_MAX / 2)
		blocks = UINT32_MAX / 2;
	atomic_store_relaxed(&most_blocks, blocks < BATCH ? BATCH : (uint32_t)blocks);
}

void dma_fence_accounts_forget(void)
{
	struct batch *batch;
	uint32_t i;

	for (i = 0; i < PARTS; i++) {
		struct part *part = &parts[i];

		lock_acquire(&part->lock);
		while ((batch = part->batches)) {
			part->batches = batch->next;
			free(batch);
		}
		free(part->buckets);
		part->buckets = NULL;
		part->size = 0;
		part->free = NULL;
		part->blocks = 0;
		part->figures = (struct account_figures){ 0 };
		lock_release(&part->lock);
	}
}

void dma_fence_accounts_figures(struct account_figures *figures)
{
	uint32_t i;

	*figures = (struct account_figures){ .limit = (size_t)atomic_load_relaxed(&most_blocks) *
						      BLOCK * PARTS };
	for (i = 0; i < PARTS; i++) {
		struct part *part = &parts[i];

		lock_acquire(&part->lock);
		figures->accounts += part->figures.accounts;
		figures->entries += part->figures.entries;
		figures->folded += part->figures.folded;
		figures->given_up += part->figures.given_up;
		figures->missing += part->figures.missing;
		figures->memory += (size_t)part->blocks * BLOCK + part->size * sizeof(void *);
		lock_release(&part->lock);
	}
}

void dma_fence_accounts_lock(void)
{
	uint32_t i;

	for (i = 0; i < PARTS; i++)
		lock_acquire(&parts[i].lock);
}

void dma_fence_accounts_unlock(void)
{
	uint32_t i;

	for (i = 0; i < PARTS; i++)
		lock_release(&parts[i].lock);
}
