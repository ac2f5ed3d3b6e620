/* SPDX-License-Identifier: MIT */
/*
 * A trace in the format of Chrome's trace viewer.
 *
 * Slices are written as their begin and their end, and where one ends at the very time at which the
 * next begins, both times are the same text: a viewer that rounds them finds no overlap. What is on
 * one track is written in order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/trace.h>

#include "diag/escape.h"
#include "diag/mutants.h"
#include "diag/symbols.h"
#include "diag/trace-lives.h"
#include "diag/trace.h"

/* Of the contexts, which are another process to the viewer: greater than the kernel's numbers. */
#define CONTEXTS_PID (1 << 23)

/* How long a signal is on its thread, in ns, unless something else begins there. */
#define SIGNAL_SHOWN 1000

/* Slices of pending fences are inside each other; no more are shown. */
#define MOST_PENDING 32

#define FUNCTIONS 256

struct function_name {
	uint64_t address;
	char name[128];
};

struct writer {
	FILE *out;
	const struct trace_copy *copy;
	struct trace_lives lives;
	int pid;
	bool begun;	  /* there is an event already, which has to be followed by a comma */
	uint32_t *open;	  /* begins, the innermost last: room for all */
	uint32_t *sorted; /* lives by context */
	struct function_name *functions;
};

/* Text */

/* The inside of a string. */
static void put_text(FILE *out, const char *text)
{
	if (MUTANT(NAMES_NOT_ESCAPED))
		fputs(text, out);
	else
		dma_fence_escape_json(out, text);
}

/* A viewer's numbers are double: one that does not fit is a string. */
static void put_number(FILE *out, const char *name, uint64_t number)
{
	const char *quote = number > UINT64_C(1) << 53 ? "\"" : "";

	fprintf(out, "\"%s\":%s%" PRIu64 "%s", name, quote, number, quote);
}

/* Up to the arguments, of which the name may be one. */
static void begin_event(struct writer *writer, char phase, int pid, uint32_t tid, int64_t time)
{
	fprintf(writer->out,
		"%s{\"ph\":\"%c\",\"pid\":%d,\"tid\":%" PRIu32 ",\"ts\":%" PRId64 ".%03d",
		writer->begun ? ",\n" : "\n", phase, pid, tid, time / 1000, (int)(time % 1000));
	writer->begun = true;
}

static __attribute__((format(printf, 2, 3))) void add(struct writer *writer, const char *format,
						      ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(writer->out, format, arguments);
	va_end(arguments);
}

static void put_metadata(struct writer *writer, int pid, uint32_t tid, const char *what)
{
	add(writer, "%s{\"ph\":\"M\",\"pid\":%d,\"tid\":%" PRIu32 ",\"name\":\"%s\",\"args\":{",
	    writer->begun ? ",\n" : "\n", pid, tid, what);
	writer->begun = true;
}

static void put_fence_arguments(struct writer *writer, uint64_t context, uint64_t seqno)
{
	add(writer, "\"args\":{");
	put_number(writer->out, "context", context);
	add(writer, ",");
	put_number(writer->out, "seqno", seqno);
}

static const char *name_of_function(struct writer *writer, uint64_t address)
{
	struct function_name *function =
		&writer->functions[(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) % FUNCTIONS];

	if (function->address != address) {
		function->address = address;
		dma_fence_symbol_of_function((const void *)(uintptr_t)address, function->name,
					     sizeof(function->name));
	}
	return function->name;
}

/* Threads */

static uint32_t tid_of(const struct writer *writer, uint32_t thread)
{
	return (uint32_t)writer->copy->threads[thread].number;
}

/* When it is shown to have happened: of signals, not when they were recorded. */
static int64_t shown_time(const struct writer *writer, uint32_t which)
{
	const struct trace_event *event = &writer->copy->events[which];

	if (event->kind == TRACE_SIGNAL)
		return writer->lives.lives[writer->lives.life[which]].ended;
	return event->time;
}

static void put_mark(struct writer *writer, uint32_t which, const char *what)
{
	const struct trace_event *event = &writer->copy->events[which];

	begin_event(writer, 'i', writer->pid, tid_of(writer, event->thread), event->time);
	add(writer, ",\"s\":\"t\",\"name\":\"%s %" PRIu64 ":%" PRIu64 "\",", what, event->context,
	    event->seqno);
	put_fence_arguments(writer, event->context, event->seqno);
	add(writer, "}}");
}

static void put_arrow(struct writer *writer, char phase, uint32_t thread, int64_t time, uint32_t id)
{
	begin_event(writer, phase, writer->pid, tid_of(writer, thread), time);
	add(writer, "%s,\"cat\":\"wake-up\",\"name\":\"wake-up\",\"id\":%" PRIu32 "}",
	    phase == 'f' ? ",\"bp\":\"e\"" : "", id);
}

/* Whether the wait has ended with a signal that is there, and has an arrow from it. */
static bool woken(const struct writer *writer, uint32_t which)
{
	const struct trace_event *event = &writer->copy->events[which];
	const struct trace_life *life;

	if ((event->kind != TRACE_WAIT_END && event->kind != TRACE_WAIT_ANY_END) || event->result ||
	    !event->fence)
		return false;
	life = &writer->lives.lives[writer->lives.life[which]];
	return life->end == TRACE_SIGNALED && life->ended <= event->time;
}

/* Returns when it ends. */
static int64_t put_signal(struct writer *writer, uint32_t which, int64_t next_time)
{
	const struct trace_event *event = &writer->copy->events[which];
	const struct trace_life *life = &writer->lives.lives[writer->lives.life[which]];
	const uint32_t tid = tid_of(writer, event->thread);
	uint32_t wake;

	begin_event(writer, 'B', writer->pid, tid, life->ended);
	add(writer, ",\"name\":\"signal %" PRIu64 ":%" PRIu64 "\",", event->context, event->seqno);
	put_fence_arguments(writer, event->context, event->seqno);
	add(writer, ",\"error\":%d,", event->result);
	put_number(writer->out, "timestamp_ns", event->value);
	add(writer, "}}");
	for (wake = life->last_wake; wake != TRACE_NONE; wake = writer->lives.wake_before[wake]) {
		if (woken(writer, wake))
			put_arrow(writer, 's', event->thread, life->ended, wake);
	}
	if (next_time > life->ended + SIGNAL_SHOWN)
		next_time = life->ended + SIGNAL_SHOWN;
	begin_event(writer, 'E', writer->pid, tid, next_time);
	add(writer, "}");
	return next_time;
}

/* The begin of something; of what has an end only, of that, at the time of what is left. */
static void put_begin(struct writer *writer, uint32_t which, int64_t time)
{
	const struct trace_event *event = &writer->copy->events[which];

	begin_event(writer, 'B', writer->pid, tid_of(writer, event->thread), time);
	switch (event->kind) {
	case TRACE_CALLBACK_BEGIN:
		add(writer, ",\"name\":\"callback ");
		put_text(writer->out, name_of_function(writer, event->value));
		add(writer, "\",");
		put_fence_arguments(writer, event->context, event->seqno);
		add(writer, "}}");
		break;
	case TRACE_CALLBACK_END:
		add(writer, ",\"name\":\"callback\"}");
		break;
	case TRACE_WAIT_BEGIN:
	case TRACE_WAIT_END:
		add(writer, ",\"name\":\"wait for %" PRIu64 ":%" PRIu64 "\",", event->context,
		    event->seqno);
		put_fence_arguments(writer, event->context, event->seqno);
		add(writer, "}}");
		break;
	case TRACE_WAIT_ANY_BEGIN:
	case TRACE_WAIT_ANY_END:
		add(writer, ",\"name\":\"wait for any of %" PRIu64 "\"}", event->value);
		break;
	default:
		add(writer, ",\"name\":\"wait for points\"}");
		break;
	}
}

static void put_end(struct writer *writer, uint32_t which, int64_t time, const char *how)
{
	const struct trace_event *event = &writer->copy->events[which];

	begin_event(writer, 'E', writer->pid, tid_of(writer, event->thread), time);
	if (how)
		add(writer, ",\"args\":{\"end\":\"%s\"}", how);
	else if (event->kind != TRACE_CALLBACK_END)
		add(writer, ",\"args\":{\"result\":%d}", event->result);
	add(writer, "}");
}

/* Whether the thread's i-th event is the first since it was started. */
static bool begins_session(const struct writer *writer, uint32_t thread, uint32_t i)
{
	const uint32_t *by_thread = writer->lives.by_thread;

	return i == writer->lives.first[thread] ||
	       writer->copy->events[by_thread[i]].session !=
		       writer->copy->events[by_thread[i - 1]].session;
}

/* What had begun before the i-th event, of which only the end is there: the outermost ends last. */
static uint32_t put_lost_begins(struct writer *writer, uint32_t thread, uint32_t i, uint32_t depth)
{
	const struct trace_copy *copy = writer->copy;
	const uint32_t *by_thread = writer->lives.by_thread;
	uint32_t last = i + 1;

	while (last < writer->lives.first[thread + 1] && !begins_session(writer, thread, last))
		last++;
	while (last-- > i) {
		const uint32_t which = by_thread[last];

		if (trace_ends(copy->events[which].kind) &&
		    writer->lives.partner[which] == TRACE_NONE) {
			put_begin(writer, which, shown_time(writer, by_thread[i]));
			writer->open[depth++] = which;
		}
	}
	return depth;
}

static void put_thread(struct writer *writer, uint32_t thread)
{
	const struct trace_lives *lives = &writer->lives;
	const uint32_t last = lives->first[thread + 1];
	uint32_t depth = 0, i;
	int64_t time = 0;

	put_metadata(writer, writer->pid, tid_of(writer, thread), "thread_name");
	add(writer, "\"name\":\"");
	put_text(writer->out, writer->copy->threads[thread].name);
	add(writer, "\",\"overwritten_events\":%" PRIu64 "}}",
	    writer->copy->threads[thread].overwritten);

	for (i = lives->first[thread]; i < last; i++) {
		const uint32_t which = lives->by_thread[i];
		const struct trace_event *event = &writer->copy->events[which];

		if (begins_session(writer, thread, i)) {
			while (depth)
				put_end(writer, writer->open[--depth], time, "not recorded");
			depth = put_lost_begins(writer, thread, i, depth);
		}
		time = shown_time(writer, which);
		if (event->kind == TRACE_INIT) {
			put_mark(writer, which, "init");
		} else if (event->kind == TRACE_ENABLE) {
			put_mark(writer, which, "enable");
		} else if (event->kind == TRACE_RELEASE) {
			put_mark(writer, which, "release");
		} else if (event->kind == TRACE_SIGNAL) {
			time = put_signal(writer, which,
					  i + 1 < last ? shown_time(writer, lives->by_thread[i + 1])
						       : writer->copy->now);
		} else if (trace_begins(event->kind)) {
			put_begin(writer, which, time);
			writer->open[depth++] = which;
		} else {
			uint32_t begin = lives->partner[which];

			begin = begin == TRACE_NONE ? which : begin;
			while (writer->open[depth - 1] != begin)
				put_end(writer, writer->open[--depth], time, "not recorded");
			if (woken(writer, which))
				put_arrow(writer, 'f', thread, time, which);
			put_end(writer, which, time, NULL);
			depth--;
		}
	}
	while (depth)
		put_end(writer, writer->open[--depth], writer->copy->now, "still going on");
}

/* Contexts */

static void put_context_name(struct writer *writer, uint64_t context, uint32_t track)
{
	struct trace_names names;

	put_metadata(writer, CONTEXTS_PID, track, "thread_name");
	add(writer, "\"name\":\"");
	if (dma_fence_trace_names(context, &names)) {
		put_text(writer->out, names.driver);
		add(writer, " ");
		put_text(writer->out, names.timeline);
		add(writer, " (%" PRIu64 ")\"", context);
	} else {
		add(writer, "context %" PRIu64 "\"", context);
	}
	add(writer, "}}");
}

/* By context; then in the order in which they end, and those that are pending as they began. */
static int by_context(const void *one, const void *other, void *arg)
{
	const struct trace_lives *lives = arg;
	const uint32_t number = *(const uint32_t *)one, other_number = *(const uint32_t *)other;
	const struct trace_life *a = &lives->lives[number], *b = &lives->lives[other_number];
	int64_t a_time, b_time;

	if (a->context != b->context)
		return a->context < b->context ? -1 : 1;
	if ((a->end == TRACE_PENDING) != (b->end == TRACE_PENDING))
		return a->end == TRACE_PENDING ? 1 : -1;
	a_time = a->end == TRACE_PENDING ? a->since : a->ended;
	b_time = b->end == TRACE_PENDING ? b->since : b->ended;
	if (a_time != b_time)
		return a_time < b_time ? -1 : 1;
	if (a->seqno != b->seqno)
		return (int64_t)(a->seqno - b->seqno) < 0 ? -1 : 1;
	return number < other_number ? -1 : number > other_number;
}

static void put_fence(struct writer *writer, const struct trace_life *life, uint32_t track,
		      int64_t begin)
{
	static const char *const how[] = {
		[TRACE_PENDING] = " (pending)",
		[TRACE_SIGNALED] = "",
		[TRACE_DROPPED] = " (dropped)",
	};
	const struct trace_event *signal;

	begin_event(writer, 'B', CONTEXTS_PID, track, begin);
	add(writer, ",\"name\":\"fence %" PRIu64 "%s\",", life->seqno, how[life->end]);
	put_fence_arguments(writer, life->context, life->seqno);
	if (life->init != TRACE_NONE) {
		add(writer, ",");
		put_number(writer->out, "init_ns", (uint64_t)life->since);
		add(writer, ",\"init_thread\":%" PRIu32,
		    tid_of(writer, writer->copy->events[life->init].thread));
	}
	if (life->end == TRACE_SIGNALED) {
		signal = &writer->copy->events[life->signal];
		add(writer, ",\"error\":%d,", signal->result);
		put_number(writer->out, "timestamp_ns", signal->value);
		add(writer, ",\"signal_thread\":%" PRIu32, tid_of(writer, signal->thread));
	}
	add(writer, "}}");
}

static void put_fence_end(struct writer *writer, uint32_t track, int64_t time)
{
	begin_event(writer, 'E', CONTEXTS_PID, track, time);
	add(writer, "}");
}

/* Those from 'first' to before 'last', which are of one context. */
static void put_context(struct writer *writer, uint32_t first, uint32_t last, uint32_t track)
{
	int64_t free_since = INT64_MIN, begin;
	uint32_t pending = 0, i;

	put_context_name(writer, writer->lives.lives[writer->sorted[first]].context, track);
	for (i = first; i < last; i++) {
		const struct trace_life *life = &writer->lives.lives[writer->sorted[i]];

		begin = life->init == TRACE_NONE ? writer->copy->events[0].time : life->since;
		if (begin < free_since)
			begin = free_since;
		if (life->end == TRACE_PENDING) {
			if (pending++ < MOST_PENDING)
				put_fence(writer, life, track, begin);
			continue;
		}
		if (begin > life->ended)
			begin = life->ended;
		put_fence(writer, life, track, begin);
		put_fence_end(writer, track, life->ended);
		free_since = life->ended;
	}
	for (i = 0; i < pending && i < MOST_PENDING; i++)
		put_fence_end(writer, track, writer->copy->now);
}

static void put_contexts(struct writer *writer)
{
	const struct trace_lives *lives = &writer->lives;
	uint32_t count = 0, track = 0, i, k;

	for (i = 0; i < lives->num_lives; i++) {
		if (lives->lives[i].end != TRACE_END_NOT_KNOWN)
			writer->sorted[count++] = i;
	}
	qsort_r(writer->sorted, count, sizeof(*writer->sorted), by_context, &writer->lives);
	for (i = 0; i < count; i = k) {
		const uint64_t context = lives->lives[writer->sorted[i]].context;

		for (k = i; k < count && lives->lives[writer->sorted[k]].context == context; k++)
			;
		put_context(writer, i, k, ++track);
	}
}

static void put_all(struct writer *writer)
{
	uint32_t thread;

	add(writer, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	put_metadata(writer, writer->pid, (uint32_t)writer->pid, "process_name");
	add(writer, "\"name\":\"");
	put_text(writer->out, program_invocation_short_name);
	add(writer, "\"}}");
	put_metadata(writer, CONTEXTS_PID, 0, "process_name");
	add(writer, "\"name\":\"fences by context\"}}");
	for (thread = 0; thread < writer->copy->num_threads; thread++)
		put_thread(writer, thread);
	put_contexts(writer);
	add(writer,
	    "\n],\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\",\"complete_since_ns\":\"%" PRId64
	    "\",\"now_ns\":\"%" PRId64 "\",\"fences_whose_end_is_not_known\":%" PRIu32 "}}\n",
	    writer->copy->complete_since, writer->copy->now, writer->lives.not_known);
}

int dma_fence_trace_write(FILE *out)
{
	struct trace_copy copy;
	struct writer writer = { .out = out, .copy = &copy, .pid = getpid() };
	int ret;

	if (dma_fence_trace_copy(&copy))
		return -ENOMEM;
	ret = dma_fence_trace_lives(&copy, &writer.lives);
	if (ret)
		goto free_copy;

	writer.open = malloc((copy.num_events + 1) * sizeof(*writer.open));
	writer.sorted = malloc((writer.lives.num_lives + 1) * sizeof(*writer.sorted));
	writer.functions = calloc(FUNCTIONS, sizeof(*writer.functions));
	if (writer.open && writer.sorted && writer.functions) {
		errno = 0;
		put_all(&writer);
		if (fflush(out) || ferror(out))
			ret = errno ? -errno : -EIO;
	} else {
		ret = -ENOMEM;
	}
	free(writer.open);
	free(writer.sorted);
	free(writer.functions);
	dma_fence_trace_lives_free(&writer.lives);
free_copy:
	dma_fence_trace_copy_free(&copy);
	return ret;
}
