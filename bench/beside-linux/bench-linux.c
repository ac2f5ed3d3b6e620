/* SPDX-License-Identifier: MIT */
/*
 * The library beside the fence code of Linux.
 *
 * For each operation that both have there is a row for either, and the ratio of the two: they take
 * turns, sample by sample. Each side is a module (sides.h) that lies in the folder of this program.
 * The limits are what the project wants of itself; docs/performance.md says where they come from.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "shims.h"
#include "sides.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum side_index {
	LINUX,
	DMAFENCE,
	SIDES,
};

static const struct side *sides[SIDES];
static const struct side_shim *shims;

/* What both sides do, so many operations a sample. */
struct comparison {
	struct side_case of;
	uint64_t each;
	unsigned int phases; /* 0: one result, of all phases together */
	bool by_thread;	     /* irq_work of Linux */
};

/* Measuring */

static double sum(const double *values, unsigned int count)
{
	double value = 0;

	while (count--)
		value += values[count];
	return value;
}

static void sample(const struct side *side, const struct comparison *comparison, double *ns)
{
	memset(ns, 0, SIDE_PHASES * sizeof(*ns));
	side->begin();
	side->operations[comparison->of.operation](comparison->each, &comparison->of, ns);
	side->end();
	if (!comparison->phases)
		ns[0] = sum(ns, SIDE_PHASES);
}

static void compare(uint64_t ops, double *results, const void *parameters)
{
	const struct comparison *comparison = parameters;
	const unsigned int phases = comparison->phases ? comparison->phases : 1;
	const unsigned int rows = phases * SIDES;
	double *samples[BENCH_TOGETHER], ns[SIDE_PHASES];
	uint64_t count = ops / comparison->each, s;
	unsigned int i, phase, side;

	if (!count)
		count = 1;
	for (i = 0; i < rows; i++)
		samples[i] = bench_new_samples(count);
	sides[LINUX]->irq_work_by_thread(comparison->by_thread);
	for (s = 0; s < count; s++) {
		for (i = 0; i < SIDES; i++) {
			side = (unsigned int)(s + i) % SIDES;
			sample(sides[side], comparison, ns);
			for (phase = 0; phase < phases; phase++)
				samples[phase * SIDES + side][s] =
					ns[phase] / (double)comparison->each;
		}
	}
	sides[LINUX]->irq_work_by_thread(false);
	for (i = 0; i < rows; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
}

/* A shim has no counterpart; its samples are taken like the others'. */
#define SHIM_OPS 2000

static void measure_shim(uint64_t ops, double *results, const void *parameters)
{
	const struct side_shim *shim = parameters;
	const struct side_case none = { 0 };
	uint64_t count = ops / SHIM_OPS ? ops / SHIM_OPS : 1, s;
	double *samples = bench_new_samples(count);

	for (s = 0; s < count; s++) {
		sides[LINUX]->begin();
		shim->func(SHIM_OPS, &none, &samples[s]);
		sides[LINUX]->end();
		samples[s] /= SHIM_OPS;
	}
	*results = bench_median(samples, count);
	free(samples);
}

/* The table */

#define MOST_ROWS 400

static struct bench_variant rows[MOST_ROWS];
static size_t num_rows;

static const char *text(const char *format, ...)
{
	va_list args;
	char *string;
	int length;

	va_start(args, format);
	length = vasprintf(&string, format, args);
	va_end(args);
	if (length < 0)
		bench_fail("out of memory");
	return string;
}

static void add_row(struct bench_variant row)
{
	if (num_rows == MOST_ROWS)
		bench_fail("the table is too small");
	rows[num_rows++] = row;
}

/* What is said about a comparison, and how much of it there is in a repetition. */
struct about {
	const char *group;
	const char *name;
	const char *unit;
	const char *quantity;
	unsigned int samples;
	double limit;
	bool two_cpus;
	/* Of each phase, if there are several. */
	const char *phase_names[SIDE_PHASES];
	double phase_limits[SIDE_PHASES];
};

static void add(struct about about, struct comparison comparison)
{
	const unsigned int phases = comparison.phases ? comparison.phases : 1;
	struct comparison *parameters = malloc(sizeof(*parameters));
	unsigned int i;

	if (!parameters)
		bench_fail("out of memory");
	*parameters = comparison;
	for (i = 0; i < phases; i++) {
		const char *name = comparison.phases
					   ? text("%s-%s", about.name, about.phase_names[i])
					   : about.name;
		struct bench_variant row = {
			.group = about.group,
			.name = text("%s-linux", name),
			.unit = about.unit,
			.quantity = about.quantity,
			.ops = about.samples * comparison.each,
			.two_cpus = about.two_cpus,
		};

		if (!i) {
			row.run_together = compare;
			row.together = phases * SIDES;
			row.parameters = parameters;
		}
		add_row(row);
		row.run_together = NULL;
		row.floor.terms[0].name = row.name;
		row.floor.terms[0].times = 1;
		row.name = name;
		row.limit = comparison.phases ? about.phase_limits[i] : about.limit;
		add_row(row);
	}
}

/* Of every operation; and of one that the clock would be most of, without it. */
#define LIMIT	       0.85
#define LIMIT_NO_CLOCK 0.6

static void add_shims(void)
{
	const struct side_shim *shim;

	for (shim = shims; shim->name; shim++)
		add_row((struct bench_variant){
			.group = "shim",
			.name = shim->name,
			.unit = "call",
			.ops = 50 * SHIM_OPS,
			.run_together = measure_shim,
			.together = 1,
			.parameters = shim,
			.floor.terms[0] = { shim->bare, shim->times },
		});
}

static void add_lives(void)
{
	static const unsigned int callbacks[] = { 0, 1, 8 };
	unsigned int i, clock;

	for (clock = 0; clock < 2; clock++) {
		const char *suffix = clock ? "" : "-no-clock";

		for (i = 0; i < LENGTH(callbacks); i++)
			add((struct about){ .group = "life",
					    .name = text("life-%u-callbacks%s", callbacks[i],
							 suffix),
					    .unit = "fence",
					    .samples = 40,
					    .limit = clock ? LIMIT : LIMIT_NO_CLOCK },
			    (struct comparison){ .of = { .operation = SIDE_LIFE,
							 .count = callbacks[i],
							 .clock = clock },
						 .each = 1000 });
		add((struct about){ .group = "life",
				    .name = text("heap-at-once%s", suffix),
				    .unit = "fence",
				    .samples = 40,
				    .limit = clock ? LIMIT : LIMIT_NO_CLOCK },
		    (struct comparison){ .of = { .operation = SIDE_HEAP_AT_ONCE, .clock = clock },
					 .each = 1000 });
		add((struct about){ .group = "life",
				    .name = text("heap-deferred%s", suffix),
				    .unit = "fence",
				    .samples = 40,
				    .limit = clock ? LIMIT : LIMIT_NO_CLOCK },
		    (struct comparison){ .of = { .operation = SIDE_HEAP_DEFERRED, .clock = clock },
					 .each = 1000 });
	}
}

static void add_simple(const char *group, const char *name, const char *unit, double limit,
		       uint64_t each, struct side_case of)
{
	add(
		(struct about){
			.group = group, .name = name, .unit = unit, .samples = 40, .limit = limit },
		(struct comparison){ .of = of, .each = each });
}

static void add_fences(void)
{
	add_simple("fence", "get-put", "pair", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_GET_PUT });
	/* One load on either side: there is nothing to be won. */
	add_simple("fence", "is-signaled", "call", 0, 10000,
		   (struct side_case){ .operation = SIDE_IS_SIGNALED, .signaled = true });
	add_simple("fence", "is-signaled-pending", "call", 0, 10000,
		   (struct side_case){ .operation = SIDE_IS_SIGNALED });
	add_simple("fence", "add-remove", "pair", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_ADD_REMOVE });
	add_simple("fence", "enable", "fence", LIMIT, 256,
		   (struct side_case){ .operation = SIDE_ENABLE });
	add_simple("fence", "wait-signaled", "call", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_WAIT_SIGNALED });
	add_simple("fence", "wait-any-8", "call", LIMIT, 500,
		   (struct side_case){ .operation = SIDE_WAIT_ANY });
	add_simple("fence", "get-stub", "pair", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_GET_STUB });
	add_simple("fence", "private-stub", "fence", LIMIT, 1000,
		   (struct side_case){ .operation = SIDE_PRIVATE_STUB });
	add_simple("fence", "context-alloc", "call", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_CONTEXT_ALLOC });
	/* Free for a kernel. Here because it explains others. */
	add_simple("fence", "read-section", "pair", 0, 2000,
		   (struct side_case){ .operation = SIDE_READ_SECTION });
}

static void add_wake_ups(void)
{
	/* Nearly all of it is the machine's: bench-fence has the limit, beside a bare futex. */
	add((struct about){ .group = "wake-up",
			    .name = "wake-sleeping",
			    .unit = "wake-up",
			    .samples = 20,
			    .two_cpus = true },
	    (struct comparison){ .of = { .operation = SIDE_WAKE_SLEEPING, .clock = true },
				 .each = 10 });
	add((struct about){ .group = "wake-up",
			    .name = "wake-spinning",
			    .unit = "hand-over",
			    .samples = 10,
			    .limit = LIMIT,
			    .two_cpus = true },
	    (struct comparison){ .of = { .operation = SIDE_WAKE_SPINNING, .clock = true },
				 .each = 2560 });
	add((struct about){ .group = "wake-up",
			    .name = "wake-spinning-no-clock",
			    .unit = "hand-over",
			    .samples = 10,
			    .limit = LIMIT_NO_CLOCK,
			    .two_cpus = true },
	    (struct comparison){ .of = { .operation = SIDE_WAKE_SPINNING }, .each = 2560 });
}

/* Marsaglia's xorshift64 */
static uint32_t random_below(uint32_t below)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

enum order {
	ORDER_INDEX,
	ORDER_REVERSE,
	ORDER_RANDOM,
	ORDERS,
};

/* Of so many, in groups: group after group, each in that order. */
static const uint32_t *new_order(unsigned int count, unsigned int group, enum order order)
{
	uint32_t *indices, other;
	unsigned int i, j;

	if (order == ORDER_INDEX)
		return NULL;
	indices = malloc(count * sizeof(*indices));
	if (!indices)
		bench_fail("out of memory");
	for (i = 0; i < count; i++)
		indices[i] = order == ORDER_REVERSE ? i / group * group + group - 1 - i % group : i;
	for (i = 0; order == ORDER_RANDOM && i < count; i++) {
		j = i / group * group + random_below(i % group + 1);
		other = indices[i];
		indices[i] = indices[j];
		indices[j] = other;
	}
	return indices;
}

/* The worst order is the reverse one. With few members it is the array itself that counts. */
static double array_limit(unsigned int members, enum order order, bool clock)
{
	if (members < 16)
		return clock ? LIMIT : LIMIT_NO_CLOCK;
	if (order == ORDER_REVERSE)
		return clock ? 0.7 : 0.5;
	return clock ? 0.55 : 0.35;
}

#define MEMBERS_PER_SAMPLE     1024
#define MEMBERS_PER_REPETITION 65536

static void add_array(unsigned int members, enum order order, bool clock, bool by_thread)
{
	static const char *const names[ORDERS] = { "index", "reverse", "random" };
	const unsigned int each =
		members < MEMBERS_PER_SAMPLE ? MEMBERS_PER_SAMPLE / members * members : members;

	add((struct about){ .group = by_thread ? "array-thread" : "array",
			    .name = text("array-%u-%s%s%s", members, names[order],
					 clock ? "" : "-no-clock", by_thread ? "-thread" : ""),
			    .unit = "member",
			    .samples = MEMBERS_PER_REPETITION / 2 / each + 1,
			    .limit = array_limit(members, order, clock),
			    .two_cpus = by_thread },
	    (struct comparison){ .of = { .operation = SIDE_ARRAY,
					 .count = members,
					 .clock = clock,
					 .order = new_order(each, members, order) },
				 .each = each,
				 .by_thread = by_thread });
}

static void add_arrays(void)
{
	static const unsigned int sizes[] = { 1, 4, 16, 64, 256, 1024, 65536 };
	static const unsigned int threaded[] = { 16, 256, 1024 };
	unsigned int i, clock;
	enum order order;

	for (clock = 0; clock < 2; clock++) {
		for (i = 0; i < LENGTH(sizes); i++) {
			for (order = 0; order < ORDERS; order++)
				add_array(sizes[i], order, clock, false);
		}
	}
	for (i = 0; i < LENGTH(threaded); i++)
		add_array(threaded[i], ORDER_INDEX, false, true);
	add((struct about){ .group = "array",
			    .name = "array-1024",
			    .unit = "member",
			    .samples = 32,
			    .phase_names = { "create", "enable", "signal", "release" } },
	    (struct comparison){
		    .of = { .operation = SIDE_ARRAY, .count = 1024 }, .each = 1024, .phases = 4 });
}

static void add_array_bytes(void)
{
	static const unsigned int sizes[] = { 1, 4, 16, 64, 256, 1024, 65536 };
	unsigned int i;

	for (i = 0; i < LENGTH(sizes); i++)
		add((struct about){ .group = "memory",
				    .name = text("array-%u-bytes", sizes[i]),
				    .unit = "member",
				    .quantity = "bytes",
				    .samples = 1 },
		    (struct comparison){ .of = { .operation = SIDE_ARRAY_BYTES, .count = sizes[i] },
					 .each = sizes[i] < 64		 ? 4096
						 : 64 * sizes[i] < 65536 ? 64 * sizes[i]
									 : 65536 });
}

static void add_chain(const char *name, unsigned int points, bool all, enum order order,
		      unsigned int samples)
{
	/* Who waits for the last point alone adds one callback, and drops what is left of the chain. */
	const double rest = all ? LIMIT : 0;

	add((struct about){ .group = "chain",
			    .name = name,
			    .unit = "point",
			    .samples = samples,
			    .phase_names = { "build", "add", "signal", "release" },
			    .phase_limits = { LIMIT, rest, LIMIT, rest } },
	    (struct comparison){ .of = { .operation = SIDE_CHAIN,
					 .count = points,
					 .all = all,
					 .order = new_order(points, points, order) },
				 .each = points,
				 .phases = 4 });
}

static void add_chains(void)
{
	add_chain("chain-1000-tail", 1000, false, ORDER_INDEX, 10);
	add_chain("chain-10000-tail", 10000, false, ORDER_INDEX, 2);
	add_chain("chain-1000-all", 1000, true, ORDER_INDEX, 10);
	/* Linux is quadratic there, and with four times as many would take most of all the time. */
	add_chain("chain-250-all-reverse", 250, true, ORDER_REVERSE, 2);
	add_chain("chain-500-all-reverse", 500, true, ORDER_REVERSE, 1);
	add((struct about){ .group = "chain",
			    .name = "walk-1000",
			    .unit = "point",
			    .samples = 20,
			    .limit = LIMIT },
	    (struct comparison){ .of = { .operation = SIDE_CHAIN_WALK, .count = 1000 },
				 .each = 1000 });
	add((struct about){ .group = "chain",
			    .name = "find-newest-of-1000",
			    .unit = "call",
			    .samples = 10,
			    .limit = LIMIT },
	    (struct comparison){ .of = { .operation = SIDE_CHAIN_FIND, .count = 1000 },
				 .each = 1000 });
	add((struct about){ .group = "chain",
			    .name = "find-random-of-1000",
			    .unit = "call",
			    .samples = 5,
			    .limit = LIMIT },
	    (struct comparison){ .of = { .operation = SIDE_CHAIN_FIND,
					 .count = 1000,
					 .order = new_order(1000, 1000, ORDER_RANDOM) },
				 .each = 100 });
}

static void add_merges(void)
{
	static const unsigned int sizes[] = { 8, 64, 512 };
	unsigned int i, same;

	for (same = 0; same < 2; same++) {
		for (i = 0; i < LENGTH(sizes); i++)
			add((struct about){ .group = "merge",
					    .name = text("merge-2x%u-%s", sizes[i],
							 same ? "same" : "disjoint"),
					    .unit = "merge",
					    .samples = 10,
					    .phase_names = { "make", "put" },
					    .phase_limits = { LIMIT, LIMIT } },
			    (struct comparison){
				    .of = { .operation = SIDE_MERGE,
					    .count = sizes[i],
					    .same = same,
					    .order = new_order(sizes[i], sizes[i], ORDER_RANDOM) },
				    .each = sizes[i] < 512 ? 64 : 8,
				    .phases = 2 });
	}
	add_simple("merge", "unwrap-array-64", "call", LIMIT, 100,
		   (struct side_case){ .operation = SIDE_UNWRAP_ARRAY, .count = 64 });
	add_simple("merge", "unwrap-chain-64", "call", LIMIT, 100,
		   (struct side_case){ .operation = SIDE_UNWRAP_CHAIN, .count = 64 });
}

static void add_jobs(void)
{
	static const unsigned int sizes[] = { 1, 8, 64 };
	unsigned int i;

	for (i = 0; i < LENGTH(sizes); i++) {
		struct about about = {
			.group = "resv",
			.name = text("job-%u", sizes[i]),
			.unit = "object",
			.samples = 20,
			.limit = LIMIT,
			.phase_names = { "add", "singleton", "signal", "wait", "end" },
			.phase_limits = { LIMIT, LIMIT, LIMIT_NO_CLOCK, LIMIT, LIMIT },
		};
		struct comparison comparison = {
			.of = { .operation = SIDE_JOB, .count = sizes[i] },
			.each = sizes[i] < 64 ? 64 : 16,
		};

		add(about, comparison);
		comparison.phases = 5;
		add(about, comparison);
	}
}

static void add_reservations(void)
{
	add_simple("resv", "lock-unlock", "pair", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_LOCK });
	add_simple("resv", "lock-unlock-ctx", "pair", LIMIT, 2000,
		   (struct side_case){ .operation = SIDE_LOCK_CTX });
	add_simple("resv", "lock-many-16", "call", LIMIT, 200,
		   (struct side_case){ .operation = SIDE_LOCK_MANY });
	add_jobs();
	add_simple("resv", "get-fences-8", "call", LIMIT, 500,
		   (struct side_case){ .operation = SIDE_GET_FENCES, .count = 8 });
	add_simple("resv", "test-signaled-8", "call", LIMIT, 500,
		   (struct side_case){
			   .operation = SIDE_TEST_SIGNALED, .count = 8, .signaled = true });
	add_simple("resv", "test-pending-8", "call", LIMIT, 500,
		   (struct side_case){ .operation = SIDE_TEST_SIGNALED, .count = 8 });
	add_simple("resv", "for-each-64", "pass", LIMIT, 200,
		   (struct side_case){ .operation = SIDE_FOR_EACH, .count = 64 });
	add_simple("resv", "for-each-unlocked-64", "pass", LIMIT, 200,
		   (struct side_case){ .operation = SIDE_FOR_EACH_UNLOCKED, .count = 64 });
	add((struct about){ .group = "resv",
			    .name = "beside-writer",
			    .unit = "pass",
			    .samples = 1,
			    .two_cpus = true,
			    .phase_names = { "read", "write" },
			    .phase_limits = { LIMIT, LIMIT } },
	    (struct comparison){
		    .of = { .operation = SIDE_READ_BESIDE_WRITER }, .each = 5000, .phases = 2 });
}

/* Modules */

static void *open_module(const char *name)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *file;
	void *module;

	if (length < 0)
		bench_fail("cannot find its own folder: %s", strerror(errno));
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	file = text("%s/%s", path, name);
	module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!module)
		bench_fail("cannot load one of its two sides, which is built with it: %s",
			   dlerror());
	return module;
}

static const void *symbol(void *module, const char *name)
{
	const void *address = dlsym(module, name);

	if (!address)
		bench_fail("%s", dlerror());
	return address;
}

/* Big blocks come back to the heap, so that none is a page fault in what is timed. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

int main(int argc, char **argv)
{
	static struct side_host host = { .pin_second = bench_pin_second, .fail = bench_fail };
	void *modules[SIDES];
	unsigned int i;

	keep_memory();
	host.memory = aligned_alloc(4096, SIDE_MEMBERS * 64);
	if (!host.memory)
		bench_fail("out of memory");
	memset(host.memory, 0, SIDE_MEMBERS * 64);
	modules[LINUX] = open_module("side-linux.so");
	modules[DMAFENCE] = open_module("side-dmafence.so");
	for (i = 0; i < SIDES; i++) {
		sides[i] = symbol(modules[i], "bench_side");
		sides[i]->start(&host);
	}
	shims = symbol(modules[LINUX], "bench_shims");

	add_shims();
	add_lives();
	add_fences();
	add_wake_ups();
	add_arrays();
	add_array_bytes();
	add_chains();
	add_merges();
	add_reservations();
	return bench_main(argc, argv, rows, num_rows);
}
