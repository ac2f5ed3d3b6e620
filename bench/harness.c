/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define DEFAULT_REPETITIONS 11
/* With fewer a median is not worth much more than a single time. */
#define FEWEST_REPETITIONS 9
#define MOST_REPETITIONS 1000

/* What a floor is made of, in words, fits in this. */
#define FLOOR_TEXT 128

/* Exit status when nothing could be measured; 1 says that a limit was exceeded. */
#define STATUS_CANNOT_RUN 2

#define USAGE "[-r repetitions] [-s scale] [-o file.csv] [-e], or -1 name [-s scale]"

struct options {
	unsigned int repetitions;
	double scale;
	const char *csv;
	const char *only;
	bool enforce;
};

/* What became of a variant: so much per operation, once per repetition. */
struct result {
	double *values;
	double median, minimum, maximum;
	double ratio; /* NAN without a floor */
	bool skipped;
};

static const char *program = "bench";
static int cpus[2]; /* the second is -1 where there is only one */

void bench_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(STATUS_CANNOT_RUN);
}

int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double *bench_new_samples(size_t count)
{
	double *samples = calloc(count, sizeof(*samples));

	if (!samples)
		bench_fail("out of memory");
	return samples;
}

/* CPUs */

static void find_cpus(void)
{
	cpu_set_t allowed;
	int cpu, found = 0;

	cpus[0] = cpus[1] = -1;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("cannot ask which CPUs may be used: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
		if (CPU_ISSET(cpu, &allowed))
			cpus[found++] = cpu;
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_fail("cannot bind a thread to CPU %d: %s", cpu, strerror(errno));
}

void bench_pin_first(void)
{
	pin(cpus[0]);
}

void bench_pin_second(void)
{
	pin(cpus[1]);
}

/* Options */

static double number(int option, const char *text)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !isfinite(value))
		bench_fail("-%c needs a number, not '%s'", option, text);
	return value;
}

static unsigned int repetitions_of(const char *text)
{
	double value = number('r', text);

	if (value < FEWEST_REPETITIONS || value > MOST_REPETITIONS || value != floor(value))
		bench_fail("-r %s: the number of repetitions must be %d to %d", text,
			   FEWEST_REPETITIONS, MOST_REPETITIONS);
	return (unsigned int)value;
}

static double scale_of(const char *text)
{
	double value = number('s', text);

	if (value <= 0 || value > 1000)
		bench_fail("-s %s: the scale must be greater than 0 and at most 1000", text);
	return value;
}

static struct options parse(int argc, char **argv)
{
	struct options options = { .repetitions = DEFAULT_REPETITIONS, .scale = 1 };
	int option;

	opterr = 0;
	while ((option = getopt(argc, argv, ":r:s:o:e1:")) != -1) {
		switch (option) {
		case 'r':
			options.repetitions = repetitions_of(optarg);
			break;
		case 's':
			options.scale = scale_of(optarg);
			break;
		case 'o':
			options.csv = optarg;
			break;
		case 'e':
			options.enforce = true;
			break;
		case '1':
			options.only = optarg;
			break;
		case ':':
			bench_fail("-%c needs a value", optopt);
		default:
			bench_fail("no option -%c: use " USAGE, optopt);
		}
	}
	if (optind < argc)
		bench_fail("'%s' is not an option: use " USAGE, argv[optind]);
	return options;
}

/* Running */

static uint64_t scaled(const struct bench_variant *variant, double scale)
{
	double ops = (double)variant->ops * scale;

	return ops < 1 ? 1 : (uint64_t)ops;
}

static bool leads(const struct bench_variant *variant)
{
	return variant->run || variant->run_together;
}

/* Runs a variant, and those that are measured together with it, for one repetition. */
static void run(const struct bench_variant *variant, struct result *result, double scale,
		unsigned int repetition)
{
	uint64_t ops = scaled(variant, scale);
	double values[BENCH_TOGETHER];
	unsigned int i;

	if (variant->run) {
		result->values[repetition] = (double)variant->run(ops) / (double)ops;
		return;
	}
	variant->run_together(ops, values, variant->parameters);
	for (i = 0; i < variant->together; i++)
		result[i].values[repetition] = values[i];
}

static size_t find(const struct bench_variant *variants, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(variants[i].name, name))
			return i;
	}
	bench_fail("nothing is named '%s': names are in the second column of the table", name);
}

static int run_only(const struct bench_variant *variants, size_t count,
		    const struct options *options)
{
	size_t i = find(variants, count, options->only);
	struct result results[BENCH_TOGETHER];
	double values[BENCH_TOGETHER];
	unsigned int j;

	while (!leads(&variants[i]))
		i--;
	if (variants[i].two_cpus && cpus[1] < 0)
		bench_fail("'%s' needs two CPUs, and this process may use one", options->only);
	for (j = 0; j < BENCH_TOGETHER; j++)
		results[j].values = &values[j];
	run(&variants[i], results, options->scale, 0);
	printf("%s: %llu operations\n", options->only,
	       (unsigned long long)scaled(&variants[i], options->scale));
	return 0;
}

static void run_all(const struct bench_variant *variants, struct result *results, size_t count,
		    const struct options *options)
{
	unsigned int repetition;
	size_t i, at;

	for (i = 0; i < count; i++) {
		/* Its result is overwritten by that of the first repetition. */
		if (leads(&variants[i]) && !results[i].skipped)
			run(&variants[i], &results[i], options->scale, 0);
	}
	for (repetition = 0; repetition < options->repetitions; repetition++) {
		for (i = 0; i < count; i++) {
			at = (i + repetition) % count;
			if (leads(&variants[at]) && !results[at].skipped)
				run(&variants[at], &results[at], options->scale, repetition);
		}
	}
}

/* Evaluation */

/* NAN where a part of the floor was not measured. */
static double floor_of(const struct bench_variant *variants, const struct result *results,
		       size_t count, const struct bench_variant *variant, unsigned int repetition)
{
	const struct bench_floor *sum = &variant->floor;
	double value = sum->ns;
	unsigned int i;

	for (i = 0; i < BENCH_TERMS && sum->terms[i].name; i++) {
		const struct result *term = &results[find(variants, count, sum->terms[i].name)];

		if (term->skipped)
			return NAN;
		value += sum->terms[i].times * term->values[repetition];
	}
	return value;
}

static void evaluate(const struct bench_variant *variants, struct result *results, size_t count,
		     const struct options *options)
{
	unsigned int n = options->repetitions, r;
	double *values = bench_new_samples(n);
	size_t i;

	for (i = 0; i < count; i++) {
		struct result *result = &results[i];

		result->ratio = NAN;
		if (result->skipped)
			continue;
		if (variants[i].floor.terms[0].name) {
			for (r = 0; r < n; r++)
				values[r] = result->values[r] /
					    floor_of(variants, results, count, &variants[i], r);
			result->ratio = bench_median(values, n);
		}
		memcpy(values, result->values, n * sizeof(*values));
		result->median = bench_median(values, n);
		result->minimum = values[0];
		result->maximum = values[n - 1];
	}
	free(values);
}

/* Output */

static const char *floor_text(const struct bench_floor *sum, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	unsigned int i;

	if (!out)
		bench_fail("out of memory");
	for (i = 0; i < BENCH_TERMS && sum->terms[i].name; i++) {
		if (i)
			fputs(" + ", out);
		if (sum->terms[i].times != 1)
			fprintf(out, "%.3g ", sum->terms[i].times);
		fputs(sum->terms[i].name, out);
	}
	if (sum->ns)
		fprintf(out, " + %g ns", sum->ns);
	fputc('\0', out);
	fclose(out);
	return text;
}

static bool over(const struct bench_variant *variant, const struct result *result)
{
	return variant->limit && result->ratio > variant->limit;
}

static const char *quantity_of(const struct bench_variant *variant)
{
	return variant->quantity ? variant->quantity : "ns";
}

/* How wide the columns are in which these texts stand. */

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = (int)strlen(text);
}

static int name_width(const struct bench_variant *variants, size_t count)
{
	int width = 0;
	size_t i;

	for (i = 0; i < count; i++)
		widen(&width, variants[i].name);
	return width;
}

static int floor_width(const struct bench_variant *variants, size_t count)
{
	int width = 0;
	char text[FLOOR_TEXT];
	size_t i;

	for (i = 0; i < count; i++)
		widen(&width, floor_text(&variants[i].floor, text, sizeof(text)));
	return width;
}

/* A ratio that is meant to be tiny is not 0.00. */
static const char *ratio_text(double ratio, char *text, size_t size)
{
	snprintf(text, size, ratio < 0.1 ? "%.2g" : "%.2f", ratio);
	return text;
}

static void print_table(const struct bench_variant *variants, const struct result *results,
			size_t count)
{
	int names = name_width(variants, count), floors = floor_width(variants, count);
	const char *group = "", *quantity = "";
	char text[FLOOR_TEXT], ratio[16];
	size_t i;

	for (i = 0; i < count; i++) {
		const struct bench_variant *variant = &variants[i];
		const struct result *result = &results[i];

		if (result->skipped)
			continue;
		if (strcmp(quantity, quantity_of(variant))) {
			quantity = quantity_of(variant);
			snprintf(text, sizeof(text), "median %s", quantity);
			printf("%-11s %-*s %-9s %12s %12s %12s  %-*s %7s %6s\n", "group", names,
			       "name", "per", text, "min", "max", floors, "floor", "ratio",
			       "limit");
		}
		printf("%-11s %-*s %-9s %12.2f %12.2f %12.2f",
		       strcmp(group, variant->group) ? variant->group : "", names, variant->name,
		       variant->unit, result->median, result->minimum, result->maximum);
		group = variant->group;
		if (!isnan(result->ratio)) {
			floor_text(&variant->floor, text, sizeof(text));
			printf("  %-*s %7s", floors, text,
			       ratio_text(result->ratio, ratio, sizeof(ratio)));
			if (variant->limit)
				printf(" %6.2f  %s", variant->limit,
				       over(variant, result) ? "OVER" : "ok");
		}
		putchar('\n');
	}
	for (i = 0; i < count; i++) {
		if (results[i].skipped)
			printf("skipped %s: it needs two CPUs, and this process may use one\n",
			       variants[i].name);
	}
}

static void write_csv(FILE *file, const struct bench_variant *variants,
		      const struct result *results, size_t count, const struct options *options)
{
	char text[FLOOR_TEXT];
	bool failed;
	size_t i;

	fputs("group,name,ops,unit,quantity,median,minimum,maximum,repetitions,floor,ratio,limit\n",
	      file);
	for (i = 0; i < count; i++) {
		const struct bench_variant *variant = &variants[i];
		const struct result *result = &results[i];

		if (result->skipped)
			continue;
		fprintf(file, "%s,%s,%llu,%s,%s,%.3f,%.3f,%.3f,%u,%s,", variant->group,
			variant->name, (unsigned long long)scaled(variant, options->scale),
			variant->unit, quantity_of(variant), result->median, result->minimum,
			result->maximum, options->repetitions,
			floor_text(&variant->floor, text, sizeof(text)));
		if (!isnan(result->ratio))
			fprintf(file, "%.4f", result->ratio);
		fputc(',', file);
		if (variant->limit)
			fprintf(file, "%g", variant->limit);
		fputc('\n', file);
	}
	failed = ferror(file);
	if (fclose(file) || failed)
		bench_fail("cannot write %s: %s", options->csv, strerror(errno));
}

int bench_main(int argc, char **argv, const struct bench_variant *variants, size_t count)
{
	struct options options;
	struct result *results;
	FILE *csv = NULL;
	int status = 0;
	size_t i;

	program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	options = parse(argc, argv);
	find_cpus();
	bench_pin_first();
	if (options.only)
		return run_only(variants, count, &options);

	/* Before the minute that it takes to have something to write. */
	if (options.csv) {
		csv = fopen(options.csv, "w");
		if (!csv)
			bench_fail("cannot write %s: %s", options.csv, strerror(errno));
	}

	results = calloc(count, sizeof(*results));
	for (i = 0; results && i < count; i++) {
		results[i].skipped = variants[i].two_cpus && cpus[1] < 0;
		results[i].values = bench_new_samples(options.repetitions);
	}
	if (!results)
		bench_fail("out of memory");

	run_all(variants, results, count, &options);
	evaluate(variants, results, count, &options);
	print_table(variants, results, count);
	if (csv)
		write_csv(csv, variants, results, count, &options);

	for (i = 0; i < count; i++) {
		if (options.enforce && over(&variants[i], &results[i]))
			status = 1;
		free(results[i].values);
	}
	free(results);
	return status;
}
