/* SPDX-License-Identifier: MIT */
/*
 * kfree_rcu(): the block is found by an offset, which is kept where the function would be. So the
 * library cannot be given the block itself; it is given one link for all that is to be freed.
 *
 * 'incoming' gathers what the next grace period is for, and 'waiting' is what the one under way,
 * if there is one, is for.
 */
#include <pthread.h>

#include <linux/rcupdate.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_head *incoming, *waiting;
static struct rcu_head link;
static bool under_way;

static void grace_period_ended(struct rcu_head *unused);

/* With the lock held. */
static void begin(void)
{
	under_way = incoming;
	waiting = incoming;
	incoming = NULL;
	if (under_way)
		call_rcu(&link, grace_period_ended);
}

static void grace_period_ended(struct rcu_head *unused)
{
	struct rcu_head *head, *next;

	(void)unused;
	pthread_mutex_lock(&lock);
	head = waiting;
	pthread_mutex_unlock(&lock);
	for (; head; head = next) {
		next = head->next;
		kfree((char *)head - (uintptr_t)head->func);
	}
	pthread_mutex_lock(&lock);
	begin();
	pthread_mutex_unlock(&lock);
}

void linux_kfree_rcu(struct rcu_head *head, size_t offset)
{
	head->func = (rcu_callback_t)offset;
	pthread_mutex_lock(&lock);
	head->next = incoming;
	incoming = head;
	if (!under_way)
		begin();
	pthread_mutex_unlock(&lock);
}

void rcu_barrier(void)
{
	bool more;

	do {
		dma_fence_rcu_barrier();
		pthread_mutex_lock(&lock);
		more = under_way;
		pthread_mutex_unlock(&lock);
	} while (more);
}
