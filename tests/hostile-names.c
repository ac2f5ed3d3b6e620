/* SPDX-License-Identifier: MIT */
/*
 * Names come from others: from the drivers behind the kernel's sync files, and through them from who
 * uses those. What is printed of them does nothing to a terminal, and makes no lines of its own.
 */
#include <stdio.h>

#include "support.h"

#include <dmafence/census.h>
#include <dmafence/hang.h>

static const char *hostile_name(struct dma_fence *fence)
{
	(void)fence;
	return "\x1b[2J\r\nfence 1:1\x7f";
}

static const struct dma_fence_ops hostile_ops = {
	.get_driver_name = hostile_name,
	.get_timeline_name = hostile_name,
};

static struct dma_fence *create_hostile(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, &hostile_ops, dma_fence_context_alloc(1), 1);
	return fence;
}

/* One line, of what can be shown. */
static void is_harmless(const char *line, size_t length)
{
	size_t i;

	assert_true(length > 0);
	for (i = 0; i < length; i++)
		assert_true(line[i] >= ' ' && line[i] != 0x7f);
	assert_non_null(strstr(line, "\\x1b[2J"));
}

static char told[512];
static uint32_t tellings;

static void note(const struct dma_fence_report *report, void *data)
{
	(void)data;
	if (report->reason != DMA_FENCE_REPORT_HANG)
		return;
	snprintf(told, sizeof(told), "%s", report->text);
	atomic_store_release(&tellings, 1);
}

static void nothing(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

static void names_in_a_hang_report(void **state)
{
	struct dma_fence *fence = create_hostile();
	int64_t end = clock_now() + 20 * SECOND;
	struct dma_fence_cb cb;

	(void)state;
	dma_fence_set_report_handler(note, NULL);
	assert_int_equal(dma_fence_hang_watch(20 * MS), 0);
	assert_int_equal(dma_fence_add_callback(fence, &cb, nothing), 0);
	while (!atomic_load_acquire(&tellings) && clock_now() < end)
		sleep_ns(MS);
	assert_int_equal(dma_fence_hang_watch(0), 0);
	is_harmless(told, strlen(told));
	dma_fence_signal(fence);
	dma_fence_put(fence);
	dma_fence_set_report_handler(NULL, NULL);
}

static void names_in_the_list_of_the_quarantined(void **state)
{
	struct dma_fence *fence = create_hostile();
	struct dma_fence_cb cb;
	char *text = NULL, *line_end;
	size_t size;
	FILE *out;

	(void)state;
	dma_fence_set_report_handler(note, NULL);
	assert_int_equal(dma_fence_add_callback(fence, &cb, nothing), 0);
	/* It was waited for, and nobody has signaled it. */
	dma_fence_put(fence);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	dma_fence_quarantined_print(out);
	fclose(out);
	line_end = strchr(text, '\n');
	assert_non_null(line_end);
	*line_end = '\0';
	is_harmless(text, strlen(text));
	/* And it is not a name that has ended it: it goes on behind them. */
	assert_non_null(strstr(text, "fence 1:1\\x7f: "));
	assert_non_null(strstr(text, " s in quarantine, dropped by thread "));
	free(text);
	dma_fence_signal(fence);
	dma_fence_set_report_handler(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_a_hang_report),
		cmocka_unit_test(names_in_the_list_of_the_quarantined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
