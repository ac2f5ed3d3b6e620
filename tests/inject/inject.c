/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "inject.h"

#define MANY   400 /* calls by one way in one case */
#define FEW    3
#define FRAMES 16	  /* of a way */
#define DEEP   64	  /* of a stack, for its outermost ones to be known */
#define CALLS  (1u << 18) /* of one case, that are listed */
#define PLACES (1u << 16)

#define SECOND INT64_C(1000000000)

#define SETTLING     (SECOND / 4)  /* the same, where that may not happen at all */
#define CASE_LASTS   (20 * SECOND) /* at least, before it counts as hung */
#define TIMES_LONGER 10

/* What is there, and has to be there no more often after a failure. */
struct holdings {
	long threads, fds, quarantined;
	struct inject_place memory[INJECT_PLACES];
};

struct listed {
	uint32_t call;
	uint32_t way;
	const void *place;
};

/* A place in the library, and what is known of it when each is to fail once. */
struct place {
	const void *address;
	uint32_t listed_in; /* the number of a case, or DONE */
};

#define DONE UINT32_MAX

enum mode { OFF, LISTS, FAILS };

/* What the processes of a case, and who runs it, have in common. */
struct shared {
	enum mode mode;
	bool judged; /* what is held is 'usual', and not to be exceeded */

	/* LISTS */
	uint32_t num_calls;
	struct listed calls[CALLS];
	bool each; /* only the first call from each place that is not DONE */
	uint32_t in_case;
	struct place places[PLACES];

	/* FAILS: the call that is to fail, and how many before it come the same way */
	struct listed wanted;
	int before;
	int fired;
	int num_frames;
	void *frames[FRAMES];
	int refused; /* how often a function said so */
	int other_error;
	bool ended;
	char leak[200];

	struct holdings usual;
};

static struct shared *shared;
static bool loud;
static int64_t case_lasts = CASE_LASTS;
static int64_t patience = 2 * SECOND; /* until what goes by itself has gone */

/* Within this module; what happened in the function that the test has called, on this thread. */
static __thread bool inside __attribute__((tls_model("initial-exec")));
static __thread int failed_with __attribute__((tls_model("initial-exec")));

/* Frames of the thread that runs the case, up to there: not always the same ones. */
static __thread int frames_below __attribute__((tls_model("initial-exec")));

static const char *const names[] = {
#define CALL(name, error) #name,
	INJECT_CALLS(CALL)
#undef CALL
};

static const int errors[] = {
#define CALL(name, error) error,
	INJECT_CALLS(CALL)
#undef CALL
};

/* Of the library, where there is one that has them. */
void dma_fence_rcu_synchronize(void) __attribute__((weak));
void dma_fence_rcu_barrier(void) __attribute__((weak));
unsigned long dma_fence_quarantined_count(void) __attribute__((weak));

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

extern const char __executable_start[], etext[];

/* Where it is in the program's file, if it is in there. */
static uintptr_t in_file(const void *address)
{
	const char *place = address;

	return place >= __executable_start && place < etext
		       ? (uintptr_t)(place - __executable_start)
		       : 0;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static void pause_briefly(void)
{
	const struct timespec time = { .tv_nsec = 2000000 };

	nanosleep(&time, NULL);
}

/* In the library */

static uint32_t way_of(enum inject_call call, void *const *frames, int count)
{
	uint64_t hash = call;
	int i;

	for (i = 0; i < count; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

/* By the address's hash; what is NULL is free. */
static struct place *place_at(const void *address)
{
	size_t i = (size_t)((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 48);

	for (;; i = (i + 1) % PLACES) {
		const void *known = __atomic_load_n(&shared->places[i].address, __ATOMIC_RELAXED);

		if (!known &&
		    __atomic_compare_exchange_n(&shared->places[i].address, &known, address, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			known = address;
		if (known == address)
			return &shared->places[i];
	}
}

/* Whether it is to be listed: asked before its way is looked for, which takes much longer. */
static bool is_new(const void *address)
{
	uint32_t *in_case = &place_at(address)->listed_in;

	return __atomic_load_n(in_case, __ATOMIC_RELAXED) != DONE &&
	       __atomic_exchange_n(in_case, shared->in_case, __ATOMIC_RELAXED) != shared->in_case;
}

static bool is_wanted(enum inject_call call, uint32_t way, void *const *frames, int count)
{
	if (way != shared->wanted.way ||
	    __atomic_fetch_sub(&shared->before, 1, __ATOMIC_RELAXED) != 0)
		return false;
	memcpy(shared->frames, frames, (size_t)count * sizeof(*frames));
	shared->num_frames = count;
	__atomic_store_n(&shared->fired, 1, __ATOMIC_RELEASE);
	failed_with = errors[call];
	return true;
}

static void list(enum inject_call call, uint32_t way, const void *place)
{
	const uint32_t i = __atomic_fetch_add(&shared->num_calls, 1, __ATOMIC_RELAXED);

	if (i < CALLS)
		shared->calls[i] = (struct listed){ call, way, place };
}

bool inject_fails(enum inject_call call, const void *place)
{
	void *frames[DEEP];
	bool fails = false;
	int count, error = errno;

	if (!shared || inside || shared->mode == OFF)
		return false;
	if (shared->mode == FAILS &&
	    (place != shared->wanted.place || call != shared->wanted.call ||
	     __atomic_load_n(&shared->fired, __ATOMIC_ACQUIRE)))
		return false;
	if (shared->mode == LISTS && shared->each && !is_new(place))
		return false;

	inside = true;
	/* Less this function, and who asks. */
	count = backtrace(frames, DEEP) - 2;
	if (count < DEEP - 2)
		count -= frames_below;
	if (count > FRAMES)
		count = FRAMES;
	if (count > 0) {
		const uint32_t way = way_of(call, frames + 2, count);

		if (shared->mode == LISTS)
			list(call, way, place);
		else
			fails = is_wanted(call, way, frames + 2, count);
	}
	inside = false;
	errno = fails ? errors[call] : error;
	return fails;
}

/* Around the functions that the test calls */

void inject_enter(struct inject_frame *frame)
{
	frame->error_before = failed_with;
	frame->errno_before = errno;
	failed_with = 0;
}

bool inject_refused(struct inject_frame *frame, int error)
{
	const int expected = failed_with;

	failed_with = frame->error_before;
	if (!expected || !error)
		return false;
	/* What a lock is out of is memory. */
	if (error != expected && !(expected == ENOLCK && error == ENOMEM)) {
		shared->other_error = error;
		return false;
	}
	shared->refused++;
	errno = frame->errno_before;
	return true;
}

/* What a case leaves behind */

static long entries(const char *path)
{
	DIR *folder = opendir(path);
	long count = 0;

	if (!folder)
		return -1;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void look(struct holdings *holdings)
{
	holdings->fds = entries("/proc/self/fd");
	holdings->threads = entries("/proc/self/task");
	holdings->quarantined =
		dma_fence_quarantined_count ? (long)dma_fence_quarantined_count() : 0;
	memcpy(holdings->memory, inject_memory, sizeof(inject_memory));
}

static long usual_blocks(const void *place)
{
	size_t i;

	for (i = 0; i < INJECT_PLACES; i++)
		if (shared->usual.memory[i].place == place)
			return shared->usual.memory[i].blocks;
	return 0;
}

/*
 * What the dynamic loader has is of threads, whose stacks the C library keeps for the next ones, or of
 * what is loaded for good.
 */
static bool counts(const struct inject_place *memory)
{
	Dl_info found;

	return memory->blocks > 0 && (in_file(memory->place) || !dladdr(memory->place, &found) ||
				      (uintptr_t)found.dli_fbase != getauxval(AT_BASE));
}

static long all_blocks(const struct holdings *holdings)
{
	long blocks = 0;
	size_t i;

	for (i = 0; i < INJECT_PLACES; i++)
		if (counts(&holdings->memory[i]))
			blocks += holdings->memory[i].blocks;
	return blocks;
}

/* What is made once, and stays, may have been made in another place than usual. */
static bool more_than_usual(const struct holdings *held)
{
	char *text = shared->leak;
	const size_t size = sizeof(shared->leak);
	const bool more = all_blocks(held) > all_blocks(&shared->usual);
	size_t i;

	*text = '\0';
	if (held->fds > shared->usual.fds)
		snprintf(text, size, "%ld fds, not %ld", held->fds, shared->usual.fds);
	else if (held->threads > shared->usual.threads)
		snprintf(text, size, "%ld threads, not %ld", held->threads, shared->usual.threads);
	else if (held->quarantined > shared->usual.quarantined)
		snprintf(text, size, "%ld fences in quarantine, not %ld", held->quarantined,
			 shared->usual.quarantined);
	for (i = 0; more && !*text && i < INJECT_PLACES; i++) {
		const struct inject_place *memory = &held->memory[i];

		if (counts(memory) && memory->blocks > usual_blocks(memory->place))
			snprintf(text, size, "%ld blocks, not %ld, of @%lx", memory->blocks,
				 usual_blocks(memory->place), in_file(memory->place));
	}
	return *text;
}

static void add_up(struct holdings *usual, const struct holdings *held)
{
	size_t i, j;

	usual->fds = held->fds > usual->fds ? held->fds : usual->fds;
	usual->threads = held->threads > usual->threads ? held->threads : usual->threads;
	usual->quarantined =
		held->quarantined > usual->quarantined ? held->quarantined : usual->quarantined;
	for (i = 0; i < INJECT_PLACES; i++) {
		if (!held->memory[i].place || held->memory[i].blocks <= 0)
			continue;
		for (j = 0; usual->memory[j].place; j++)
			if (usual->memory[j].place == held->memory[i].place)
				break;
		usual->memory[j].place = held->memory[i].place;
		if (usual->memory[j].blocks < held->memory[i].blocks)
			usual->memory[j].blocks = held->memory[i].blocks;
	}
}

/* Waits until no more is held than 'begin', or as is usual; but not for long. */
static void judge(const struct holdings *begin)
{
	static struct holdings held;
	const int64_t end = now() + (shared->judged ? patience : SETTLING);

	if (dma_fence_rcu_barrier)
		dma_fence_rcu_barrier();
	for (;;) {
		look(&held);
		if (shared->judged ? !more_than_usual(&held)
				   : held.threads <= begin->threads && held.fds <= begin->fds)
			break;
		if (now() > end)
			break;
		pause_briefly();
	}
	if (!shared->judged)
		add_up(&shared->usual, &held);
}

/* A case, in a process of its own */

struct group {
	const char *name;
	CMFixtureFunction setup, teardown;
	int output;
	int adopts; /* the program has children that their parents have left behind */
};

static void __attribute__((noreturn))
run_in_child(const struct group *group, const struct CMUnitTest *test)
{
	static struct holdings begin;
	const enum mode mode = shared->mode;
	void *frames[DEEP];
	size_t i;
	int failed;

	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, group->adopts);
	unsetenv("INJECT");
	if (!loud) {
		dup2(group->output, STDOUT_FILENO);
		dup2(group->output, STDERR_FILENO);
	}
	/* Threads that are there to stay are there before, and not on the way to any call. */
	shared->mode = OFF;
	if (dma_fence_rcu_synchronize)
		dma_fence_rcu_synchronize();
	for (i = 0; i < INJECT_PLACES; i++)
		inject_memory[i].blocks = 0;
	look(&begin);
	frames_below = backtrace(frames, DEEP);
	shared->mode = mode;

	failed =
		__real__cmocka_run_group_tests(group->name, test, 1, group->setup, group->teardown);
	shared->mode = OFF;
	if (!failed)
		judge(&begin);
	shared->ended = true;
	fflush(NULL);
	_exit(failed ? 1 : 0);
}

/* Its wait status, or -1 when it took too long. */
static int run(const struct group *group, const struct CMUnitTest *test, int64_t limit)
{
	struct pollfd ends = { .events = POLLIN };
	int status;
	bool hung;
	pid_t pid;

	shared->fired = shared->refused = shared->other_error = shared->num_frames = 0;
	shared->ended = false;
	shared->leak[0] = '\0';
	if (ftruncate(group->output, 0) || lseek(group->output, 0, SEEK_SET))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid)
		run_in_child(group, test);
	ends.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	hung = poll(&ends, 1, (int)(limit / 1000000)) == 0;
	close(ends.fd);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || hung)
		return -1;
	return status;
}

static void tell_output(const struct group *group)
{
	char text[1500];
	off_t size = lseek(group->output, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0;
	ssize_t length = pread(group->output, text, sizeof(text), from), i;

	printf("#   ");
	for (i = 0; i < length; i++) {
		putchar(text[i]);
		if (text[i] == '\n')
			printf("#   ");
	}
	putchar('\n');
}

/* cmocka takes a crash for a failure of the test. */
static bool has_crashed(const struct group *group)
{
	static char text[1 << 16];
	const ssize_t length = pread(group->output, text, sizeof(text) - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return strstr(text, "failed with exception");
}

static void tell(const struct group *group, const struct CMUnitTest *test, int occurrence,
		 int status)
{
	const char *outcome = "absorbed";
	char details[sizeof(shared->leak) + 100] = "";
	int i;

	if (status == -1) {
		outcome = "hung";
	} else if (!shared->fired && !status) {
		outcome = "not-reached";
	} else if (WIFSIGNALED(status)) {
		outcome = "crashed";
		snprintf(details, sizeof(details), "signal %d", WTERMSIG(status));
	} else if (!shared->ended) {
		outcome = "crashed";
		snprintf(details, sizeof(details), "exit status %d", WEXITSTATUS(status));
	} else if (status && has_crashed(group)) {
		outcome = "crashed";
	} else if (status) {
		outcome = "failed";
		snprintf(details, sizeof(details), "%s",
			 shared->refused       ? "the error was said"
			 : shared->other_error ? strerror(shared->other_error)
					       : "no error was said");
	} else if (shared->leak[0]) {
		outcome = "leaked";
		snprintf(details, sizeof(details), "%s", shared->leak);
	} else if (shared->refused) {
		outcome = "refused";
	}
	printf("%s\t%s\t%s\t%s\tway %08x, %d before; %s\t", test->name, names[shared->wanted.call],
	       strerrorname_np(errors[shared->wanted.call]), outcome, shared->wanted.way,
	       occurrence, details);
	for (i = 0; i < shared->num_frames; i++)
		printf("%s%lx", i ? " " : "", in_file(shared->frames[i]));
	putchar('\n');
	if (!loud && strcmp(outcome, "absorbed") != 0 && strcmp(outcome, "refused") != 0 &&
	    strcmp(outcome, "not-reached") != 0)
		tell_output(group);
}

/* The calls of a case */

static int by_way(const void *a, const void *b)
{
	const struct listed *first = a, *second = b;

	return first->way < second->way ? -1 : first->way > second->way;
}

static int64_t end_of_all;
static unsigned int left_out, cases_left_out;

static void fail_each(const struct group *group, const struct CMUnitTest *test, int64_t limit)
{
	const uint32_t count = shared->num_calls < CALLS ? shared->num_calls : CALLS;
	const char *way = getenv("INJECT_WAY");
	struct listed *calls = malloc(count * sizeof(*calls) + 1);
	uint32_t i, first = 0;

	if (!calls)
		return;
	memcpy(calls, shared->calls, count * sizeof(*calls));
	qsort(calls, count, sizeof(*calls), by_way);
	for (i = 0; i < count; i++) {
		if (calls[i].way != calls[first].way)
			first = i;
		if (way && calls[i].way != strtoul(way, NULL, 16))
			continue;
		if (shared->each)
			place_at(calls[i].place)->listed_in = DONE;
		else if (count > MANY && i - first >= FEW)
			continue;
		if (end_of_all && now() > end_of_all) {
			left_out++;
			continue;
		}
		shared->mode = FAILS;
		shared->judged = true;
		shared->wanted = calls[i];
		shared->before = (int)(i - first);
		tell(group, test, (int)(i - first), run(group, test, limit));
	}
	free(calls);
}

static void inject_into(const struct group *group, const struct CMUnitTest *test)
{
	int64_t begin = now(), longest;
	int i, status = 0;

	if (end_of_all && begin > end_of_all) {
		cases_left_out++;
		return;
	}
	shared->judged = false;
	memset(&shared->usual, 0, sizeof(shared->usual));
	shared->num_calls = 0;
	shared->in_case++;
	for (i = 0; i < 2 && !status && (!i || shared->num_calls); i++) {
		shared->mode = LISTS;
		if (!shared->each)
			shared->num_calls = 0;
		status = run(group, test, 10 * CASE_LASTS);
	}
	longest = now() - begin;
	if (status || !shared->ended) {
		printf("%s\t-\t-\tunusable\tas it is\t\n", test->name);
		tell_output(group);
		return;
	}
	if (shared->num_calls > CALLS)
		printf("%s\t-\t-\tlisted in part\t%u calls\t\n", test->name, shared->num_calls);
	fail_each(group, test, case_lasts + TIMES_LONGER * longest + 2 * patience);
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	struct group group = { .name = name, .setup = setup, .teardown = teardown };
	const char *pattern = getenv("INJECT_CASE"), *seconds = getenv("INJECT_SECONDS");
	const char *lasts = getenv("INJECT_LASTS");
	static char output[BUFSIZ];
	void *frame;
	size_t i;

	if (!getenv("INJECT"))
		return __real__cmocka_run_group_tests(name, tests, count, setup, teardown);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	/* Where it is in the way of no test that knows the numbers of its own. */
	i = (size_t)memfd_create("output", MFD_CLOEXEC);
	group.output = fcntl((int)i, F_DUPFD_CLOEXEC, 500);
	close((int)i);
	if (shared == MAP_FAILED || group.output < 0)
		return 1;
	prctl(PR_GET_CHILD_SUBREAPER, &group.adopts);
	loud = getenv("INJECT_WAY");
	shared->each = !strcmp(getenv("INJECT"), "each");
	/* Not in one case and not in others: memory for output, and what this loads. */
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	backtrace(&frame, 1);
	if (lasts) {
		case_lasts = strtol(lasts, NULL, 10) * SECOND;
		if (patience > case_lasts / 4)
			patience = case_lasts / 4;
	}
	if (seconds)
		end_of_all = now() + strtol(seconds, NULL, 10) * SECOND;
	for (i = 0; i < count; i++)
		if (!pattern || !fnmatch(pattern, tests[i].name, 0))
			inject_into(&group, &tests[i]);
	printf("# %u calls and %u cases left out for want of time\n", left_out, cases_left_out);
	fflush(stdout);
	return 0;
}
