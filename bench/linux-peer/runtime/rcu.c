// SPDX-License-Identifier: MIT
/*
 * Deferred frees, on the QSBR flavour of liburcu.
 *
 * As in the kernel, what is to be freed is collected in pages of pointers, and a full page waits
 * for one grace period. The kernel has such a page per CPU, under a lock; here each thread has one, and
 * needs none. liburcu's thread frees.
 *
 * The shims' <linux/rcupdate.h> has a struct rcu_head of its own: no header of theirs is included.
 */
#include <stdlib.h>
#include <urcu/urcu-qsbr.h>

#include "peer.h"

/* So many that the page takes 4 kB. */
#define PAGE_POINTERS 509

struct page {
	struct rcu_head rcu;
	size_t count;
	void *blocks[PAGE_POINTERS];
};

static __thread struct page *page;
static __thread bool reader;

void peer_kfree_rcu(void *block);

static void free_page(struct rcu_head *head)
{
	struct page *full = (struct page *)head;
	size_t i;

	for (i = 0; i < full->count; i++)
		free(full->blocks[i]);
	free(full);
}

static void flush_page(void)
{
	if (page)
		urcu_qsbr_call_rcu(&page->rcu, free_page);
	page = NULL;
}

void peer_kfree_rcu(void *block)
{
	if (__builtin_expect(!page, 0)) {
		page = malloc(sizeof(*page));
		if (!page)
			abort();
		page->count = 0;
	}
	page->blocks[page->count++] = block;
	if (__builtin_expect(page->count == PAGE_POINTERS, 0))
		flush_page();
}

void peer_thread_begin(void)
{
	urcu_qsbr_register_thread();
	reader = true;
}

void peer_thread_end(void)
{
	flush_page();
	reader = false;
	urcu_qsbr_unregister_thread();
}

void peer_quiescent(void)
{
	urcu_qsbr_quiescent_state();
}

void peer_rcu_offline(void)
{
	if (reader)
		urcu_qsbr_thread_offline();
}

void peer_rcu_online(void)
{
	if (reader)
		urcu_qsbr_thread_online();
}

void peer_settle(void)
{
	peer_irq_work_flush();
	peer_quiescent();
	flush_page();
	urcu_qsbr_barrier();
}
