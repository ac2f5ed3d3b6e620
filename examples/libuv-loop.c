/* SPDX-License-Identifier: MIT */
/*
 * Fences in a libuv loop: a sync file is a uv_poll_t like any other fd.
 *
 * The engines are threads that count words. A uv_poll_t for each tells the loop when its fence has
 * signaled. One engine is given nothing to read, and fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <dmafence/dmafence.h>

struct job {
	const char *text;
	int words; /* the engine's, until the fence is signaled */
	struct dma_fence *fence;
	int fd;
	uv_thread_t thread;
	uv_poll_t poll;
};

static struct job jobs[] = {
	{ .text = "one" },
	{ .text = "three little words" },
	{ .text = NULL },
	{ .text = "" },
};

#define JOBS (int)(sizeof(jobs) / sizeof(jobs[0]))

static void run_engine(void *arg)
{
	struct job *job = arg;
	const char *c;

	if (!job->text)
		dma_fence_set_error(job->fence, -ENODATA);
	for (c = job->text; c && *c; c++)
		job->words += *c != ' ' && (c == job->text || c[-1] == ' ');
	dma_fence_signal(job->fence);
	dma_fence_put(job->fence);
}

static void on_closed(uv_handle_t *handle)
{
	struct job *job = handle->data;

	close(job->fd);
}

/* Called when the sync file is readable, which it stays: so the watching ends here. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	struct job *job = poll->data;
	int ret = status < 0 ? status : dma_fence_sync_file_get_info(job->fd, &info);

	(void)events;
	if (ret || info.status < 0)
		printf("job %d failed: %s\n", (int)(job - jobs),
		       strerror(ret ? -ret : -info.status));
	else
		printf("job %d: %d words\n", (int)(job - jobs), job->words);
	uv_close((uv_handle_t *)poll, on_closed);
}

static int submit(uv_loop_t *loop, struct job *job, uint64_t context)
{
	int ret;

	job->fence = malloc(sizeof(*job->fence));
	if (!job->fence)
		return -ENOMEM;
	dma_fence_init(job->fence, NULL, context, 1);
	job->fd = dma_fence_sync_file_export(job->fence);
	if (job->fd < 0)
		return job->fd;
	job->poll.data = job;
	ret = uv_poll_init(loop, &job->poll, job->fd);
	if (!ret)
		ret = uv_poll_start(&job->poll, UV_READABLE, on_readable);
	if (!ret)
		ret = uv_thread_create(&job->thread, run_engine, job);
	return ret;
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	int i, ret;

	for (i = 0; loop && i < JOBS; i++) {
		ret = submit(loop, &jobs[i], dma_fence_context_alloc(1));
		if (ret) {
			fprintf(stderr, "libuv-loop: no engine: %s\n", strerror(-ret));
			return 1;
		}
	}
	if (!loop || uv_run(loop, UV_RUN_DEFAULT))
		return 1;
	for (i = 0; i < JOBS; i++)
		uv_thread_join(&jobs[i].thread);
	return uv_loop_close(loop) ? 1 : 0;
}
