/* SPDX-License-Identifier: MIT */
/*
 * usage: soak [--seconds N] [--seed S] [--round N] [--actors NAME,...] [--list]
 *
 * Runs rounds of all actors, looks after each that nothing is left, and tells in the end what was
 * done how often. Ends with status 1, and says why, if anything does not hold, or hangs.
 */
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "soak.h"

/* Beyond these while actors are at work something is lost, or piles up. */
#define MOST_FDS     1500
#define MOST_THREADS 150
#define MOST_MEMORY  ((SANITIZED ? 3000 : 500) * INT64_C(1000000))

/*
 * By how much what is allocated may have grown since the end of the first round: of caches, and of
 * the table of stacks (diag/stack.h), which takes 9 MiB when it is full.
 */
#define MOST_GROWTH ((SANITIZED ? 16000000 : 4000000) + 9 * 1048576)

#define MOST_WORKERS 64

/* Without the end of a turn for so long a worker hangs. */
#define HANGS (40 * PATIENCE * SECOND)

/* How long what is to go after a round may take: threads of the library, and grace periods. */
#define SETTLING (10 * PATIENCE * SECOND)

static const struct actor *const actors[] = {
	&actor_fences,	&actor_waiters,	 &actor_contexts,   &actor_containers, &actor_locks,
	&actor_files,	&actor_watchers, &actor_syncobjs,   &actor_peers,      &actor_readers,
#ifdef HAVE_SOFTGPU
	&actor_softgpu,
#endif
	&actor_forks,	&actor_scarcity, &actor_interrupts,
};

static bool chosen[ARRAY_SIZE(actors)];
static struct worker workers[MOST_WORKERS];
static unsigned int num_workers;

/* Held by the watchdog while it looks, and by who changes what it looks at. */
static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER;

/* The main thread's, between rounds. */
static struct worker self = { .at = "starting" };

static uint64_t seed = 1;
static unsigned int round_number;
static int64_t began, ends, round_ends;
static int over;

struct resources {
	int fds, threads;
	int64_t resident, allocated;
};

static struct resources most;
static DIR *fd_folder, *task_folder;
static int statm_fd;

bool soak_over(void)
{
	return atomic_load_relaxed(&over) || clock_now() >= round_ends;
}

void soak_sleep(int64_t ns)
{
	struct timespec time = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };

	nanosleep(&time, NULL);
}

/* Failures. */

static void say_how_to_repeat(void)
{
	dprintf(STDOUT_FILENO,
		"# round %u, %.1f s after the begin; again with --seed %" PRIu64 "\n",
		atomic_load_relaxed(&round_number), (double)(clock_now() - began) / 1e9, seed);
}

static void print_stack(void)
{
	void *stack[64];

	backtrace_symbols_fd(stack, backtrace(stack, ARRAY_SIZE(stack)), STDOUT_FILENO);
}

void soak_failed(const char *file, int line, const char *what, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	dprintf(STDOUT_FILENO, "not ok # soak: %s:%d: %s:%s\n", file, line, what, text);
	say_how_to_repeat();
	print_stack();
	_exit(1);
}

void soak_crashed(int signum)
{
	dprintf(STDOUT_FILENO, "not ok # soak: signal %d in process %d\n", signum, (int)getpid());
	print_stack();
	_exit(1);
}

static void reported(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	dprintf(STDOUT_FILENO, "%s\n", report->details);
	soak_failed(__FILE__, __LINE__, "no report", "%s", report->text);
}

/* What hangs. */

static void show_stack(int signum)
{
	(void)signum;
	dprintf(STDOUT_FILENO, "# thread %d:\n", (int)syscall(SYS_gettid));
	print_stack();
}

static void tell_what_hangs(void)
{
	const int64_t now = clock_now();
	struct dirent *entry;
	unsigned int i;

	for (i = 0; i < num_workers; i++)
		dprintf(STDOUT_FILENO, "# thread %d, %s: %s, for %.1f s, in turn %" PRIu64 "\n",
			(int)workers[i].tid, workers[i].actor->name,
			atomic_load_relaxed(&workers[i].at),
			(double)(now - atomic_load_relaxed(&workers[i].since)) / 1e9,
			atomic_load_relaxed(&workers[i].turns));
	dprintf(STDOUT_FILENO, "# the main thread: %s\n", atomic_load_relaxed(&self.at));
	/* Each of them, the library's that block signals left out. */
	rewinddir(task_folder);
	while ((entry = readdir(task_folder))) {
		if (entry->d_name[0] == '.')
			continue;
		syscall(SYS_tgkill, getpid(), atoi(entry->d_name), SIGUSR2);
		soak_sleep(50 * MS);
	}
}

static void look_for_hangs(void)
{
	const int64_t now = clock_now();
	unsigned int i;

	for (i = 0; i < num_workers; i++) {
		int64_t since = atomic_load_acquire(&workers[i].since);

		if (since && now - since > HANGS)
			break;
	}
	if (i == num_workers && now - atomic_load_acquire(&self.since) <= HANGS)
		return;
	dprintf(STDOUT_FILENO, "not ok # soak: hangs\n");
	say_how_to_repeat();
	tell_what_hangs();
	_exit(1);
}

/* Resources. */

#if SANITIZED
size_t __sanitizer_get_current_allocated_bytes(void);
static int64_t allocated_now(void)
{
	return (int64_t)__sanitizer_get_current_allocated_bytes();
}
#else
static int64_t allocated_now(void)
{
	struct mallinfo2 info = mallinfo2();

	return (int64_t)(info.uordblks + info.hblkhd);
}
#endif

static int count_entries(DIR *folder)
{
	struct dirent *entry;
	int count = 0;

	rewinddir(folder);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	return count;
}

/* By what was opened before there was scarcity. Only one thread at a time. */
static struct resources resources_now(void)
{
	char text[100] = { 0 };
	long pages = 0;

	CHECK(pread(statm_fd, text, sizeof(text) - 1, 0) > 0);
	sscanf(text, "%*d %ld", &pages);
	return (struct resources){
		.fds = count_entries(fd_folder),
		.threads = count_entries(task_folder),
		.resident = pages * sysconf(_SC_PAGESIZE),
		.allocated = allocated_now(),
	};
}

static void watch_resources(void)
{
	struct resources now = resources_now();

	pthread_mutex_lock(&looking);
	most.fds = now.fds > most.fds ? now.fds : most.fds;
	most.threads = now.threads > most.threads ? now.threads : most.threads;
	most.resident = now.resident > most.resident ? now.resident : most.resident;
	most.allocated = now.allocated > most.allocated ? now.allocated : most.allocated;
	pthread_mutex_unlock(&looking);
	CHECK(now.fds <= MOST_FDS, "%d fds are open", now.fds);
	CHECK(now.threads <= MOST_THREADS, "there are %d threads", now.threads);
	CHECK(now.resident <= MOST_MEMORY, "%" PRId64 " bytes are resident", now.resident);
}

static uint64_t turns_done(void)
{
	uint64_t turns = 0;
	unsigned int i;

	for (i = 0; i < num_workers; i++)
		turns += atomic_load_relaxed(&workers[i].turns);
	return turns;
}

static uint64_t turns_before;

static void tell_progress(void)
{
	printf("# %.0f s of %.0f, round %u: %" PRIu64
	       " turns, %d fds, %d threads, %.0f MB at most\n",
	       (double)(clock_now() - began) / 1e9, (double)(ends - began) / 1e9,
	       atomic_load_relaxed(&round_number), turns_before + turns_done(), most.fds,
	       most.threads, (double)most.resident / 1e6);
	fflush(stdout);
}

static int dog_over;

static void *watchdog(void *arg)
{
	int64_t next = clock_now() + 10 * SECOND;

	(void)arg;
	while (!atomic_load_acquire(&dog_over)) {
		soak_sleep(200 * MS);
		pthread_mutex_lock(&looking);
		look_for_hangs();
		if (clock_now() >= next) {
			next += 10 * SECOND;
			tell_progress();
		}
		pthread_mutex_unlock(&looking);
	}
	return NULL;
}

/* Rounds. */

static void *work(void *arg)
{
	struct worker *worker = arg;
	const struct actor *actor = worker->actor;

	atomic_store_release(&worker->tid, (pid_t)syscall(SYS_gettid));
	AT(worker, "beginning");
	if (actor->enter)
		actor->enter(worker);
	while (!soak_over()) {
		AT(worker, "at work");
		actor->turn(worker);
		atomic_store_release(&worker->since, clock_now());
		atomic_store_relaxed(&worker->turns, worker->turns + 1);
	}
	AT(worker, "ending");
	if (actor->leave)
		actor->leave(worker);
	fence_signal_all(worker);
	AT(worker, "at its end");
	atomic_store_release(&worker->since, 0);
	return NULL;
}

void soak_interrupt_one(struct worker *worker)
{
	const unsigned int which = below(worker, atomic_load_acquire(&num_workers));
	pid_t tid = atomic_load_acquire(&workers[which].tid);

	if (tid)
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

static void start_workers(void)
{
	static uint64_t random;
	unsigned int i, k, count = 0;

	random = random ? random : seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	pthread_mutex_lock(&looking);
	for (i = 0; i < ARRAY_SIZE(actors); i++)
		for (k = 0; chosen[i] && k < actors[i]->threads; k++) {
			CHECK(count < MOST_WORKERS);
			workers[count] = (struct worker){
				.actor = actors[i],
				.number = count,
				.random = random_next(&random) | 1,
				.since = clock_now(),
				.at = "starting",
			};
			count++;
		}
	atomic_store_release(&num_workers, count);
	pthread_mutex_unlock(&looking);
	for (i = 0; i < count; i++)
		CHECK(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
}

static void main_at(const char *where)
{
	AT(&self, where);
	atomic_store_release(&self.since, clock_now());
}

static struct resources base, after_first;

static bool is_settled(const struct resources *now)
{
	return !fences_alive() && now->fds == base.fds && now->threads == base.threads;
}

/* Nothing is left but what there was before the first round. */
static void check_nothing_left(void)
{
	const int64_t end = clock_now() + SETTLING;
	struct dma_fence_count counts[4];
	struct resources now;

	main_at("looking at what is left");
	do {
		dma_fence_rcu_barrier();
		soak_sleep(5 * MS);
		now = resources_now();
	} while (!is_settled(&now) && clock_now() < end);
	if (!is_settled(&now) || dma_fence_census(counts, ARRAY_SIZE(counts)))
		dma_fence_census_print(stdout), fflush(stdout);
	CHECK(!fences_alive(), "%" PRIu64 " fences are left", fences_alive());
	CHECK(!dma_fence_census(counts, ARRAY_SIZE(counts)), "fences are left: see the census");
	if (now.fds != base.fds)
		dma_fence_fd_census_print(stdout), fflush(stdout);
	CHECK(now.fds == base.fds, "%d fds are open, and were %d before", now.fds, base.fds);
	CHECK(now.threads == base.threads, "there are %d threads, and were %d before", now.threads,
	      base.threads);
	CHECK(!dma_fence_taint(), "tainted: %#x", dma_fence_taint());
	CHECK(!dma_fence_quarantined_count());
	if (!after_first.allocated)
		after_first = now;
	CHECK(now.allocated - after_first.allocated < MOST_GROWTH,
	      "%" PRId64 " bytes are allocated, and were %" PRId64 " after the first round",
	      now.allocated, after_first.allocated);
}

static void run_round(int64_t length)
{
	unsigned int i;

	atomic_store_relaxed(&round_number, round_number + 1);
	main_at("beginning a round");
	/* Every other round knows of each fence where it was made. */
	if (round_number % 2)
		dma_fence_census_start();
	atomic_store_relaxed(&over, 0);
	round_ends = clock_now() + length;
	for (i = 0; i < ARRAY_SIZE(actors); i++)
		if (chosen[i] && actors[i]->begin)
			actors[i]->begin(&self);
	start_workers();
	while (!soak_over()) {
		main_at("waiting for the end of the round");
		soak_sleep(100 * MS);
		watch_resources();
	}
	main_at("waiting for the workers to end");
	for (i = 0; i < num_workers; i++)
		CHECK(!pthread_join(workers[i].thread, NULL));
	pthread_mutex_lock(&looking);
	turns_before += turns_done();
	atomic_store_release(&num_workers, 0);
	pthread_mutex_unlock(&looking);
	main_at("ending the actors");
	for (i = 0; i < ARRAY_SIZE(actors); i++)
		if (chosen[i] && actors[i]->end)
			actors[i]->end(&self);
	fence_signal_all(&self);
	pool_empty();
	check_nothing_left();
	if (round_number % 2)
		dma_fence_census_stop();
}

/* What was done. */

extern struct tally __start_soak_tallies[], __stop_soak_tallies[];

static void tell_summary(void)
{
	const struct tally *tally;
	unsigned int i, missing = 0;

	for (i = 0; i < ARRAY_SIZE(actors); i++) {
		bool first = true;

		if (!chosen[i])
			continue;
		for (tally = __start_soak_tallies; tally < __stop_soak_tallies; tally++) {
			if (strcmp(tally->actor, actors[i]->name))
				continue;
			if (!tally->count) {
				missing++;
				continue;
			}
			if (first)
				printf("# %s:", actors[i]->name);
			printf("%s %" PRIu64 " %s", first ? "" : ",", tally->count, tally->what);
			first = false;
		}
		printf(first ? "" : "\n");
	}
	if (!missing)
		return;
	printf("# never:");
	for (i = 0; i < ARRAY_SIZE(actors); i++)
		for (tally = __start_soak_tallies; tally < __stop_soak_tallies; tally++)
			if (chosen[i] && !tally->count && !strcmp(tally->actor, actors[i]->name))
				printf(" %s (%s)%s", tally->what, tally->actor,
				       --missing ? "," : "\n");
}

/* One at least: of none nothing could fail. */
static void choose(char *names)
{
	bool any = false;
	unsigned int i;
	char *name;

	memset(chosen, 0, sizeof(chosen));
	for (name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < ARRAY_SIZE(actors) && strcmp(actors[i]->name, name); i++)
			;
		if (i == ARRAY_SIZE(actors)) {
			fprintf(stderr, "soak: there is no actor '%s'\n", name);
			exit(2);
		}
		chosen[i] = any = true;
	}
	if (!any) {
		fprintf(stderr, "soak: no actors are named\n");
		exit(2);
	}
}

static void have_threads_that_stay(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	CHECK(fence);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_put(fence);
	dma_fence_rcu_barrier();
}

static double number(const char *text)
{
	char *rest;
	double value = strtod(text, &rest);

	if (!*text || *rest || !(value >= 0 && value <= UINT32_MAX)) {
		fprintf(stderr, "soak: '%s' is no number from 0 to 2^32 - 1\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'e' },
		{ "round", required_argument, NULL, 'r' },
		{ "actors", required_argument, NULL, 'a' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 },
	};
	struct sigaction action = { .sa_handler = show_stack };
	int64_t seconds = 5 * SECOND, length = 0;
	pthread_t dog;
	unsigned int i;
	int option;

	if (argc > 1 && !strcmp(argv[1], "--peer"))
		return peer_main(argc, argv);
	for (i = 0; i < ARRAY_SIZE(actors); i++)
		chosen[i] = !(SANITIZED && actors[i]->forks);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seconds = (int64_t)(number(optarg) * 1e9);
			break;
		case 'e':
			seed = (uint64_t)number(optarg);
			break;
		case 'r':
			length = (int64_t)(number(optarg) * 1e9);
			break;
		case 'a':
			choose(optarg);
			break;
		case 'l':
			for (i = 0; i < ARRAY_SIZE(actors); i++)
				puts(actors[i]->name);
			return 0;
		default:
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "soak: '%s' is not understood\n", argv[optind]);
		return 2;
	}
	/* Three rounds at least: what grows is seen from the second on. */
	if (!length)
		length = seconds < 30 * SECOND ? seconds / 3 : 10 * SECOND;
	length = length ? length : MS;

	sigaction(SIGUSR2, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	dma_fence_set_report_handler(reported, NULL);
	fd_folder = opendir("/proc/self/fd");
	task_folder = opendir("/proc/self/task");
	statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	CHECK(fd_folder && task_folder && statm_fd >= 0);
	began = clock_now();
	ends = began + seconds;
	main_at("starting");
	have_threads_that_stay();
	CHECK(!pthread_create(&dog, NULL, watchdog, NULL));
	base = resources_now();
	while (clock_now() < ends)
		run_round(length < ends - clock_now() ? length : ends - clock_now() + MS);
	atomic_store_release(&dog_over, 1);
	pthread_join(dog, NULL);
	tell_summary();
	printf("# at most %d fds, %d threads, %.0f MB\n", most.fds, most.threads,
	       (double)most.resident / 1e6);
	printf("ok soak: %u rounds, %" PRIu64 " turns, %.0f s, seed %" PRIu64 "\n", round_number,
	       turns_before, (double)(clock_now() - began) / 1e9, seed);
	return 0;
}
