/* SPDX-License-Identifier: MIT */
/*
 * What is left when a program ends is told, and it can fail for it: this program once more, which
 * leaves something behind, or nothing.
 */
#include "fds.h"
#include "program.h"

#define PLACE __attribute__((noinline))

static volatile int not_a_tail_call;

/* What the other program does. It never puts what the test is to find. */

static struct dma_fence *left[4];

PLACE static struct dma_fence *makes_a_fence(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	not_a_tail_call = 1;
	return fence;
}

PLACE static void drops_it_too_soon(struct dma_fence *fence)
{
	dma_fence_put(fence);
	not_a_tail_call = 2;
}

PLACE static int exports_and_forgets(struct dma_fence *fence)
{
	int fd = dma_fence_sync_file_export(fence);

	not_a_tail_call = 3;
	return fd;
}

static void leave_nothing(void)
{
	struct dma_fence *fence = makes_a_fence(), *stub = dma_fence_get_stub();
	int fd = dma_fence_sync_file_export(fence);

	/* Closed everywhere: nobody has told the library. */
	close(fd);
	dma_fence_set_deadline(stub, 1);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void leave_a_fence(void)
{
	left[0] = makes_a_fence();
	left[1] = makes_a_fence();
	dma_fence_signal(left[1]);
}

PLACE static void takes_one_and_forgets(struct dma_fence *fence)
{
	dma_fence_get(fence);
	not_a_tail_call = 4;
}

static void leave_a_reference(void)
{
	left[0] = makes_a_fence();
	takes_one_and_forgets(left[0]);
	dma_fence_signal(left[0]);
	dma_fence_put(left[0]);
}

static void leave_one_in_quarantine(void)
{
	left[0] = makes_a_fence();
	dma_fence_enable_signaling(left[0]);
	drops_it_too_soon(left[0]);
}

/* Nobody has its fd any more, and then nobody has the fence. */
static void leave_what_was_exported(void)
{
	struct dma_fence *fence = makes_a_fence();

	close(exports_and_forgets(fence));
	dma_fence_put(fence);
}

static void leave_an_fd(void)
{
	struct dma_fence *fence = makes_a_fence();

	assert_true(exports_and_forgets(fence) >= 0);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* Who still holds it has it dropped when a grace period has ended, and one more. */
struct later {
	struct dma_fence_rcu_link link;
	struct dma_fence *fence;
};

static void put_later(struct dma_fence_rcu_link *link)
{
	dma_fence_put(((struct later *)(void *)link)->fence);
}

static void put_yet_later(struct dma_fence_rcu_link *link)
{
	dma_fence_rcu_defer(link, put_later);
}

static void leave_it_to_rcu(void)
{
	static struct later laters[2];

	laters[0].fence = makes_a_fence();
	laters[1].fence = makes_a_fence();
	dma_fence_rcu_defer(&laters[0].link, put_later);
	dma_fence_rcu_defer(&laters[1].link, put_yet_later);
}

/* It is dropped after main(), by functions of the program that are called then. */

static struct dma_fence *dropped_at_exit, *dropped_by_destructor;

static void drop_at_exit(void)
{
	dma_fence_put(dropped_at_exit);
}

__attribute__((destructor)) static void drop_by_destructor(void)
{
	dma_fence_put(dropped_by_destructor);
}

static void leave_it_to_the_end(void)
{
	dropped_at_exit = makes_a_fence();
	dropped_by_destructor = makes_a_fence();
	atexit(drop_at_exit);
}

/* A thread that never leaves its read-side section does not keep the program from ending. */

static int in_section;

static void *stay_in_section(void *arg)
{
	(void)arg;
	dma_fence_rcu_read_lock();
	set_flag(&in_section);
	pause();
	dma_fence_rcu_read_unlock();
	return NULL;
}

static void leave_a_reader(void)
{
	start(stay_in_section, NULL);
	await_flag(&in_section);
	leave_a_fence();
}

/* Children: one ends without a word, one has its parent's fence, and puts it, and one does not. */

static int status_of_child(void (*func)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		func();
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void end_at_once(void)
{
	_exit(3);
}

static void put_and_end(void)
{
	dma_fence_put(left[0]);
	exit(3);
}

static void just_end(void)
{
	exit(3);
}

static void leave_to_children(void)
{
	left[0] = makes_a_fence();
	assert_int_equal(status_of_child(end_at_once), 3);
	assert_int_equal(status_of_child(put_and_end), 3);
	assert_int_equal(status_of_child(just_end), getenv("DMA_FENCE_LEAKS_EXIT") ? 42 : 3);
	dma_fence_put(left[0]);
}

/* The last thing it writes is still in its buffer when it ends. */
static void leave_with_words(void)
{
	leave_a_fence();
	fprintf(stdout, "last words");
}

/* A thread that waits for what comes from a stream, whose lock it holds. */

static void *read_from_it(void *arg)
{
	set_flag(&in_section);
	return (void *)(intptr_t)fgetc(arg);
}

static void leave_one_that_reads(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	start(read_from_it, fdopen(ends[0], "r"));
	await_flag(&in_section);
	let_it_sleep();
	leave_with_words();
}

/* The thread of main() ends, and the process goes on. */

static void *go_on_without(void *arg)
{
	(void)arg;
	/* It cannot be joined under ThreadSanitizer. Its fds go when it does. */
	while (!access("/proc/self/fd/1", F_OK))
		sched_yield();
	leave_an_fd();
	exit(7);
}

static void leave_without_main(void)
{
	start(go_on_without, NULL);
	pthread_exit(NULL);
}

static void ask_for_it_itself(void)
{
	assert_int_equal(dma_fence_debug("leaks"), 0);
	leave_a_fence();
}

static const struct {
	const char *name;
	void (*func)(void);
} programs[] = {
	{ "nothing", leave_nothing },
	{ "fence", leave_a_fence },
	{ "reference", leave_a_reference },
	{ "quarantine", leave_one_in_quarantine },
	{ "exported", leave_what_was_exported },
	{ "fd", leave_an_fd },
	{ "rcu", leave_it_to_rcu },
	{ "end", leave_it_to_the_end },
	{ "reader", leave_a_reader },
	{ "children", leave_to_children },
	{ "words", leave_with_words },
	{ "reads", leave_one_that_reads },
	{ "without main", leave_without_main },
	{ "asks", ask_for_it_itself },
};

static int play(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strcmp(programs[i].name, name))
			continue;
		programs[i].func();
		return 7;
	}
	return 1;
}

/* The test's side. */

struct outcome {
	int status;
	char text[8000]; /* what it has written, to both */
};

static void run(struct outcome *outcome, const char *name, const char *debug, const char *status)
{
	const struct variable variables[] = {
		{ "DMA_FENCE_DEBUG", debug },
		{ "DMA_FENCE_LEAKS_EXIT", status },
	};
	size_t length = 0;
	int output, wait_status;
	ssize_t n;
	pid_t pid;

	watchdog_at("the program that leaves '%s'", name);
	pid = program_start(name, variables, ARRAY_SIZE(variables), &output);
	while ((n = read(output, outcome->text + length, sizeof(outcome->text) - 1 - length)) > 0)
		length += (size_t)n;
	outcome->text[length] = '\0';
	close(output);
	assert_int_equal(waitpid(pid, &wait_status, 0), pid);
	assert_true(WIFEXITED(wait_status));
	outcome->status = WEXITSTATUS(wait_status);
}

static void assert_silent(const char *name)
{
	struct outcome outcome;

	run(&outcome, name, "leaks", "42");
	assert_string_equal(outcome.text, "");
	assert_int_equal(outcome.status, 7);
}

static void assert_says(const struct outcome *outcome, const char *text)
{
	if (!strstr(outcome->text, text))
		print_message("no '%s' in:\n%s", text, outcome->text);
	assert_non_null(strstr(outcome->text, text));
}

static void nothing_left(void **state)
{
	(void)state;
	assert_silent("nothing");
}

static void only_if_asked(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "fence", NULL, "42");
	assert_string_equal(outcome.text, "");
	assert_int_equal(outcome.status, 7);
	run(&outcome, "fence", "records", "42");
	assert_string_equal(outcome.text, "");
	assert_int_equal(outcome.status, 7);
}

static void fence_that_is_left(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "fence", "leaks", NULL);
	assert_int_equal(outcome.status, 7);
	assert_says(&outcome, "dmafence: left when process ");
	assert_says(&outcome, "2 fences, 1 pending, 0 callbacks, oldest ");
	assert_says(&outcome, ": makes_a_fence (leaks.c:");
	run(&outcome, "fence", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, ": makes_a_fence (leaks.c:");
}

/* With the ledger on, who took the reference. */
static void who_did_not_put_it(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "reference", "leaks,ledger", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "takes_one_and_forgets (leaks.c:");
	run(&outcome, "reference", "leaks,ledger", NULL);
	assert_int_equal(outcome.status, 7);
	assert_says(&outcome, "takes_one_and_forgets (leaks.c:");
	run(&outcome, "reference", "leaks", "42");
	assert_null(strstr(outcome.text, "takes_one_and_forgets"));
}

static void one_in_quarantine_is_left(void **state)
{
	struct outcome outcome;
	const char *census;

	(void)state;
	run(&outcome, "quarantine", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "1 fence, 1 pending, 0 callbacks, 1 in quarantine, oldest ");
	/* Behind the report, which came first. */
	census = strstr(outcome.text, "dmafence: left when");
	assert_non_null(census);
	assert_non_null(strstr(census, ": makes_a_fence (leaks.c:"));
	assert_non_null(strstr(census, "drops_it_too_soon (leaks.c:"));
}

/* That its fd was closed everywhere nobody has told the library; it looks before it counts. */
static void one_that_only_an_export_held(void **state)
{
	struct outcome outcome;
	const char *census;

	(void)state;
	run(&outcome, "exported", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	census = strstr(outcome.text, "dmafence: left when");
	assert_non_null(census);
	assert_non_null(strstr(census, "1 fence, 1 pending, 0 callbacks, 1 in quarantine, oldest"));
	assert_null(strstr(census, "fds of sync files"));
}

static void fd_that_is_left(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "fd", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "fds of sync files:\n1 exported (1 of them signaled)");
	assert_null(strstr(outcome.text, "makes_a_fence"));
}

static void what_is_dropped_later_is_not_left(void **state)
{
	(void)state;
	assert_silent("rcu");
	assert_silent("end");
}

static void reader_does_not_keep_it_from_ending(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "reader", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, ": makes_a_fence (leaks.c:");
}

/* ThreadSanitizer lets no child of a fork() start a thread, which RCU does. */
#ifndef __SANITIZE_THREAD__
static int count(const char *text, const char *what)
{
	int number = 0;

	for (; (text = strstr(text, what)); text++)
		number++;
	return number;
}

static void children_have_copies(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "children", "leaks", "42");
	assert_int_equal(outcome.status, 7);
	assert_int_equal(count(outcome.text, "dmafence: left when"), 1);
	run(&outcome, "children", "leaks", NULL);
	assert_int_equal(outcome.status, 7);
	assert_int_equal(count(outcome.text, "dmafence: left when"), 1);
}
#endif

static void what_was_printed_is_written(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "words", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "last words");
}

static void who_reads_does_not_keep_it_from_ending(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "reads", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "last words");
}

static void thread_of_main_may_have_ended(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "without main", "leaks", "42");
	assert_int_equal(outcome.status, 42);
	assert_says(&outcome, "1 exported (1 of them signaled), 0 internal: exports_and_forgets "
			      "(leaks.c:");
}

static void program_can_ask_for_it(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, "asks", NULL, "255");
	assert_int_equal(outcome.status, 255);
	assert_says(&outcome, ": makes_a_fence (leaks.c:");
}

static void status_that_is_none(void **state)
{
	static const char *const none[] = { "0", "256", "-1", "x", "4x" };
	struct outcome outcome;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		run(&outcome, "fence", "leaks", none[i]);
		assert_int_equal(outcome.status, 7);
		assert_says(&outcome, "DMA_FENCE_LEAKS_EXIT: '");
		assert_says(&outcome, ": makes_a_fence (leaks.c:");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(nothing_left),
		fd_test(only_if_asked),
		fd_test(fence_that_is_left),
		fd_test(who_did_not_put_it),
		fd_test(one_in_quarantine_is_left),
		fd_test(one_that_only_an_export_held),
		fd_test(fd_that_is_left),
		fd_test(what_is_dropped_later_is_not_left),
		fd_test(reader_does_not_keep_it_from_ending),
#ifndef __SANITIZE_THREAD__
		fd_test(children_have_copies),
#endif
		fd_test(what_was_printed_is_written),
		fd_test(who_reads_does_not_keep_it_from_ending),
		fd_test(thread_of_main_may_have_ended),
		fd_test(program_can_ask_for_it),
		fd_test(status_that_is_none),
	};

	if (argc > 1)
		return play(argv[1]);
	return RUN(tests);
}
