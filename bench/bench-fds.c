/* SPDX-License-Identifier: MIT */
/*
 * What it costs that a fence is an fd: to export and import it, beside the bare system calls; and
 * to be woken through it, beside an eventfd. And what timelines cost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmafence/rcu.h>
#include <dmafence/sync-file.h>

#include "embedded-fence.h"
#include "fd-hand-over.h"
#include "harness.h"
#include "processes.h"
#include "timelines.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* More than are needed at a time by what has most. */
#define FDS_NEEDED 4096

/*
 * The life of a sync file, and what can be done with it on the way. So many at a time, each step
 * for all of them, which is what is timed.
 */

#define AT_A_TIME 64

static struct aligned_fence fences[AT_A_TIME];
static int fds[AT_A_TIME], bare; /* an eventfd that nobody writes to */

static void check(bool good)
{
	if (!good)
		bench_fail("a call has failed: %s", strerror(errno));
}

/* The bare system calls. */

static void bare_fstat(void)
{
	struct stat stat;
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		check(!fstat(bare, &stat));
}

static void bare_poll(void)
{
	struct pollfd fd = { .fd = bare, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		check(!poll(&fd, 1, 0));
}

static void bare_dup(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		check(!close(fcntl(bare, F_DUPFD_CLOEXEC, 3)));
}

static void bare_pipe(void)
{
	unsigned int i;
	int ends[2];

	for (i = 0; i < AT_A_TIME; i++) {
		check(!pipe2(ends, O_CLOEXEC | O_NONBLOCK) && write(ends[1], "", 1) == 1);
		close(ends[1]);
		close(ends[0]);
	}
}

static void bare_eventfd(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < AT_A_TIME; i++) {
		fd = eventfd(0, EFD_CLOEXEC);
		check(fd >= 0 && !eventfd_write(fd, 1));
		close(fd);
	}
}

/* The library's. */

static void step_export(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++) {
		fds[i] = dma_fence_sync_file_export(&fences[i].fence);
		check(fds[i] >= 0);
	}
}

static void step_import(void)
{
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++) {
		fence = dma_fence_sync_file_import_dup_fd(fds[i]);
		check(fence);
		dma_fence_put(fence);
	}
}

static void step_info(void)
{
	struct dma_fence_sync_fence_info fence;
	struct dma_fence_sync_file_info info = { .fences = &fence };
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++) {
		info.num_fences = 1;
		check(!dma_fence_sync_file_get_info(fds[i], &info));
	}
}

static void step_merge(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < AT_A_TIME; i++) {
		fd = dma_fence_sync_file_merge(fds[i], fds[(i + 1) % AT_A_TIME]);
		check(fd >= 0);
		close(fd);
	}
}

static void step_signal(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		dma_fence_signal(&fences[i].fence);
}

static void step_close(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		close(fds[i]);
}

/* What is exported then is signaled. */
static void step_export_again(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < AT_A_TIME; i++) {
		fd = dma_fence_sync_file_export(&fences[i].fence);
		check(fd >= 0);
		close(fd);
	}
}

static void init_fences(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		dma_fence_init(&fences[i].fence, &embedded_ops, i + 1, 1);
}

static void put_fences(void)
{
	unsigned int i;

	for (i = 0; i < AT_A_TIME; i++)
		dma_fence_put(&fences[i].fence);
}

#define MOST_STEPS 5

struct steps {
	void (*before[2])(void); /* not timed, as are those after; NULL for none */
	void (*after[2])(void);
	unsigned int count;
	void (*timed[MOST_STEPS])(void);
	bool summed; /* after the last row comes one with the sum of all */
};

static void untimed(void (*const *step)(void))
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (step[i])
			step[i]();
	}
}

static void bench_steps(uint64_t ops, double *results, const void *parameters)
{
	const struct steps *steps = parameters;
	const unsigned int rows = steps->count + steps->summed;
	const uint64_t count = (ops + AT_A_TIME - 1) / AT_A_TIME;
	int64_t times[MOST_STEPS + 1];
	double *samples[MOST_STEPS + 1];
	unsigned int i;
	uint64_t s;

	for (i = 0; i < rows; i++)
		samples[i] = bench_new_samples(count);
	for (s = 0; s < count; s++) {
		init_fences();
		untimed(steps->before);
		times[0] = bench_now();
		for (i = 0; i < steps->count; i++) {
			steps->timed[i]();
			times[i + 1] = bench_now();
			samples[i][s] = (double)(times[i + 1] - times[i]) / AT_A_TIME;
		}
		if (steps->summed)
			samples[i][s] = (double)(times[i] - times[0]) / AT_A_TIME;
		untimed(steps->after);
		put_fences();
	}
	for (i = 0; i < rows; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
	dma_fence_rcu_barrier();
}

static const struct steps floors = {
	.count = 5,
	.timed = { bare_fstat, bare_poll, bare_dup, bare_pipe, bare_eventfd },
};

static const struct steps life = {
	.count = 3,
	.timed = { step_export, step_signal, step_close },
	.summed = true,
};

static const struct steps pending = {
	.before = { step_export },
	.count = 3,
	.timed = { step_import, step_info, step_merge },
	.after = { step_signal, step_close },
};

static const struct steps signaled = {
	.before = { step_export, step_signal },
	.count = 4,
	.timed = { step_import, step_info, step_merge, step_export_again },
	.after = { step_close },
};

/*
 * Sync files of another process: the child measures, its parent, which has exported them, waits
 * for that. Each is imported; asked, which it is not ready for; and dropped.
 */

enum {
	FOREIGN_IMPORT,
	FOREIGN_ASK,
	FOREIGN_DROP,
	FOREIGN_ROWS,
};

struct foreign {
	uint64_t count;
	double samples[][FOREIGN_ROWS];
};

static void measure_foreign(double *sample)
{
	struct dma_fence *imported[AT_A_TIME];
	int64_t times[FOREIGN_ROWS + 1];
	unsigned int i, ready = 0;

	times[FOREIGN_IMPORT] = bench_now();
	for (i = 0; i < AT_A_TIME; i++) {
		imported[i] = dma_fence_sync_file_import_dup_fd(fds[i]);
		check(imported[i]);
	}
	times[FOREIGN_ASK] = bench_now();
	for (i = 0; i < AT_A_TIME; i++)
		ready += dma_fence_is_signaled(imported[i]);
	times[FOREIGN_DROP] = bench_now();
	for (i = 0; i < AT_A_TIME; i++)
		dma_fence_put(imported[i]);
	times[FOREIGN_ROWS] = bench_now();
	check(!ready);
	for (i = 0; i < FOREIGN_ROWS; i++)
		sample[i] = (double)(times[i + 1] - times[i]) / AT_A_TIME;
}

static void *be_foreign(void *argument)
{
	struct foreign *foreign = argument;
	uint64_t s;

	for (s = 0; s < foreign->count; s++)
		measure_foreign(foreign->samples[s]);
	return NULL;
}

static void bench_foreign(uint64_t ops, double *results, const void *parameters)
{
	const uint64_t count = (ops + AT_A_TIME - 1) / AT_A_TIME;
	const size_t size = sizeof(struct foreign) + count * sizeof(double[FOREIGN_ROWS]);
	struct foreign *foreign = bench_new_shared(size);
	double *samples = bench_new_samples(count);
	unsigned int i;
	uint64_t s;

	(void)parameters;
	foreign->count = count;
	init_fences();
	step_export();
	bench_end_process(bench_start_process(be_foreign, foreign));
	step_signal();
	step_close();
	put_fences();
	for (i = 0; i < FOREIGN_ROWS; i++) {
		for (s = 0; s < count; s++)
			samples[s] = foreign->samples[s][i];
		results[i] = bench_median(samples, count);
	}
	free(samples);
	munmap(foreign, size);
}

/* The table */

#define AT_ALL	    12800
#define WAKE_UPS    300
#define ALL_WATCHED 3000
#define CROWDS	    8

#define ROW(group_, name_, unit_, ops_, ...) \
	{ \
		.group = group_, .name = name_, .unit = unit_, .ops = ops_, __VA_ARGS__ \
	}
#define FLOOR(name_) .floor = { { { name_, 1 } }, 0 }

static const struct bench_crowd one_local = { .count = 1 },
				one_shared = { .count = 1, .shared = true },
				crowd_local = { .count = BENCH_MOST_WAITERS },
				crowd_shared = { .count = BENCH_MOST_WAITERS, .shared = true };

#define PASSED(which, parameters_) \
	ROW("passed", "load-" which, "call", 1000000, .run_together = bench_passed, \
	    .together = BENCH_PASSED_ROWS, .parameters = parameters_), \
		ROW("passed", "wait-passed-" which, "call", 1000000, FLOOR("load-" which)), \
		ROW("passed", "status-passed-" which, "call", 1000000, FLOOR("load-" which))

#define POINTS(which, parameters_) \
	ROW("points", "add-point-" which, "point", 51200, .run_together = bench_points, \
	    .together = BENCH_POINTS_ROWS, .parameters = parameters_), \
		ROW("points", "signal-point-" which, "point", 51200)

#define CROWD(which, ops_, parameters_) \
	ROW("waiters", "futex-" which, "waiter", ops_, .run_together = bench_wake_crowd, \
	    .together = BENCH_CROWD_ROWS, .parameters = parameters_, .two_cpus = true), \
		ROW("waiters", "point-" which, "waiter", ops_, FLOOR("futex-" which), \
		    .two_cpus = true)

static const struct bench_variant variants[] = {
	ROW("floor", "fstat", "call", AT_ALL, .run_together = bench_steps, .together = 5,
	    .parameters = &floors),
	ROW("floor", "poll", "call", AT_ALL),
	ROW("floor", "dup-close", "pair", AT_ALL),
	ROW("floor", "pipe", "life", AT_ALL),
	ROW("floor", "eventfd", "life", AT_ALL),

	ROW("life", "export", "sync file", AT_ALL, .run_together = bench_steps, .together = 4,
	    .parameters = &life),
	ROW("life", "signal", "sync file", AT_ALL),
	ROW("life", "close", "sync file", AT_ALL),
	ROW("life", "export-signal-close", "sync file", AT_ALL, FLOOR("pipe")),

	ROW("pending", "import-own", "call", AT_ALL, .run_together = bench_steps, .together = 3,
	    .parameters = &pending, FLOOR("fstat")),
	ROW("pending", "info-pending", "call", AT_ALL, FLOOR("fstat")),
	ROW("pending", "merge-pending", "sync file", AT_ALL, FLOOR("export")),

	ROW("signaled", "import-signaled", "call", AT_ALL, .run_together = bench_steps,
	    .together = 4, .parameters = &signaled, FLOOR("fstat")),
	ROW("signaled", "info-signaled", "call", AT_ALL, FLOOR("fstat")),
	ROW("signaled", "merge-signaled", "sync file", AT_ALL, FLOOR("pipe")),
	ROW("signaled", "export-signaled", "sync file", AT_ALL, FLOOR("pipe")),

	ROW("foreign", "import-foreign", "call", AT_ALL, .run_together = bench_foreign,
	    .together = FOREIGN_ROWS, FLOOR("dup-close")),
	ROW("foreign", "is-signaled-foreign", "call", AT_ALL, FLOOR("poll")),
	ROW("foreign", "put-foreign", "call", AT_ALL),

	ROW("wake", "eventfd-poll", "wake-up", WAKE_UPS, .run_together = bench_wake_thread,
	    .together = BENCH_WAKE_THREAD_ROWS, .two_cpus = true),
	ROW("wake", "wake-poll", "wake-up", WAKE_UPS, FLOOR("eventfd-poll"), .limit = 1.3,
	    .two_cpus = true),
	ROW("wake", "eventfd-epoll-1000", "wake-up", WAKE_UPS, .run_together = bench_wake_epoll,
	    .together = BENCH_WAKE_EPOLL_ROWS, .two_cpus = true),
	ROW("wake", "wake-epoll-1000", "wake-up", WAKE_UPS, FLOOR("eventfd-epoll-1000"),
	    .limit = 1.3, .two_cpus = true),

	ROW("processes", "eventfd-poll-process", "wake-up", WAKE_UPS,
	    .run_together = bench_wake_process, .together = BENCH_WAKE_PROCESS_ROWS,
	    .two_cpus = true),
	ROW("processes", "wake-poll-process", "wake-up", WAKE_UPS, FLOOR("eventfd-poll-process"),
	    .limit = 1.3, .two_cpus = true),
	ROW("processes", "wake-imported", "wake-up", WAKE_UPS, FLOOR("eventfd-poll-process"),
	    .two_cpus = true),

	ROW("watcher", "watch-1000", "fence", ALL_WATCHED, .run_together = bench_watch,
	    .together = BENCH_WATCH_ROWS, .two_cpus = true),
	ROW("watcher", "signal-1000", "fence", ALL_WATCHED, .two_cpus = true),
	ROW("watcher", "signal-to-callback-1000", "fence", ALL_WATCHED, FLOOR("signal-1000"),
	    .two_cpus = true),

	PASSED("local", &bench_local),
	PASSED("shared", &bench_shared),
	POINTS("local", &bench_local),
	POINTS("shared", &bench_shared),
	CROWD("1-local", WAKE_UPS, &one_local),
	CROWD("1-shared", WAKE_UPS, &one_shared),
	CROWD("1000-local", CROWDS, &crowd_local),
	CROWD("1000-shared", CROWDS, &crowd_shared),
};

static void allow_fds(void)
{
	struct rlimit limit;

	check(!getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_cur >= FDS_NEEDED)
		return;
	limit.rlim_cur = FDS_NEEDED;
	if (limit.rlim_max < FDS_NEEDED || setrlimit(RLIMIT_NOFILE, &limit))
		bench_fail("%d open files are needed, which the limit does not allow", FDS_NEEDED);
}

int main(int argc, char **argv)
{
	allow_fds();
	bare = eventfd(0, EFD_CLOEXEC);
	check(bare >= 0);
	/*
	 * The thread that returns memory is started by the first fence that is freed, and inherits
	 * the CPUs that may be used: that must not be the one CPU of the measuring thread.
	 */
	dma_fence_put(dma_fence_allocate_private_stub(SOME_TIME));
	dma_fence_rcu_barrier();
	return bench_main(argc, argv, variants, LENGTH(variants));
}
