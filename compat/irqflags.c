/* SPDX-License-Identifier: MIT */
/* What a thread runs when it gives back the last lock: callbacks of fences, then irq_work. */
#include <dmafence/fence.h>

#include <linux/irq_work.h>
#include <linux/irqflags.h>

__thread struct linux_thread linux_thread;

void linux_atomic_begin(void)
{
	linux_thread.begun = dma_fence_begin_delivery();
}

static void run_works(struct linux_thread *thread)
{
	struct irq_work *work;

	while ((work = thread->first_work)) {
		thread->first_work = work->next;
		/* From here on it may be queued again, or freed by its function. */
		__atomic_store_n(&work->pending, 0, __ATOMIC_SEQ_CST);
		work->func(work);
	}
}

/*
 * What has not begun is inside a delivery: the library's, or one further out on this stack, which
 * goes on with the work when it has come to its end.
 */
void linux_atomic_end(void)
{
	struct linux_thread *thread = &linux_thread;
	const bool begun = thread->begun, outermost = !thread->delivering;

	thread->begun = false;
	if (!begun && (!outermost || !thread->first_work))
		return;
	thread->delivering = true;
	dma_fence_end_delivery(begun);
	if (outermost) {
		run_works(thread);
		thread->delivering = false;
	}
}

/* A callback of a fence: work that it queues waits until it has returned. */
static __thread unsigned int callbacks;

void linux_work_begin(void)
{
	struct linux_thread *thread = &linux_thread;

	if (!thread->delivering)
		callbacks = 1;
	else if (callbacks)
		callbacks++;
	thread->delivering = true;
}

void linux_work_end(void)
{
	struct linux_thread *thread = &linux_thread;

	if (!callbacks || --callbacks)
		return;
	run_works(thread);
	thread->delivering = false;
}

bool irq_work_queue(struct irq_work *work)
{
	struct linux_thread *thread = &linux_thread;

	if (__atomic_exchange_n(&work->pending, 1, __ATOMIC_SEQ_CST))
		return false;
	work->next = NULL;
	if (thread->first_work)
		*thread->last_work = work;
	else
		thread->first_work = work;
	thread->last_work = &work->next;
	if (!thread->locks && !thread->delivering) {
		thread->delivering = true;
		run_works(thread);
		thread->delivering = false;
	}
	return true;
}
