/* SPDX-License-Identifier: MIT */
#include "demo-table.h"

#include <stdarg.h>
#include <stdio.h>

#define SECOND_NS 1e9

static void __attribute__((format(printf, 3, 4)))
add(struct demo_table *table, const char *name, const char *format, ...)
{
	struct timeline_row *row = &table->rows[table->num_rows++];
	va_list arguments;

	row->name = name;
	va_start(arguments, format);
	vsnprintf(row->value, sizeof(row->value), format, arguments);
	va_end(arguments);
}

static double per_second(uint64_t frames, int64_t elapsed_ns)
{
	return elapsed_ns > 0 ? (double)frames * SECOND_NS / (double)elapsed_ns : 0;
}

static void add_engines(struct demo_table *table, const struct demo_pipeline *pipeline,
			uint64_t *wake_ups)
{
	struct softgpu_device *device = pipeline->pool->device;
	unsigned int i;

	for (i = 0; i < softgpu_device_num_engines(device) && i < DEMO_TABLE_ENGINES; i++) {
		struct softgpu_engine_info *info = &table->engines[i];

		if (softgpu_device_engine_info(device, i, info))
			continue;
		*wake_ups += info->wake_ups;
		if (info->engine_class != SOFTGPU_CLASS_BIND)
			add(table, info->name, "%.1f %% busy, %llu jobs",
			    100 * (double)info->busy_ns / (double)pipeline->elapsed_ns,
			    (unsigned long long)info->jobs);
	}
}

void demo_table_add_pipeline(struct demo_table *table, const struct demo_pipeline *pipeline,
			     unsigned int overlap)
{
	const struct picture_shape *shape = &pipeline->plan->shape;
	struct softgpu_device_stats stats;
	uint64_t wake_ups = 0;

	softgpu_device_get_stats(pipeline->pool->device, &stats);
	add(table, "frames", "%llu of %ux%u", (unsigned long long)pipeline->written, shape->width,
	    shape->height);
	if (pipeline->lost)
		add(table, "lost", "%llu", (unsigned long long)pipeline->lost);
	add(table, "time", "%.3f s", (double)pipeline->elapsed_ns / SECOND_NS);
	add(table, "frames per second", "%.1f",
	    per_second(pipeline->written, pipeline->elapsed_ns));
	add_engines(table, pipeline, &wake_ups);
	add(table, "jobs", "%llu", (unsigned long long)stats.submissions);
	add(table, "fences", "%llu", (unsigned long long)stats.fences);
	add(table, "arrays", "%llu", (unsigned long long)stats.arrays);
	add(table, "merges", "%llu", (unsigned long long)stats.merges);
	add(table, "wake-ups", "%llu", (unsigned long long)wake_ups);
	if (stats.faults || stats.hangs)
		add(table, "faults, hangs, bans", "%llu, %llu, %llu",
		    (unsigned long long)stats.faults, (unsigned long long)stats.hangs,
		    (unsigned long long)stats.bans);
	add(table, "greatest overlap", "%u frames, %u engines", overlap, stats.max_busy);
}

void demo_table_add_reference(struct demo_table *table, const struct demo_pipeline *pipeline,
			      const struct demo_reference *reference)
{
	double serial = per_second(reference->frames, reference->elapsed_ns);

	add(table, "serial reference", "%.1f frames per second", serial);
	add(table, "speed-up", "%.2f",
	    serial > 0 ? per_second(pipeline->written, pipeline->elapsed_ns) / serial : 0);
	add(table, "identical", "%llu of %llu frames", (unsigned long long)reference->identical,
	    (unsigned long long)reference->frames);
}

void demo_table_print(const struct demo_table *table)
{
	unsigned int i;

	for (i = 0; i < table->num_rows; i++)
		printf("%-20s %s\n", table->rows[i].name, table->rows[i].value);
}
