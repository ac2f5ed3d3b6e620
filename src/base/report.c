/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "base/atomic.h"
#include "base/hooks.h"
#include "base/report.h"

static uint32_t taint;

void dma_fence_report(enum report_reason reason, const struct dma_fence *fence, const char *format,
		      ...)
{
	const struct hooks *hooks = atomic_load_acquire(&dma_fence_hooks);
	struct report report = { .reason = reason, .fence = fence };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report.text = text;

	atomic_fetch_or_relaxed(&taint, UINT32_C(1) << reason);
	if (hooks && hooks->report)
		hooks->report(&report);
	else
		fprintf(stderr, "dmafence: %s\n", text);
}

uint32_t dma_fence_report_taint(void)
{
	return atomic_load_relaxed(&taint);
}
