/* SPDX-License-Identifier: MIT */
/*
 * Timers, sorted by the time at which they expire, on one thread.
 *
 * The mutex is not one of kernel code's: a function of a timer runs without it.
 */
#include <errno.h>
#include <pthread.h>

#include <linux/kernel.h>
#include <linux/timer.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed, returned = PTHREAD_COND_INITIALIZER;
static LIST_HEAD(timers);
static struct timer_list *running;
static pthread_t thread;
static bool started;

static void wait_until(unsigned long expires)
{
	const struct timespec end = { (time_t)(expires / NSEC_PER_SEC),
				      (long)(expires % NSEC_PER_SEC) };

	pthread_cond_timedwait(&changed, &lock, &end);
}

static void *run(void *unused)
{
	struct timer_list *timer;

	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		if (list_empty(&timers)) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		timer = list_first_entry(&timers, struct timer_list, entry);
		if (time_before(jiffies, timer->expires)) {
			wait_until(timer->expires);
			continue;
		}
		list_del_init(&timer->entry);
		running = timer;
		pthread_mutex_unlock(&lock);
		timer->function(timer);
		/* It may be gone by now. */
		pthread_mutex_lock(&lock);
		running = NULL;
		pthread_cond_broadcast(&returned);
	}
	return NULL;
}

static void start(void)
{
	pthread_condattr_t attributes;

	started = true;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	pthread_condattr_destroy(&attributes);
	BUG_ON(pthread_create(&thread, NULL, run, NULL));
	pthread_setname_np(thread, "linux-timers");
	pthread_detach(thread);
}

static bool remove_timer(struct timer_list *timer)
{
	const bool was_pending = !list_empty(&timer->entry);

	list_del_init(&timer->entry);
	return was_pending;
}

int mod_timer(struct timer_list *timer, unsigned long expires)
{
	struct timer_list *before;
	int was_pending;

	pthread_mutex_lock(&lock);
	if (!started)
		start();
	was_pending = remove_timer(timer);
	timer->expires = expires;
	list_for_each_entry_reverse (before, &timers, entry) {
		if (time_before_eq(before->expires, expires))
			break;
	}
	list_add(&timer->entry, &before->entry);
	if (timers.next == &timer->entry)
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

int linux_timer_delete(struct timer_list *timer)
{
	int was_pending;

	pthread_mutex_lock(&lock);
	was_pending = remove_timer(timer);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

int timer_delete_sync(struct timer_list *timer)
{
	int was_pending;

	pthread_mutex_lock(&lock);
	was_pending = remove_timer(timer);
	while (running == timer && !pthread_equal(pthread_self(), thread)) {
		pthread_cond_wait(&returned, &lock);
		/* The function may have started it again. */
		was_pending |= remove_timer(timer);
	}
	pthread_mutex_unlock(&lock);
	return was_pending;
}

bool timer_pending(const struct timer_list *timer)
{
	bool pending;

	pthread_mutex_lock(&lock);
	pending = !list_empty(&timer->entry);
	pthread_mutex_unlock(&lock);
	return pending;
}
