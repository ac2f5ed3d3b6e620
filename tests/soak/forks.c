/* SPDX-License-Identifier: MIT */
/*
 * fork() while all else goes on. The child has the library whole, whatever the threads were doing
 * that it does not have.
 */
#include <signal.h>
#include <sys/wait.h>

#include "soak.h"

#define ACTOR "forks"

static void explain(struct dma_fence *fence)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out);
	CHECK(!dma_fence_explain(fence, out));
	fclose(out);
	CHECK(size > 0);
	free(text);
}

/* In the child, of which nothing reaches the parent but how it ends. */
static void use_everything(struct worker *worker)
{
	struct dma_fence *fences[2], *fence;
	struct dma_fence_syncobj *syncobj;
	struct dma_ww_acquire_ctx ctx;
	struct dma_resv resv, *obj = &resv;
	int64_t begun = scarcity_begin();
	int fd;

	worker->num_own = 0;
	/* What is in the pool is the parent's, and may be locked for ever: fork() in dmafence/fence.h. */
	fence = pool_get(worker);
	if (fence && dma_fence_test_signaled_flag(fence))
		CHECK(dma_fence_get_status(fence), "it has signaled, and has no status");

	fences[0] = fence_create(worker);
	fences[1] = fence_create(worker);
	fence = dma_fence_unwrap_merge_many(2, fences);
	CHECK(fence);
	fd = dma_fence_sync_file_export(fence);
	if (fd < 0)
		MAY_FAIL(fd, begun);
	explain(fence);
	fence_signal_all(worker);
	CHECK(dma_fence_wait_timeout(fence, false, 10 * SECOND) > 0, "a wait in a child");
	fence_check_done(fence);
	syncobj = dma_fence_syncobj_create(0);
	CHECK(syncobj);
	CHECK(!dma_fence_syncobj_add_point(syncobj, 1, fence));
	CHECK(dma_fence_syncobj_status(syncobj, 1));
	dma_fence_syncobj_put(syncobj);
	dma_resv_init(&resv);
	dma_ww_acquire_init(&ctx);
	CHECK(!dma_resv_lock_many(&obj, 1, &ctx, 0));
	CHECK(!dma_resv_reserve_fences(obj, 1));
	CHECK(!dma_resv_add_fence(obj, fences[0], DMA_RESV_USAGE_WRITE));
	dma_resv_unlock_many(&obj, 1, &ctx);
	dma_ww_acquire_fini(&ctx);
	dma_resv_fini(&resv);
	dma_fence_put(fence);
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);
	dma_fence_rcu_synchronize();
	dma_fence_rcu_barrier();
}

static void turn(struct worker *worker)
{
	int status;
	pid_t pid;

	AT(worker, "forking");
	fflush(stdout);
	/* The child would have too few fds for as long as it lives. */
	scarcity_forbid();
	pid = fork();
	scarcity_allow();
	if (pid < 0) {
		CHECK(errno == EAGAIN || errno == ENOMEM, "fork: %d", errno);
		return;
	}
	if (!pid) {
		/* It says where it hangs. */
		signal(SIGALRM, soak_crashed);
		alarm(20);
		signal(SIGSEGV, soak_crashed);
		use_everything(worker);
		_exit(0);
	}
	AT(worker, "waiting for a child");
	while (waitpid(pid, &status, 0) < 0)
		CHECK(errno == EINTR, "waitpid: %d", errno);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "a child ended with %#x",
	      (unsigned int)status);
	TALLY("children");
	soak_sleep((int64_t)below(worker, 20) * MS);
}

const struct actor actor_forks = {
	.name = ACTOR,
	.threads = 1,
	.turn = turn,
	.forks = true,
};
