/* SPDX-License-Identifier: MIT */
/* Circular lists, linked both ways. */
#ifndef PEER_LINUX_LIST_H
#define PEER_LINUX_LIST_H

#include <linux/kernel.h>

#define LIST_HEAD_INIT(name) \
	{ \
		&(name), &(name) \
	}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline void peer_list_link(struct list_head *n, struct list_head *before,
				  struct list_head *after)
{
	n->prev = before;
	n->next = after;
	before->next = n;
	after->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *h)
{
	peer_list_link(n, h, h->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	peer_list_link(n, h->prev, h);
}

static inline void peer_list_unlink(struct list_head *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

/* As in the kernel it is left with poison, so that it faults if it is used again. */
static inline void list_del(struct list_head *e)
{
	peer_list_unlink(e);
	e->next = (struct list_head *)0x100;
	e->prev = (struct list_head *)0x122;
}

static inline void list_del_init(struct list_head *e)
{
	peer_list_unlink(e);
	INIT_LIST_HEAD(e);
}

static inline bool list_empty(const struct list_head *h)
{
	return READ_ONCE(h->next) == h;
}

/* 'n' takes the place of 'o', which is left as it was. */
static inline void list_replace(struct list_head *o, struct list_head *n)
{
	n->next = o->next;
	n->next->prev = n;
	n->prev = o->prev;
	n->prev->next = n;
}

#define list_entry(p, type, m)	     container_of(p, type, m)
#define list_first_entry(h, type, m) list_entry((h)->next, type, m)
#define list_next_entry(p, m)	     list_entry((p)->m.next, typeof(*(p)), m)

#define list_for_each_entry(p, h, m) \
	for (p = list_first_entry(h, typeof(*p), m); &p->m != (h); p = list_next_entry(p, m))

#define list_for_each_entry_safe(p, n, h, m) \
	for (p = list_first_entry(h, typeof(*p), m), n = list_next_entry(p, m); &p->m != (h); \
	     p = n, n = list_next_entry(n, m))

#endif
