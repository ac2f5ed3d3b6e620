/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "timeline-jobs.h"

struct timeline *timeline_create(void)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return NULL;
	if (pthread_mutex_init(&timeline->mutex, NULL)) {
		free(timeline);
		return NULL;
	}
	return timeline;
}

void timeline_destroy(struct timeline *timeline)
{
	struct text *text, *next;
	size_t i;

	if (!timeline)
		return;
	for (text = timeline->first_text; text; text = next) {
		next = text->next;
		free(text);
	}
	for (i = 0; i < sizeof(timeline->blocks) / sizeof(timeline->blocks[0]); i++)
		free(timeline->blocks[i]);
	pthread_mutex_destroy(&timeline->mutex);
	free(timeline);
}

/* FNV-1a */
static unsigned int hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return (hash ^ hash >> 16) % TEXT_BUCKETS;
}

/* The one text that says this. NULL: no memory. */
static const struct text *keep_text(struct timeline *timeline, const char *string)
{
	size_t length = string ? strnlen(string, TIMELINE_MAX_TEXT + 1) : 0;
	struct text **bucket, *text;

	/* Not in the middle of a character. */
	if (length > TIMELINE_MAX_TEXT) {
		length = TIMELINE_MAX_TEXT;
		while (length && ((unsigned char)string[length] & 0xc0) == 0x80)
			length--;
	}
	bucket = &timeline->buckets[length ? hash_of(string, length) : 0];
	for (text = *bucket; text; text = text->next_in_bucket) {
		if (strlen(text->text) == length &&
		    (!length || !memcmp(text->text, string, length)))
			return text;
	}
	text = malloc(sizeof(*text) + length + 1);
	if (!text)
		return NULL;
	if (length)
		memcpy(text->text, string, length);
	text->text[length] = '\0';
	text->number = timeline->num_texts++;
	text->next_in_bucket = *bucket;
	*bucket = text;
	text->next = NULL;
	if (timeline->last_text)
		timeline->last_text->next = text;
	else
		timeline->first_text = text;
	timeline->last_text = text;
	return text;
}

/* Where the next job goes. NULL: no memory, or no room. */
static struct job *next_job(struct timeline *timeline)
{
	unsigned int index = timeline->num_jobs;
	struct job **block;

	if (index >= TIMELINE_MAX_JOBS)
		return NULL;
	block = &timeline->blocks[index / JOBS_PER_BLOCK];
	if (!*block)
		*block = malloc(JOBS_PER_BLOCK * sizeof(**block));
	return *block ? &(*block)[index % JOBS_PER_BLOCK] : NULL;
}

static bool keep(struct timeline *timeline, const struct softgpu_job_record *record)
{
	const struct text *context_name, *label;
	struct job *job;

	if (record->engine >= TIMELINE_MAX_ENGINES)
		return false;
	job = next_job(timeline);
	if (!job)
		return false;
	context_name = keep_text(timeline, record->context_name);
	label = keep_text(timeline, record->label);
	if (!context_name || !label)
		return false;
	*job = (struct job){
		.context_name = context_name,
		.label = label,
		.context = record->context,
		.seqno = record->seqno,
		.submitted_ns = record->submitted_ns,
		.ready_ns = record->ready_ns,
		.begun_ns = record->begun_ns,
		.ended_ns = record->ended_ns,
		.engine = record->engine,
		.batch = record->batch,
		.error = record->error,
	};
	timeline->num_jobs++;
	return true;
}

void timeline_record(void *arg, const struct softgpu_job_record *record)
{
	struct timeline *timeline = arg;

	pthread_mutex_lock(&timeline->mutex);
	if (!keep(timeline, record))
		timeline->left_out++;
	pthread_mutex_unlock(&timeline->mutex);
}
