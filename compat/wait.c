/* SPDX-License-Identifier: MIT */
/* Wait queues, and what is made of them: variables and completions. */
#include <linux/completion.h>
#include <linux/wait.h>

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	(void)flags;
	(void)key;
	return wake_up_state(entry->private, mode);
}

int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags,
			     void *key)
{
	const int woken = default_wake_function(entry, mode, flags, key);

	if (woken)
		list_del_init(&entry->entry);
	return woken;
}

/* Those that are exclusive come last. */
static void add(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	if (entry->flags & WQ_FLAG_EXCLUSIVE)
		list_add_tail(&entry->entry, &queue->head);
	else
		list_add(&entry->entry, &queue->head);
}

void add_wait_queue(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	add(queue, entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void remove_wait_queue(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del(&entry->entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void prepare(struct wait_queue_head *queue, struct wait_queue_entry *entry, int state)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (list_empty(&entry->entry))
		add(queue, entry);
	set_current_state(state);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void prepare_to_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry, int state)
{
	entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	prepare(queue, entry, state);
}

void prepare_to_wait_exclusive(struct wait_queue_head *queue, struct wait_queue_entry *entry,
			       int state)
{
	entry->flags |= WQ_FLAG_EXCLUSIVE;
	prepare(queue, entry, state);
}

/* With the lock in any case, for who has woken us may still be at the entry. */
void finish_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void wake_up_locked(struct wait_queue_head *queue, unsigned int mode, int exclusive,
			   void *key)
{
	struct wait_queue_entry *entry, *next;
	unsigned int flags;

	list_for_each_entry_safe (entry, next, &queue->head, entry) {
		flags = entry->flags;
		if (entry->func(entry, mode, 0, key) && flags & WQ_FLAG_EXCLUSIVE && !--exclusive)
			break;
	}
}

void linux_wake_up(struct wait_queue_head *queue, unsigned int mode, int exclusive, void *key)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	wake_up_locked(queue, mode, exclusive, key);
	spin_unlock_irqrestore(&queue->lock, flags);
}

struct wait_queue_head *linux_var_queue(void)
{
	static DECLARE_WAIT_QUEUE_HEAD(queue);

	return &queue;
}

/* Completions. 'done' counts up to this, where it stays. */
#define DONE_FOR_ALL UINT_MAX

void complete(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	if (x->done != DONE_FOR_ALL)
		x->done++;
	wake_up_locked(&x->wait, TASK_NORMAL, 1, NULL);
	/* After this it may be gone. */
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

void complete_all(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	x->done = DONE_FOR_ALL;
	wake_up_locked(&x->wait, TASK_NORMAL, 0, NULL);
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

bool try_wait_for_completion(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done;
	if (done && x->done != DONE_FOR_ALL)
		x->done--;
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

/* Takes the lock so that who completed it has let go of it. */
bool completion_done(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done;
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

long linux_wait_for_completion(struct completion *x, unsigned int state, long timeout)
{
	DEFINE_WAIT(entry);
	long left = timeout;

	for (;;) {
		prepare_to_wait_exclusive(&x->wait, &entry, (int)state);
		if (try_wait_for_completion(x)) {
			left = left > 0 ? left : 1;
			break;
		}
		if (!left)
			break;
		if (signal_pending_state(state, current)) {
			left = -ERESTARTSYS;
			break;
		}
		left = schedule_timeout(left);
	}
	finish_wait(&x->wait, &entry);
	return left;
}
