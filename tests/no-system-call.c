/* SPDX-License-Identifier: MIT */
/*
 * A wait for a point that has passed makes no system call, nor does asking for it, whichever
 * process has signaled it.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "left-behind.h"

#define LAST 1000

static struct dma_fence_syncobj *syncobj;

/* What is called where no system call may be made; returns whether all was well. */
typedef bool (*quiet_func_t)(void);

/*
 * From now on the kernel ends the process when this thread makes a system call, but for its last.
 */
static int forbid_system_calls(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {
		.len = ARRAY_SIZE(instructions),
		.filter = instructions,
	};

	/* No core of it is wanted. */
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

/* Calls a function in a child that may do nothing else. Returns its status, as from waitpid(). */
static int call_without_system_calls(quiet_func_t func)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		bool good;

		if (forbid_system_calls())
			_exit(2);
		good = func();
		syscall(SYS_exit_group, good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void assert_quiet(quiet_func_t func)
{
	int status = call_without_system_calls(func);

	assert_true(WIFEXITED(status)); /* else it was killed by its first system call */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool wait_for_passed(void)
{
	const struct dma_fence_syncobj_point points[] = { { syncobj, 1 },
							  { syncobj, LAST / 2 },
							  { syncobj, LAST } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		if (dma_fence_syncobj_wait(&points[i], 1, 0, true, DMA_FENCE_WAIT_FOREVER, NULL) <
			    1 ||
		    dma_fence_syncobj_wait(&points[i], 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
					   SECOND, NULL) < 1 ||
		    dma_fence_syncobj_wait(&points[i], 1, 0, false, 0, NULL) < 1)
			return false;
	}
	return dma_fence_syncobj_wait(points, 3, DMA_FENCE_SYNCOBJ_WAIT_ALL, false, SECOND, NULL) >=
	       1;
}

static bool ask_for_passed(void)
{
	uint64_t point;

	return dma_fence_syncobj_status(syncobj, 1) == 1 &&
	       dma_fence_syncobj_status(syncobj, LAST) == 1 &&
	       !dma_fence_syncobj_query(syncobj, 0, &point) && point == LAST;
}

static bool wait_for_pending(void)
{
	const struct dma_fence_syncobj_point point = { syncobj, LAST + 1 };

	return dma_fence_syncobj_wait(&point, 1, 0, false, 100 * MS, NULL) == 0;
}

static bool make_system_call(void)
{
	return syscall(SYS_getppid) > 0;
}

static void assert_killed(quiet_func_t func)
{
	int status = call_without_system_calls(func);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* With a point beyond the last that is pending. */
static void see_that_it_is_quiet(void)
{
	struct dma_fence *pending = malloc(sizeof(*pending));

	assert_non_null(pending);
	dma_fence_init(pending, NULL, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, LAST + 1, pending), 0);
	/* Who asks first takes out what is done, and to free that wakes RCU's thread if it sleeps. */
	assert_true(ask_for_passed());
	dma_fence_rcu_barrier();
	assert_quiet(wait_for_passed);
	assert_quiet(ask_for_passed);
	/* That it would have shown. */
	assert_killed(make_system_call);
	assert_killed(wait_for_pending);
	dma_fence_signal(pending);
	dma_fence_put(pending);
	dma_fence_syncobj_put(syncobj);
}

static void signal_points(struct dma_fence_syncobj *of)
{
	uint64_t point;

	for (point = 1; point <= LAST; point++)
		assert_int_equal(dma_fence_syncobj_signal_point(of, point), 0);
}

static void of_one_process(void **state)
{
	(void)state;
	syncobj = dma_fence_syncobj_create(0);
	assert_non_null(syncobj);
	signal_points(syncobj);
	see_that_it_is_quiet();
}

static void shared(void **state)
{
	(void)state;
	syncobj = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(syncobj);
	signal_points(syncobj);
	see_that_it_is_quiet();
}

/* Signaled by a process that has gone since. */
static void of_another_process(void **state)
{
	int handle, status;
	pid_t child;

	(void)state;
	syncobj = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(syncobj);
	handle = dma_fence_syncobj_export(syncobj);
	assert_true(handle >= 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct dma_fence_syncobj *there = dma_fence_syncobj_import_take_fd(handle);
		uint64_t point;
		int ret = there ? 0 : -1;

		for (point = 1; !ret && point <= LAST; point++)
			ret = dma_fence_syncobj_signal_point(there, point);
		dma_fence_syncobj_put(there);
		_exit(ret ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	see_that_it_is_quiet();
	close(handle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fd_test(of_one_process),
		fd_test(shared),
		fd_test(of_another_process),
	};

#ifdef __SANITIZE_THREAD__
	puts("1..0 # SKIP ThreadSanitizer lets no child of fork() start a thread, which RCU does");
	return 0;
#endif
	return RUN(tests);
}
