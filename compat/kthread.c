/* SPDX-License-Identifier: MIT */
/* Threads that can be told to stop. */
#include <stdlib.h>

#include <linux/kthread.h>
#include <linux/slab.h>

struct linux_kthread {
	int (*function)(void *data);
	void *data;
	pthread_t thread;
	struct task_struct *task;
	struct completion began;
	pthread_mutex_t lock;
	/* With the lock held: */
	bool should_stop, ended;
	int ret;
};

static bool should_stop(struct linux_kthread *kthread)
{
	return __atomic_load_n(&kthread->should_stop, __ATOMIC_ACQUIRE);
}

static void free_kthread(struct linux_kthread *kthread)
{
	pthread_mutex_destroy(&kthread->lock);
	kfree(kthread);
}

/* Whoever stops it joins it. If it ends before, nobody has to. */
static void end(struct linux_kthread *kthread, int ret)
{
	pthread_mutex_lock(&kthread->lock);
	kthread->ret = ret;
	kthread->ended = true;
	if (!should_stop(kthread))
		pthread_detach(pthread_self());
	pthread_mutex_unlock(&kthread->lock);
}

static void *run(void *data)
{
	struct linux_kthread *kthread = data;
	int ret = -EINTR;

	linux_task_become(kthread->task);
	pthread_setname_np(pthread_self(), kthread->task->comm);
	schedule();
	if (!should_stop(kthread)) {
		complete_all(&kthread->began);
		ret = kthread->function(kthread->data);
	}
	end(kthread, ret);
	return NULL;
}

struct task_struct *kthread_create(int (*function)(void *data), void *data, const char *name, ...)
{
	struct linux_kthread *kthread = kzalloc(sizeof(*kthread), GFP_KERNEL);
	struct task_struct *task = linux_task_alloc();
	va_list arguments;
	int ret;

	if (!kthread || !task)
		goto no_memory;
	kthread->function = function;
	kthread->data = data;
	kthread->task = task;
	init_completion(&kthread->began);
	pthread_mutex_init(&kthread->lock, NULL);
	va_start(arguments, name);
	vsnprintf(task->comm, sizeof(task->comm), name, arguments);
	va_end(arguments);
	task->kthread = kthread;
	/* One reference is the thread's, and one that of who stops it. */
	get_task_struct(task);
	WRITE_ONCE(task->state, TASK_UNINTERRUPTIBLE);
	ret = pthread_create(&kthread->thread, NULL, run, kthread);
	if (ret) {
		free_kthread(kthread);
		linux_task_free(task);
		return ERR_PTR(-ret);
	}
	return task;

no_memory:
	kfree(kthread);
	if (task)
		linux_task_free(task);
	return ERR_PTR(-ENOMEM);
}

void linux_kthread_begin(struct task_struct *task)
{
	wake_up_process(task);
	wait_for_completion(&task->kthread->began);
}

bool kthread_should_stop(void)
{
	return !WARN_ON(!current->kthread) && should_stop(current->kthread);
}

int kthread_stop(struct task_struct *task)
{
	struct linux_kthread *kthread = task->kthread;
	bool ended;
	int ret;

	if (WARN_ON(!kthread))
		return -EINVAL;
	pthread_mutex_lock(&kthread->lock);
	ended = kthread->ended;
	__atomic_store_n(&kthread->should_stop, true, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&kthread->lock);
	if (!ended) {
		wake_up_process(task);
		pthread_join(kthread->thread, NULL);
	}
	ret = kthread->ret;
	task->kthread = NULL;
	free_kthread(kthread);
	put_task_struct(task);
	return ret;
}
