/* SPDX-License-Identifier: MIT */
/* What engines have done is kept, by whatever thread, and written as a page that nothing breaks. */
#include <stdio.h>

#include "support.h"

#include "failing-malloc.h"
#include "fake-device.h"
#include "timeline.h"

static struct softgpu_job_record a_record(void)
{
	return (struct softgpu_job_record){
		.engine = 2,
		.context_name = "filter",
		.label = "frame 1",
		.context = 7,
		.seqno = 1,
		.submitted_ns = 1000,
		.ready_ns = 2000,
		.begun_ns = 3000,
		.ended_ns = 4000,
	};
}

static void record_labelled(struct timeline *timeline, const char *label)
{
	struct softgpu_job_record record = a_record();

	record.label = label;
	timeline_record(timeline, &record);
}

/* The page. The caller frees it. */
static char *page_of(struct timeline *timeline, const char *title)
{
	static const struct timeline_row rows[] = {
		{ "Frames & <fields>", "\"120\"" },
		{ "encode 1", "row of an engine" },
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(timeline_write_page(timeline, NULL, out, title, rows, 2), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static unsigned int count_of(const char *text, const char *part)
{
	unsigned int count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

#define assert_says(page, part)	    assert_non_null(strstr(page, part))
#define assert_says_not(page, part) assert_null(strstr(page, part))

static void test_without_jobs(void **state)
{
	struct timeline *timeline = timeline_create();
	char *page = page_of(timeline, "nothing");

	(void)state;
	assert_says(page, "<p>0 jobs on 10 engines in 0.0 ms, 0 of them failed.</p>");
	assert_says(page, "\"engine\":[],");
	assert_says(page, "\"texts\":[],");
	free(page);
	timeline_destroy(timeline);
}

static void test_columns(void **state)
{
	struct timeline *timeline = timeline_create();
	struct softgpu_job_record record = a_record();
	char *page;

	(void)state;
	timeline_record(timeline, &record);
	record.label = "frame 2";
	record.seqno = UINT64_MAX;
	record.batch = 3;
	record.submitted_ns = 1500;
	record.ready_ns = 0;
	record.begun_ns = 0;
	record.ended_ns = 9000;
	record.error = -ETIME;
	timeline_record(timeline, &record);
	page = page_of(timeline, "two");
	assert_says(page, "<p>2 jobs on 10 engines in 0.0 ms, 1 of them failed.</p>");
	assert_says(page, "\"end\":8000,\n");
	assert_says(page, "\"texts\":[\"filter\",\"frame 1\",\"frame 2\"],\n");
	assert_says(page, "\"errors\":{\"-62\":\"ETIME: ");
	assert_says(page, "\"engine\":[2,2],\n");
	assert_says(page, "\"name\":[0,0],\n");
	assert_says(page, "\"label\":[1,2],\n");
	assert_says(page, "\"context\":[7,7],\n");
	/* More than a script's numbers hold. */
	assert_says(page, "\"seqno\":[1,\"18446744073709551615\"],\n");
	assert_says(page, "\"batch\":[0,3],\n");
	assert_says(page, "\"submitted\":[0,500],\n");
	assert_says(page, "\"ready\":[1000,-1],\n");
	assert_says(page, "\"begun\":[2000,-1],\n");
	assert_says(page, "\"ended\":[3000,8000],\n");
	assert_says(page, "\"error\":[0,-62]}");
	free(page);
	timeline_destroy(timeline);
}

/* What a program names its jobs is text, and nothing that text can be is anything else. */
static void test_escapes(void **state)
{
	static const struct {
		const char *label;
		const char *becomes;
	} labels[] = {
		{ "</script><script>alert(1)",
		  "\"\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\"" },
		{ "<!--<script>", "\"\\u003c!--\\u003cscript\\u003e\"" },
		{ "quotes \" ' \\ & ]]>", "\"quotes \\u0022 ' \\u005c \\u0026 ]]\\u003e\"" },
		{ "\x01\n\t\x7f", "\"\\u0001\\u000a\\u0009\\u007f\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		/* Not UTF-8: a byte of its own, cut off, overlong, a surrogate, beyond the end. */
		{ "a\xff"
		  "b",
		  "\"a\xef\xbf\xbd"
		  "b\"" },
		{ "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct timeline *timeline = timeline_create();
	char *page, *plain;
	size_t i;

	(void)state;
	plain = page_of(timeline, "plain");
	for (i = 0; i < ARRAY_SIZE(labels); i++)
		record_labelled(timeline, labels[i].label);
	fake_engine_name = "</td><b>&'";
	page = page_of(timeline, "<b>\"T\x02\xfe'&");
	fake_engine_name = NULL;
	for (i = 0; i < ARRAY_SIZE(labels); i++)
		assert_says(page, labels[i].becomes);
	assert_says(page, "<title>&lt;b&gt;&quot;T\xef\xbf\xbd\xef\xbf\xbd&#39;&amp;</title>");
	assert_says(page, "<h1>&lt;b&gt;&quot;T\xef\xbf\xbd\xef\xbf\xbd&#39;&amp;</h1>");
	assert_says(page, "<th scope=\"row\">Frames &amp; &lt;fields&gt;</th><td>&quot;120&quot;");
	assert_says(page, "<th scope=\"row\">&lt;/td&gt;&lt;b&gt;&amp;&#39;</th>");
	assert_says(page, "\"name\":\"\\u003c/td\\u003e\\u003cb\\u003e\\u0026'\"");
	/* Nothing has been added that a browser takes for markup. */
	assert_int_equal(count_of(page, "<script"), count_of(plain, "<script"));
	assert_int_equal(count_of(page, "</script"), 2);
	assert_says_not(page, "<!--");
	assert_says_not(page, "<b>");
	free(page);
	free(plain);
	timeline_destroy(timeline);
}

/* Engines have a table of their own. */
static void test_rows(void **state)
{
	struct timeline *timeline = timeline_create();
	char *page = page_of(timeline, "rows");

	(void)state;
	assert_says(page, "<th scope=\"row\">encode 1</th><td>1</td><td>107</td><td>8.0 ms</td>");
	assert_says_not(page, "row of an engine");
	free(page);
	timeline_destroy(timeline);
}

/* No address of anything outside, but for names of standards, of which there are none. */
static void test_needs_nothing_else(void **state)
{
	struct timeline *timeline = timeline_create();
	char *page = page_of(timeline, "alone");

	(void)state;
	assert_says(page, "default-src 'none'");
	/* No script but the page's own. */
	assert_says(page, "script-src 'sha256-");
	assert_int_equal(count_of(page, "unsafe-inline"), 1);
	assert_says(page, "style-src 'unsafe-inline'");
	assert_says_not(page, "http:");
	assert_says_not(page, "https:");
	assert_says_not(page, "src=");
	assert_says_not(page, "href=");
	assert_says_not(page, "url(");
	assert_says_not(page, "@import");
	free(page);
	timeline_destroy(timeline);
}

static void test_long_texts_are_cut(void **state)
{
	struct timeline *timeline = timeline_create();
	char label[400], kept[210];
	char *page;

	(void)state;
	/* 199 bytes, and then characters of 3: there is no room for the first. */
	memset(label, 'x', 199);
	for (size_t i = 0; i < 60; i++)
		memcpy(label + 199 + 3 * i, "\xe2\x82\xac", 4);
	record_labelled(timeline, label);
	record_labelled(timeline, NULL);
	memset(kept, 'x', 199);
	memcpy(kept + 199, "\",\"\"],", 7);
	page = page_of(timeline, "cut");
	assert_says(page, kept);
	assert_says_not(page, "x\xe2\x82\xac");
	free(page);
	timeline_destroy(timeline);
}

/* Jobs of engines that a device cannot have are left out; of others that it has not, shown. */
static void test_other_engines(void **state)
{
	struct timeline *timeline = timeline_create();
	struct softgpu_job_record record = a_record();
	char *page;

	(void)state;
	record.engine = 12;
	timeline_record(timeline, &record);
	record.engine = UINT32_MAX;
	timeline_record(timeline, &record);
	page = page_of(timeline, "engines");
	assert_says(page, "1 jobs on 13 engines");
	assert_says(page, "<strong>1 more are left out.</strong>");
	assert_says(page, "\"name\":\"engine 12\"");
	assert_says(page, "\"engine\":[12],");
	free(page);
	timeline_destroy(timeline);
}

/* What there is no memory for is left out, and counted; what comes later is not. */
static void test_without_memory(void **state)
{
	struct timeline *timeline;
	char expected[64];
	int fail_at;
	char *page;

	(void)state;
	failing_malloc_in = 1;
	timeline = timeline_create();
	failing_malloc_in = -1;
	assert_null(timeline);
	/* The first job needs three: for a block, for the name and for the label. */
	for (fail_at = 1; fail_at <= 4; fail_at++) {
		timeline = timeline_create();
		failing_malloc_in = fail_at;
		record_labelled(timeline, "first");
		failing_malloc_in = -1;
		record_labelled(timeline, "second");
		page = page_of(timeline, "memory");
		snprintf(expected, sizeof(expected), "<p>%u jobs on ", fail_at <= 3 ? 1 : 2);
		assert_says(page, expected);
		if (fail_at <= 3)
			assert_says(page, "<strong>1 more are left out");
		else
			assert_says_not(page, "left out");
		free(page);
		timeline_destroy(timeline);
	}
}

static void test_bounded(void **state)
{
	struct timeline *timeline = timeline_create();
	char expected[64];
	unsigned int i;
	char *page;

	(void)state;
	for (i = 0; i < TIMELINE_MAX_JOBS + 5; i++)
		record_labelled(timeline, "x");
	page = page_of(timeline, "many");
	snprintf(expected, sizeof(expected), "<p>%u jobs on ", TIMELINE_MAX_JOBS);
	assert_says(page, expected);
	assert_says(page, "<strong>5 more are left out.</strong>");
	free(page);
	timeline_destroy(timeline);
}

static void test_write_errors(void **state)
{
	struct timeline *timeline = timeline_create();
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(full);
	record_labelled(timeline, "x");
	assert_int_equal(timeline_write_page(timeline, NULL, full, "full", NULL, 0), -ENOSPC);
	fclose(full);
	timeline_destroy(timeline);
}

#define THREADS	   4
#define PER_THREAD 6000

struct recorder {
	struct timeline *timeline;
	unsigned int number;
	int *begin;
	int *finished; /* how many have */
};

static void *record_many(void *arg)
{
	const struct recorder *recorder = arg;
	struct softgpu_job_record record = a_record();
	char label[32];
	unsigned int i;

	await_flag(recorder->begin);
	for (i = 0; i < PER_THREAD; i++) {
		/* Some labels are everybody's, others of one thread. */
		snprintf(label, sizeof(label), "%u.%u", i % 3 ? recorder->number : 9, i);
		record.label = label;
		record.engine = recorder->number;
		record.seqno = i;
		timeline_record(recorder->timeline, &record);
	}
	/* Relaxed: nothing that was recorded is published by this. */
	__atomic_fetch_add(recorder->finished, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void test_threads(void **state)
{
	struct timeline *timeline = timeline_create();
	struct recorder recorders[THREADS];
	pthread_t threads[THREADS];
	int begin = 0, finished = 0;
	char expected[64];
	unsigned int i;
	char *page;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		recorders[i] = (struct recorder){ timeline, i, &begin, &finished };
		threads[i] = start(record_many, &recorders[i]);
	}
	set_flag(&begin);
	/* Pages are whole, whatever is recorded meanwhile. */
	do {
		page = page_of(timeline, "meanwhile");
		assert_says(page, "</html>\n");
		free(page);
	} while (__atomic_load_n(&finished, __ATOMIC_RELAXED) < THREADS);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	page = page_of(timeline, "threads");
	snprintf(expected, sizeof(expected), "<p>%u jobs on ", THREADS * PER_THREAD);
	assert_says(page, expected);
	assert_says_not(page, "left out");
	/* Each label once: 1 in 3 was everybody's, each of the others was of a thread alone. */
	for (i = 0; i < PER_THREAD; i += 997) {
		snprintf(expected, sizeof(expected), "\"%u.%u\"", i % 3 ? 2 : 9, i);
		assert_int_equal(count_of(page, expected), 1);
	}
	free(page);
	timeline_destroy(timeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_jobs),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_needs_nothing_else),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_other_engines),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_threads),
	};

	return RUN(tests);
}
