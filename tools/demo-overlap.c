/* SPDX-License-Identifier: MIT */
#include "demo-overlap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A frame is looked at when one is recorded that was submitted after all that could be under way
 * together with it had ended: two pools later. By then those before it must still be there.
 */
#define SPANS(pool) ((pool)*4)

static const char prefix[] = "frame ";

int demo_overlap_init(struct demo_overlap *overlap, unsigned int pool)
{
	unsigned int i;

	*overlap = (struct demo_overlap){ .pool = pool };
	overlap->spans = calloc(SPANS(pool), sizeof(*overlap->spans));
	if (!overlap->spans)
		return -ENOMEM;
	for (i = 0; i < SPANS(pool); i++)
		overlap->spans[i].frame = UINT64_MAX;
	pthread_mutex_init(&overlap->lock, NULL);
	return 0;
}

void demo_overlap_fini(struct demo_overlap *overlap)
{
	if (overlap->spans)
		pthread_mutex_destroy(&overlap->lock);
	free(overlap->spans);
	*overlap = (struct demo_overlap){ 0 };
}

void demo_overlap_label(char *label, size_t size, uint64_t frame, const char *stage)
{
	snprintf(label, size, "%s%llu %s", prefix, (unsigned long long)frame, stage);
}

static struct demo_span *span_of(const struct demo_overlap *overlap, uint64_t frame)
{
	return &overlap->spans[frame % SPANS(overlap->pool)];
}

/* How many were under way when this one began. */
static void look_at(struct demo_overlap *overlap, uint64_t frame)
{
	const struct demo_span *this = span_of(overlap, frame);
	unsigned int together = 0;
	unsigned int i;

	if (this->frame != frame)
		return;
	for (i = 0; i < SPANS(overlap->pool); i++) {
		const struct demo_span *other = &overlap->spans[i];

		if (other->frame != UINT64_MAX && other->begun_ns <= this->begun_ns &&
		    this->begun_ns < other->ended_ns)
			together++;
	}
	if (together > overlap->greatest)
		overlap->greatest = together;
}

static void add(struct demo_overlap *overlap, uint64_t frame,
		const struct softgpu_job_record *record)
{
	struct demo_span *span = span_of(overlap, frame);

	if (frame > overlap->newest)
		overlap->newest = frame;
	for (; overlap->next + 2 * overlap->pool < overlap->newest; overlap->next++)
		look_at(overlap, overlap->next);
	if (span->frame != frame) {
		*span = (struct demo_span){
			.frame = frame,
			.begun_ns = record->begun_ns,
			.ended_ns = record->ended_ns,
		};
	}
	if (record->begun_ns < span->begun_ns)
		span->begun_ns = record->begun_ns;
	if (record->ended_ns > span->ended_ns)
		span->ended_ns = record->ended_ns;
}

void demo_overlap_record(struct demo_overlap *overlap, const struct softgpu_job_record *record)
{
	if (strncmp(record->label, prefix, strlen(prefix)) || !record->begun_ns)
		return;
	pthread_mutex_lock(&overlap->lock);
	add(overlap, strtoull(record->label + strlen(prefix), NULL, 10), record);
	pthread_mutex_unlock(&overlap->lock);
}

unsigned int demo_overlap_greatest(struct demo_overlap *overlap)
{
	unsigned int greatest;

	pthread_mutex_lock(&overlap->lock);
	for (; overlap->next <= overlap->newest; overlap->next++)
		look_at(overlap, overlap->next);
	greatest = overlap->greatest;
	pthread_mutex_unlock(&overlap->lock);
	return greatest;
}
