/* SPDX-License-Identifier: MIT */
/* A child of fork() has the library whole, whatever the parent's threads were doing. */
#include <sys/wait.h>

#include "support.h"

static int over;

static struct dma_fence *create(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	dma_fence_init(fence, NULL, 1, 1);
	return fence;
}

static void *keep_busy(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; !atomic_load_acquire(&over); i++) {
		dma_fence_rcu_read_lock();
		dma_fence_put(create());
		dma_fence_rcu_read_unlock();
		if (i % 1000 == 0)
			dma_fence_rcu_barrier();
	}
	return NULL;
}

static void child_goes_on(void **state)
{
	pthread_t thread = start(keep_busy, NULL);
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct dma_fence *fence;

			alarm(20);
			fence = create();
			dma_fence_signal(fence);
			dma_fence_put(fence);
			dma_fence_rcu_synchronize();
			dma_fence_rcu_barrier();
			_exit(dma_fence_get_status(dma_fence_get_stub()) == 1 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	set_flag(&over);
	join(thread);
	dma_fence_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_goes_on),
	};

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	puts("1..0 # SKIP a sanitizer does not work in the child of a process with threads");
	return 0;
#endif
	return RUN(tests);
}
