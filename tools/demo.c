/* SPDX-License-Identifier: MIT */
/* dmafence demo: frames through a GPU made of threads, and the proof that each came out right. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "demo-options.h"
#include "demo-outcome.h"
#include "demo-overlap.h"
#include "demo-pipeline.h"
#include "demo-pool.h"
#include "demo-reference.h"
#include "demo-table.h"
#include "interrupt.h"
#include "timeline.h"
#include "whole-file.h"

#define FRAMES_OF_ENDLESS 120

/* Beyond the 1 that complain() returns. */
#define STATUS_MISUSE	 2
#define STATUS_DIFFERENT 3

/* Per thread: some 80,000 events. */
#define TRACE_BYTES (4 << 20)

/* All that the demo has open. */
struct demo {
	struct demo_options options;
	struct demo_plan plan;
	struct picture_source source;
	struct picture_sink sink;
	FILE *outcomes;
	struct whole_file trace;
	struct whole_file report;
	struct timeline *timeline;
	struct demo_overlap overlap;
	struct softgpu_device *device;
	struct demo_pool pool;
	struct demo_progress progress;
	struct demo_pipeline pipeline;
	struct demo_reference reference;
	struct demo_table table;
};

static int no_memory(int error)
{
	complain("cannot make the device and its buffers: %s", strerror(error));
	return -1;
}

static void record(void *arg, const struct softgpu_job_record *job)
{
	struct demo *demo = arg;

	demo_overlap_record(&demo->overlap, job);
	if (demo->timeline)
		timeline_record(demo->timeline, job);
}

static void tell_fault(void *arg, const struct softgpu_fault *fault)
{
	char text[400];

	(void)arg;
	softgpu_fault_describe(fault, text, sizeof(text));
	complain("%s", text);
}

static int open_source(struct demo *demo)
{
	const struct demo_options *options = &demo->options;

	if (options->input)
		return picture_source_open(&demo->source, options->input);
	picture_source_open_card(&demo->source, options->width, options->height);
	return 0;
}

static int open_files(struct demo *demo)
{
	const struct demo_options *options = &demo->options;

	if (open_source(demo))
		return -1;
	demo_plan_make(&demo->plan, &demo->source.shape, options);
	if (picture_sink_open(&demo->sink, options->output, &demo->plan.out) ||
	    demo_outcomes_open(&demo->outcomes))
		return -1;
	if (options->trace && whole_file_open(&demo->trace, options->trace))
		return -1;
	if (options->report && whole_file_open(&demo->report, options->report))
		return -1;
	return 0;
}

/* Rather than to be ended by the system in the middle. */
static int look_at_memory(const struct demo *demo)
{
	unsigned int slots = demo->options.pool;
	uint64_t needed = demo_pool_bytes(&demo->plan, slots, (slots + 1) / 2) +
			  demo_pool_bytes(&demo->plan, 1, 1) + demo->plan.bytes[DEMO_CODED];
	uint64_t there = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (needed <= there / 4 * 3)
		return 0;
	complain("%s: frames of %ux%u would need %llu MiB of memory; --pool 1 needs the least",
		 demo->source.name, demo->plan.shape.width, demo->plan.shape.height,
		 (unsigned long long)(needed >> 20));
	return -1;
}

static int create_device(struct demo *demo)
{
	const struct demo_options *options = &demo->options;
	struct softgpu_device_params params = { 0 };

	if (options->bands > 4)
		params.num_engines[SOFTGPU_CLASS_COMPUTE] = options->bands;
	demo->device = softgpu_device_create(&params);
	if (!demo->device)
		return no_memory(errno);
	softgpu_device_set_fault_handler(demo->device, tell_fault, NULL);
	softgpu_device_set_recorder(demo->device, record, demo);
	return 0;
}

static int create(struct demo *demo)
{
	unsigned int slots = demo->options.pool;
	int ret;

	if (look_at_memory(demo))
		return -1;
	ret = demo_overlap_init(&demo->overlap, slots);
	if (!ret && demo->options.report) {
		demo->timeline = timeline_create();
		ret = demo->timeline ? 0 : -ENOMEM;
	}
	if (ret)
		return no_memory(-ret);
	if (demo->options.trace) {
		ret = dma_fence_trace_start(TRACE_BYTES);
		if (ret) {
			complain("cannot record what happens: %s", strerror(-ret));
			return -1;
		}
	}
	if (create_device(demo))
		return -1;
	ret = demo_pool_init(&demo->pool, demo->device, &demo->plan, slots, (slots + 1) / 2);
	return ret ? no_memory(-ret) : 0;
}

static int write_trace(struct demo *demo)
{
	int ret;

	if (!demo->trace.file)
		return 0;
	dma_fence_trace_stop();
	ret = dma_fence_trace_write(demo->trace.file);
	if (ret) {
		complain("cannot write to %s: %s", demo->options.trace, strerror(-ret));
		return -1;
	}
	return whole_file_finish(&demo->trace);
}

static int write_report(struct demo *demo)
{
	int ret;

	if (!demo->report.file)
		return 0;
	ret = timeline_write_page(demo->timeline, demo->device, demo->report.file, "dmafence demo",
				  demo->table.rows, demo->table.num_rows);
	if (ret) {
		complain("cannot write to %s: %s", demo->options.report, strerror(-ret));
		return -1;
	}
	return whole_file_finish(&demo->report);
}

static int run_pipeline(struct demo *demo)
{
	uint64_t total = demo->options.frames;

	if (!total && demo->source.endless)
		total = FRAMES_OF_ENDLESS;
	demo_progress_begin(&demo->progress, demo->options.quiet, total);
	demo->pipeline = (struct demo_pipeline){
		.options = &demo->options,
		.plan = &demo->plan,
		.pool = &demo->pool,
		.source = &demo->source,
		.sink = &demo->sink,
		.outcomes = demo->outcomes,
		.progress = &demo->progress,
		.frames = total ? total : UINT64_MAX,
	};
	if (demo_pipeline_run(&demo->pipeline) || picture_sink_finish(&demo->sink) ||
	    write_trace(demo))
		return -1;
	demo_table_add_pipeline(&demo->table, &demo->pipeline,
				demo_overlap_greatest(&demo->overlap));
	return 0;
}

static int run_reference(struct demo *demo)
{
	demo_progress_begin(&demo->progress, demo->options.quiet, demo->pipeline.written);
	demo->reference = (struct demo_reference){
		.plan = &demo->plan,
		.source = &demo->source,
		.sink = &demo->sink,
		.outcomes = demo->outcomes,
		.progress = &demo->progress,
		.frames = demo->pipeline.written,
	};
	if (demo_reference_run(&demo->reference))
		return -1;
	demo_table_add_reference(&demo->table, &demo->pipeline, &demo->reference);
	return write_report(demo);
}

/* How many of them were asked for; and whether all of those were there. */
static bool count_injected(const struct demo *demo, uint64_t *count)
{
	const struct demo_options *options = &demo->options;
	uint64_t frame;
	unsigned int i;

	for (i = 0; i < options->hangs.num + options->faults.num; i++) {
		frame = i < options->hangs.num ? options->hangs.frames[i]
					       : options->faults.frames[i - options->hangs.num];
		if (frame >= demo->pipeline.written) {
			complain("there was no frame %llu, to which something was to happen",
				 (unsigned long long)frame);
			return false;
		}
	}
	*count = 0;
	for (frame = 0; options->hangs.num + options->faults.num && frame < demo->pipeline.written;
	     frame++)
		*count += demo_injected_has(&options->hangs, frame) ||
			  demo_injected_has(&options->faults, frame);
	return true;
}

static int conclude(const struct demo *demo)
{
	const struct demo_reference *reference = &demo->reference;
	uint64_t injected;

	if (!demo->options.quiet) {
		demo_table_print(&demo->table);
		printf("%llu of %llu frames are identical to those of the serial reference, byte"
		       " for byte",
		       (unsigned long long)reference->identical,
		       (unsigned long long)reference->frames);
		if (reference->lost)
			printf("; lost: %llu", (unsigned long long)reference->lost);
		puts(reference->wrong ? "; the others are wrong." : ".");
	}
	if (fflush(stdout) || ferror(stdout))
		return complain("cannot write to the standard output: %s", strerror(errno));
	if (!count_injected(demo, &injected))
		return 1;
	if (reference->wrong)
		complain("%llu of %llu frames are wrong%s", (unsigned long long)reference->wrong,
			 (unsigned long long)reference->frames,
			 demo->options.no_fences ? ", as was to be expected without fences" : "");
	if (reference->lost != injected)
		complain("frames lost: %llu, where %llu were to be",
			 (unsigned long long)reference->lost, (unsigned long long)injected);
	return reference->wrong || reference->lost != injected ? STATUS_DIFFERENT : 0;
}

static int run(struct demo *demo)
{
	if (open_files(demo) || create(demo) || run_pipeline(demo) || run_reference(demo))
		return 1;
	return conclude(demo);
}

static void close_all(struct demo *demo)
{
	softgpu_device_destroy(demo->device);
	demo_pool_fini(&demo->pool);
	demo_overlap_fini(&demo->overlap);
	timeline_destroy(demo->timeline);
	whole_file_close(&demo->report);
	whole_file_close(&demo->trace);
	if (demo->outcomes)
		fclose(demo->outcomes);
	picture_sink_close(&demo->sink);
	picture_source_close(&demo->source);
}

int demo_main(int argc, char **argv)
{
	static struct demo demo;
	int ret;

	demo = (struct demo){ .sink = { .folder = -1 } };
	ret = demo_options_parse(&demo.options, argc, argv);
	if (ret)
		return ret < 0 ? STATUS_MISUSE : 0;
	/* That something cannot be written is said where it is written. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	interrupt_catch();
	ret = run(&demo);
	close_all(&demo);
	return ret;
}
