/* SPDX-License-Identifier: MIT */
/*
 * The page: tables that are there without a script, what was recorded as JSON, and the style and
 * the script that make a picture of it (page.css, page.js).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "page.h"
#include "timeline-jobs.h"

static const char *const class_names[SOFTGPU_NUM_CLASSES] = {
	[SOFTGPU_CLASS_COPY] = "copy",
	[SOFTGPU_CLASS_COMPUTE] = "compute",
	[SOFTGPU_CLASS_ENCODE] = "encode",
	[SOFTGPU_CLASS_BIND] = "bind",
};

/* What was recorded by the moment at which the writing began. None of it changes any more. */
struct snapshot {
	const struct timeline *timeline;
	unsigned int num_jobs;
	unsigned int num_texts;
	const struct text *texts;
	uint64_t left_out;
	int64_t begin_ns;
	int64_t end_ns;
};

static const struct job *job_of(const struct snapshot *snapshot, unsigned int index)
{
	return &snapshot->timeline->blocks[index / JOBS_PER_BLOCK][index % JOBS_PER_BLOCK];
}

static struct snapshot take_snapshot(struct timeline *timeline)
{
	struct snapshot snapshot = { .timeline = timeline };
	unsigned int i;

	pthread_mutex_lock(&timeline->mutex);
	snapshot.num_jobs = timeline->num_jobs;
	snapshot.num_texts = timeline->num_texts;
	snapshot.texts = timeline->first_text;
	snapshot.left_out = timeline->left_out;
	pthread_mutex_unlock(&timeline->mutex);
	for (i = 0; i < snapshot.num_jobs; i++) {
		const struct job *job = job_of(&snapshot, i);

		if (!i || job->submitted_ns < snapshot.begin_ns)
			snapshot.begin_ns = job->submitted_ns;
		if (!i || job->ended_ns > snapshot.end_ns)
			snapshot.end_ns = job->ended_ns;
	}
	return snapshot;
}

static void write_lines(FILE *out, const char *const *lines, size_t num_lines)
{
	size_t i;

	for (i = 0; i < num_lines; i++)
		fputs(lines[i], out);
}

#define WRITE_LINES(out, lines) write_lines(out, lines, sizeof(lines) / sizeof((lines)[0]))

/* The errors that jobs fail with have their names. */
static const char *name_of_error(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ -EFAULT, "EFAULT" },	       { -ETIME, "ETIME" },	    { -ENOSPC, "ENOSPC" },
		{ -ENOMEM, "ENOMEM" },	       { -ECANCELED, "ECANCELED" }, { -EINVAL, "EINVAL" },
		{ -ENODEV, "ENODEV" },	       { -EDEADLK, "EDEADLK" },	    { -EIO, "EIO" },
		{ -EOWNERDEAD, "EOWNERDEAD" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error == error)
			return names[i].name;
	}
	return NULL;
}

/* What script can count with is a number, what is more than that is a string. */
static void write_id(FILE *out, uint64_t id)
{
	const char *quote = id >> 53 ? "\"" : "";

	fprintf(out, "%s%" PRIu64 "%s", quote, id, quote);
}

static void write_engine(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	fprintf(out, "%u", job->engine);
}

static void write_name(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	fprintf(out, "%u", job->context_name->number);
}

static void write_label(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	fprintf(out, "%u", job->label->number);
}

static void write_context(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	write_id(out, job->context);
}

static void write_seqno(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	write_id(out, job->seqno);
}

static void write_batch(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	fprintf(out, "%u", job->batch);
}

static void write_error(FILE *out, const struct job *job, int64_t begin_ns)
{
	(void)begin_ns;
	fprintf(out, "%d", job->error);
}

/* From the beginning of the picture; -1: it never was. */
static void write_time(FILE *out, int64_t time, int64_t begin_ns)
{
	fprintf(out, "%" PRId64, time ? time - begin_ns : -1);
}

static void write_submitted(FILE *out, const struct job *job, int64_t begin_ns)
{
	write_time(out, job->submitted_ns, begin_ns);
}

static void write_ready(FILE *out, const struct job *job, int64_t begin_ns)
{
	write_time(out, job->ready_ns, begin_ns);
}

static void write_begun(FILE *out, const struct job *job, int64_t begin_ns)
{
	write_time(out, job->begun_ns, begin_ns);
}

static void write_ended(FILE *out, const struct job *job, int64_t begin_ns)
{
	write_time(out, job->ended_ns, begin_ns);
}

/* A column of all jobs each: much shorter than an object for each job. */
static void write_jobs(FILE *out, const struct snapshot *snapshot)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out, const struct job *job, int64_t begin_ns);
	} columns[] = {
		{ "engine", write_engine },	  { "name", write_name },
		{ "label", write_label },	  { "context", write_context },
		{ "seqno", write_seqno },	  { "batch", write_batch },
		{ "submitted", write_submitted }, { "ready", write_ready },
		{ "begun", write_begun },	  { "ended", write_ended },
		{ "error", write_error },
	};
	unsigned int i;
	size_t column;

	fputs("\"jobs\":{", out);
	for (column = 0; column < sizeof(columns) / sizeof(columns[0]); column++) {
		fprintf(out, "%s\n\"%s\":[", column ? "," : "", columns[column].name);
		for (i = 0; i < snapshot->num_jobs; i++) {
			if (i)
				putc(',', out);
			columns[column].write(out, job_of(snapshot, i), snapshot->begin_ns);
		}
		putc(']', out);
	}
	fputs("}", out);
}

/* Those of the device, and if there were jobs of others, those. */
static unsigned int count_engines(const struct snapshot *snapshot, struct softgpu_device *device)
{
	unsigned int count = softgpu_device_num_engines(device), i;

	for (i = 0; i < snapshot->num_jobs; i++) {
		unsigned int engine = job_of(snapshot, i)->engine;

		if (engine >= count)
			count = engine + 1;
	}
	return count;
}

static struct softgpu_engine_info engine_info(struct softgpu_device *device, unsigned int engine)
{
	struct softgpu_engine_info info;

	if (softgpu_device_engine_info(device, engine, &info) ||
	    (unsigned int)info.engine_class >= SOFTGPU_NUM_CLASSES) {
		info = (struct softgpu_engine_info){ .engine_class = SOFTGPU_CLASS_COPY };
		snprintf(info.name, sizeof(info.name), "engine %u", engine);
	}
	return info;
}

static void write_engines(FILE *out, struct softgpu_device *device, unsigned int num_engines)
{
	unsigned int i;

	fputs("\"engines\":[", out);
	for (i = 0; i < num_engines; i++) {
		struct softgpu_engine_info info = engine_info(device, i);

		fputs(i ? ",\n{\"name\":" : "\n{\"name\":", out);
		write_json(out, info.name);
		fprintf(out, ",\"kind\":\"%s\",\"order\":%d,\"tile\":%u}",
			class_names[info.engine_class], info.engine_class, info.tile);
	}
	fputs("],\n", out);
}

static void write_texts(FILE *out, const struct snapshot *snapshot)
{
	const struct text *text = snapshot->texts;
	unsigned int i;

	fputs("\"texts\":[", out);
	for (i = 0; i < snapshot->num_texts; i++) {
		/* Others may be adding to the end of the list. */
		if (i)
			text = text->next;
		fputs(i ? "," : "", out);
		write_json(out, text->text);
	}
	fputs("],\n", out);
}

/* Those that there are: few, of thousands of jobs. */
static void write_errors(FILE *out, const struct snapshot *snapshot)
{
	int written[64];
	unsigned int num_written = 0, i, j;

	fputs("\"errors\":{", out);
	for (i = 0; i < snapshot->num_jobs; i++) {
		int error = job_of(snapshot, i)->error;
		const char *name = name_of_error(error);
		char text[128];

		if (!error)
			continue;
		for (j = 0; j < num_written && written[j] != error; j++)
			;
		if (j < num_written || num_written == sizeof(written) / sizeof(written[0]))
			continue;
		written[num_written++] = error;
		snprintf(text, sizeof(text), "%s%s%s", name ? name : "", name ? ": " : "",
			 error > INT32_MIN ? strerror(-error) : "");
		fprintf(out, "%s\"%d\":", j ? "," : "", error);
		write_json(out, text);
	}
	fputs("},\n", out);
}

static void write_data(FILE *out, const struct snapshot *snapshot, struct softgpu_device *device,
		       unsigned int num_engines)
{
	fputs("<script type=\"application/json\" id=\"data\">\n{", out);
	fprintf(out, "\"end\":%" PRId64 ",\n", snapshot->end_ns - snapshot->begin_ns);
	write_engines(out, device, num_engines);
	write_texts(out, snapshot);
	write_errors(out, snapshot);
	write_jobs(out, snapshot);
	fputs("}\n</script>\n", out);
}

static bool is_engine(struct softgpu_device *device, unsigned int num_engines, const char *name)
{
	unsigned int i;

	for (i = 0; i < num_engines; i++) {
		struct softgpu_engine_info info = engine_info(device, i);

		if (!strcmp(info.name, name))
			return true;
	}
	return false;
}

/* But for those of engines, which have a table of their own. */
static void write_rows(FILE *out, struct softgpu_device *device, unsigned int num_engines,
		       const struct timeline_row *rows, unsigned int num_rows)
{
	unsigned int i;

	if (!num_rows)
		return;
	fputs("<section aria-labelledby=\"numbers-heading\">\n"
	      "<h2 id=\"numbers-heading\">In numbers</h2>\n"
	      "<table id=\"numbers\">\n<tbody>\n",
	      out);
	for (i = 0; i < num_rows; i++) {
		if (is_engine(device, num_engines, rows[i].name))
			continue;
		fputs("<tr><th scope=\"row\">", out);
		write_html(out, rows[i].name);
		fputs("</th><td>", out);
		write_html(out, rows[i].value);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody>\n</table>\n</section>\n", out);
}

static void write_engine_table(FILE *out, const struct snapshot *snapshot,
			       struct softgpu_device *device, unsigned int num_engines)
{
	double all = (double)(snapshot->end_ns - snapshot->begin_ns);
	unsigned int i;

	fputs("<section aria-labelledby=\"engines-heading\">\n"
	      "<h2 id=\"engines-heading\">Engines</h2>\n<table id=\"engines\">\n"
	      "<thead><tr><th scope=\"col\">Engine</th><th scope=\"col\">Tile</th>"
	      "<th scope=\"col\">Jobs</th><th scope=\"col\">Busy</th>"
	      "<th scope=\"col\">Utilisation</th><th scope=\"col\">Woken</th>"
	      "<th scope=\"col\">Hangs</th></tr></thead>\n<tbody>\n",
	      out);
	for (i = 0; i < num_engines; i++) {
		struct softgpu_engine_info info = engine_info(device, i);
		double percent = all > 0 ? 100 * (double)info.busy_ns / all : 0;

		percent = percent > 100 ? 100 : percent;
		fputs("<tr><th scope=\"row\">", out);
		write_html(out, info.name);
		fprintf(out,
			"</th><td>%u</td><td>%" PRIu64 "</td><td>%.1f ms</td>"
			"<td><span class=\"meter\"><i style=\"width:%.1f%%\"></i></span> "
			"%.1f %%</td><td>%" PRIu64 "</td><td%s>%" PRIu64 "</td></tr>\n",
			info.tile, info.jobs, (double)info.busy_ns / 1e6, percent, percent,
			info.wake_ups, info.hangs ? " class=\"bad\"" : "", info.hangs);
	}
	fputs("</tbody>\n</table>\n</section>\n", out);
}

static void write_head(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      /* Labels are anybody's: should one ever become more than text, it can do nothing. */
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'sha256-" page_js_sha256 "'; base-uri 'none'; "
	      "form-action 'none'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	write_html(out, title);
	fputs("</title>\n<style>\n", out);
	WRITE_LINES(out, page_css);
	fputs("</style>\n</head>\n<body>\n<header>\n<h1>", out);
	write_html(out, title);
	fputs("</h1>\n", out);
}

static void write_summary(FILE *out, const struct snapshot *snapshot, unsigned int num_engines)
{
	unsigned int failed = 0, i;

	for (i = 0; i < snapshot->num_jobs; i++)
		failed += !!job_of(snapshot, i)->error;
	fprintf(out, "<p>%u jobs on %u engines in %.1f ms, %u of them failed.", snapshot->num_jobs,
		num_engines, (double)(snapshot->end_ns - snapshot->begin_ns) / 1e6, failed);
	if (snapshot->left_out)
		fprintf(out, " <strong>%" PRIu64 " more are left out.</strong>",
			snapshot->left_out);
	fputs("</p>\n</header>\n", out);
}

int timeline_write_page(struct timeline *timeline, struct softgpu_device *device, FILE *out,
			const char *title, const struct timeline_row *rows, unsigned int num_rows)
{
	struct snapshot snapshot = take_snapshot(timeline);
	unsigned int num_engines = count_engines(&snapshot, device);

	errno = 0;
	write_head(out, title);
	write_summary(out, &snapshot, num_engines);
	WRITE_LINES(out, page_html);
	fputs("<div class=\"tables\">\n", out);
	write_rows(out, device, num_engines, rows, num_rows);
	write_engine_table(out, &snapshot, device, num_engines);
	fputs("</div>\n</main>\n", out);
	write_data(out, &snapshot, device, num_engines);
	fputs("<script>", out);
	WRITE_LINES(out, page_js);
	fputs("</script>\n</body>\n</html>\n", out);
	/* What failed first may be long ago, and its errno lost: some error it is. */
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
