/* SPDX-License-Identifier: MIT */
/* What is told at the end, on the terminal and beside the picture of the report. */
#ifndef TOOLS_DEMO_TABLE_H
#define TOOLS_DEMO_TABLE_H

#include "demo-pipeline.h"
#include "demo-reference.h"
#include "timeline.h"

#define DEMO_TABLE_ENGINES (SOFTGPU_NUM_CLASSES * SOFTGPU_MAX_ENGINES)
#define DEMO_TABLE_ROWS	   (16 + DEMO_TABLE_ENGINES)

struct demo_table {
	struct timeline_row rows[DEMO_TABLE_ROWS];
	unsigned int num_rows;
	/* What the rows of engines are called. */
	struct softgpu_engine_info engines[DEMO_TABLE_ENGINES];
};

/* When the pipeline has run, before the device has other work. */
void demo_table_add_pipeline(struct demo_table *table, const struct demo_pipeline *pipeline,
			     unsigned int overlap);
void demo_table_add_reference(struct demo_table *table, const struct demo_pipeline *pipeline,
			      const struct demo_reference *reference);

void demo_table_print(const struct demo_table *table);

#endif
