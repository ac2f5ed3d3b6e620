/* SPDX-License-Identifier: MIT */
/* linux/timer.h - functions that are called at a time, one after the other, on their own thread */
#ifndef LINUX_COMPAT_TIMER_H
#define LINUX_COMPAT_TIMER_H

#include <linux/jiffies.h>
#include <linux/list.h>

struct timer_list {
	unsigned long expires;
	void (*function)(struct timer_list *timer);
	/* private: empty when it is not pending */
	struct list_head entry;
};

static inline void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *timer),
			       unsigned int flags)
{
	(void)flags;
	timer->expires = 0;
	timer->function = function;
	INIT_LIST_HEAD(&timer->entry);
}

#define timer_setup_on_stack(timer, function, flags) timer_setup(timer, function, flags)
#define destroy_timer_on_stack(timer)		     ((void)(timer))
#define timer_destroy_on_stack(timer)		     ((void)(timer))
#define from_timer(var, timer, member)		     container_of(timer, __typeof__(*(var)), member)
#define timer_container_of(var, timer, member)	     from_timer(var, timer, member)

/* Whether it was pending. */
int mod_timer(struct timer_list *timer, unsigned long expires) LINUX_SYMBOL(mod_timer);
int linux_timer_delete(struct timer_list *timer);
/* And waits until its function has returned, if that is running. */
int timer_delete_sync(struct timer_list *timer) LINUX_SYMBOL(timer_delete_sync);
bool timer_pending(const struct timer_list *timer) LINUX_SYMBOL(timer_pending);

static inline void add_timer(struct timer_list *timer)
{
	mod_timer(timer, timer->expires);
}

/* A function of the C library has that name, too. */
#define timer_delete(timer)	   linux_timer_delete(timer)
#define del_timer(timer)	   linux_timer_delete(timer)
#define del_timer_sync(timer)	   timer_delete_sync(timer)
#define timer_shutdown_sync(timer) timer_delete_sync(timer)

#endif
