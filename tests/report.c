/* SPDX-License-Identifier: MIT */
/* Reports: handlers, what the default one leaves out, taint, and what the environment says. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#include "base/debug.h"

/* A source of sites of its own, so that a case says what is a place of its own. */
static uint64_t site = 1;
static char *details_text;
static unsigned int faults;

static void fault(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	(void)reason;
	(void)fence;
	faults++;
}

static uint64_t site_of(void)
{
	return site;
}

static char *details(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	(void)reason;
	(void)fence;
	return details_text ? strdup(details_text) : NULL;
}

static const struct report_source own_source = {
	.fault = fault,
	.site = site_of,
	.details = details,
};

static const struct report_source *source_before;

static int setup(void **state)
{
	catch_setup(state);
	source_before = dma_fence_report_source;
	dma_fence_report_source = &own_source;
	details_text = NULL;
	faults = 0;
	return 0;
}

static int teardown(void **state)
{
	dma_fence_report_source = source_before;
	return catch_teardown(state);
}

/* What is written to stderr meanwhile. */
static char written[8192];
static int saved_stderr, written_fd;

static void stderr_begin(void)
{
	char name[] = "/tmp/dmafence-report-XXXXXX";

	written_fd = mkstemp(name);
	assert_true(written_fd >= 0);
	unlink(name);
	saved_stderr = dup(2);
	dup2(written_fd, 2);
}

static void stderr_end(void)
{
	ssize_t length;

	dup2(saved_stderr, 2);
	close(saved_stderr);
	length = pread(written_fd, written, sizeof(written) - 1, 0);
	assert_true(length >= 0);
	written[length] = '\0';
	close(written_fd);
}

static unsigned int lines(void)
{
	const char *at;
	unsigned int count = 0;

	for (at = written; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

static struct {
	struct dma_fence_report report;
	char text[100], details[100];
	void *arg;
	int count;
} told;

static void tell(const struct dma_fence_report *report, void *arg)
{
	told.report = *report;
	snprintf(told.text, sizeof(told.text), "%s", report->text);
	snprintf(told.details, sizeof(told.details), "%s", report->details);
	told.arg = arg;
	told.count++;
}

static void handler_is_told_everything(void **state)
{
	struct dma_fence fence;
	int arg;

	(void)state;
	memset(&told, 0, sizeof(told));
	dma_fence_set_report_handler(tell, &arg);
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, &fence, "text %d", 5);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.report.reason, DMA_FENCE_REPORT_MEMBERS);
	assert_ptr_equal(told.report.fence, &fence);
	assert_string_equal(told.text, "text 5");
	assert_string_equal(told.details, "");
	assert_ptr_equal(told.arg, &arg);

	/* Also the same again: what it leaves out is its own affair. */
	details_text = "  because\n";
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, &fence, "text %d", 5);
	assert_int_equal(told.count, 2);
	assert_string_equal(told.details, "  because\n");
	assert_int_equal(faults, 2);
}

static void default_writes_text_and_details(void **state)
{
	(void)state;
	dma_fence_set_report_handler(NULL, NULL);
	site++;
	details_text = "  because\n  of that\n";
	stderr_begin();
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, NULL, "text");
	stderr_end();
	assert_string_equal(written, "dmafence: text\n  because\n  of that\n");
}

static void default_writes_once_for_each_kind_at_each_place(void **state)
{
	int i;

	(void)state;
	dma_fence_set_report_handler(NULL, NULL);
	sleep_ns(SECOND); /* the last second's are not counted any more */
	site++;
	stderr_begin();
	for (i = 0; i < 100; i++)
		dma_fence_report(DMA_FENCE_REPORT_MEMBERS, NULL, "first");
	dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL, "second");
	site++;
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, NULL, "third");
	stderr_end();
	assert_int_equal(faults, 102);
	assert_string_equal(written, "dmafence: first\n"
				     "dmafence: 99 reports like those before were left out\n"
				     "dmafence: second\n"
				     "dmafence: third\n");
}

static void default_writes_ten_in_a_second(void **state)
{
	int64_t begin;
	int i;

	(void)state;
	dma_fence_set_report_handler(NULL, NULL);
	sleep_ns(SECOND);
	begin = clock_now();
	stderr_begin();
	for (i = 0; i < 1000; i++, site++)
		dma_fence_report(DMA_FENCE_REPORT_RESERVATION, NULL, "one of many");
	stderr_end();
	/* On a machine that had no time for us they may have taken several. */
	assert_in_range(lines(), 10, 10 + 11 * ((clock_now() - begin) / SECOND));
	sleep_ns(SECOND);
	stderr_begin();
	dma_fence_report(DMA_FENCE_REPORT_RESERVATION, NULL, "after a while");
	stderr_end();
	assert_non_null(strstr(written, " reports like those before were left out\n"
					"dmafence: after a while\n"));
}

/* What was one too many is new when it comes again. */
static void what_was_too_many_is_not_forgotten(void **state)
{
	uint64_t first = site + 1, last = site + 20;

	(void)state;
	dma_fence_set_report_handler(NULL, NULL);
	sleep_ns(SECOND);
	stderr_begin();
	for (site = first; site <= last; site++)
		dma_fence_report(DMA_FENCE_REPORT_MEMBERS, NULL, "place %d", (int)(site - first));
	sleep_ns(SECOND);
	for (site = first; site <= last; site++)
		dma_fence_report(DMA_FENCE_REPORT_MEMBERS, NULL, "place %d", (int)(site - first));
	stderr_end();
	assert_non_null(strstr(written, "place 0\n"));
	assert_null(strstr(strstr(written, "place 0\n") + 1, "place 0\n"));
	assert_non_null(strstr(written, "place 19\n"));
}

static void faults_taint(void **state)
{
	const uint32_t before = dma_fence_taint();

	(void)state;
	assert_false(before & 1u << DMA_FENCE_REPORT_SIGNALLING);
	dma_fence_report(DMA_FENCE_REPORT_SIGNALLING, NULL, "a fault");
	assert_int_equal(dma_fence_taint(), before | 1u << DMA_FENCE_REPORT_SIGNALLING);
	dma_fence_report(DMA_FENCE_REPORT_HANG, NULL, "not a fault");
	assert_int_equal(dma_fence_taint(), before | 1u << DMA_FENCE_REPORT_SIGNALLING);
	assert_int_equal(caught()->count, 2);
}

/* A handler may ask everything of a fence that was signaled late, for its lock is free. */

static int asked_status, asked_error;

static void ask(const struct dma_fence_report *report, void *arg)
{
	struct counter *counter = arg;

	if (report->reason != DMA_FENCE_REPORT_LATE_SIGNAL)
		return;
	asked_status = dma_fence_get_status(report->fence);
	asked_error = dma_fence_set_error(report->fence, -EIO);
	assert_int_equal(dma_fence_flush(report->fence), 0);
	assert_false(dma_fence_remove_callback(report->fence, &counter->cb));
}

static void handler_may_ask_a_fence_that_was_signaled_late(void **state)
{
	struct counter counters[2] = { { .ran = 0 } };
	struct dma_fence fence;

	(void)state;
	dma_fence_set_report_handler(ask, &counters[0]);
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counters[0].cb, count_call), 0);
	assert_int_equal(dma_fence_add_callback(&fence, &counters[1].cb, count_call), 0);
	dma_fence_put(&fence);
	dma_fence_signal(&fence);
	assert_int_equal(asked_status, -EDEADLK);
	assert_int_equal(asked_error, -EALREADY);
	assert_int_equal(calls(&counters[0]), 1);
	assert_int_equal(calls(&counters[1]), 1);
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(dma_fence_debug(NULL), 0);
	assert_int_equal(dma_fence_debug(""), 0);
	assert_int_equal(dma_fence_debug(",,"), 0);
	assert_false(debug(DEBUG_LOCKING));
	assert_int_equal(dma_fence_debug("locking,nonsense"), -EINVAL);
	assert_false(debug(DEBUG_LOCKING));
	assert_int_equal(dma_fence_debug("locking"), 0);
	assert_true(debug(DEBUG_LOCKING));
	dma_fence_debug_clear(DEBUG_LOCKING);
}

/* Runs this program again, which breaks a contract there; returns how that ended. */
static int with_environment(const char *setting)
{
	char program[] = "/proc/self/exe", option[] = "--break", environment[100];
	char *arguments[] = { program, option, NULL }, *settings[] = { environment, NULL };
	int status;
	pid_t pid;

	snprintf(environment, sizeof(environment), "%s", setting);
	stderr_begin();
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, arguments, settings), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	stderr_end();
	return status;
}

static int breaks_contracts(void)
{
	struct dma_fence fence;

	fence_init(&fence);
	dma_fence_enable_signaling(&fence);
	dma_fence_put(&fence);
	fprintf(stderr, "went on\n");
	return 17;
}

static void environment_says_what_a_fault_does(void **state)
{
	int status;

	(void)state;
	status = with_environment("DMA_FENCE_ON_FAULT=abort");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(written, "lost its last reference"));
	assert_null(strstr(written, "went on"));

	status = with_environment("DMA_FENCE_ON_FAULT=report");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 17);
	assert_non_null(strstr(written, "lost its last reference"));
	assert_non_null(strstr(written, "went on"));

	status = with_environment("DMA_FENCE_ON_FAULT=explode");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 17);
	assert_int_equal(strncmp(written,
				 "dmafence: DMA_FENCE_ON_FAULT: 'explode' is neither 'report' nor "
				 "'abort'\n",
				 70),
			 0);
}

int main(int argc, char **argv)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(handler_is_told_everything),
		CASE(default_writes_text_and_details),
		CASE(default_writes_once_for_each_kind_at_each_place),
		CASE(what_was_too_many_is_not_forgotten),
		CASE(default_writes_ten_in_a_second),
		CASE(faults_taint),
		CASE(handler_may_ask_a_fence_that_was_signaled_late),
		CASE(words),
		CASE(environment_says_what_a_fault_does),
	};

	if (argc > 1 && !strcmp(argv[1], "--break"))
		return breaks_contracts();
	return RUN(tests);
}
