/* SPDX-License-Identifier: MIT */
/*
 * The harness of the benchmarks: interleaved variants, and ratios.
 *
 * A machine that does other things too changes its speed while it is measured. So what is to be
 * compared is never measured in one stretch each: every repetition runs every variant once, and
 * begins with another one each time. What is reported is the median over the repetitions, and, for
 * a variant that has a floor to be compared with, the median of the ratios that the repetitions
 * gave, each of two times taken within moments of each other. A ratio of two medians would mix
 * times from different moments.
 *
 * A program fills a table of variants and calls bench_main(), which handles the options:
 *
 *	-r n	repetitions, 11 unless told otherwise, at least 9
 *	-s x	multiplies the number of operations of every variant
 *	-o file	writes the results as CSV, too
 *	-e	exits with status 1 if a limit was exceeded
 *	-1 name	runs nothing but this variant, once, without measuring: for use under a profiler
 */
#ifndef DMAFENCE_BENCH_HARNESS_H
#define DMAFENCE_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Of the terms that make up a floor. */
#define BENCH_TERMS 3

/** Of the variants that are measured sample by sample. */
#define BENCH_TOGETHER 10

/**
 * struct bench_floor - what a variant is compared with
 *
 * The sum of the results of other variants, each taken so many times, and of a constant. All from
 * the same repetition.
 */
struct bench_floor {
	struct {
		const char *name; /* of the variant; NULL ends the list */
		double times;
	} terms[BENCH_TERMS];
	double ns;
};

/**
 * struct bench_variant - one line of the result
 */
struct bench_variant {
	const char *group;
	const char *name; /* unique */
	const char *unit; /* what an operation is */

	/** @quantity: what there is so much of per operation; NULL for a time, in ns */
	const char *quantity;

	/** @ops: how many operations one repetition performs; -s changes that */
	uint64_t ops;

	/** @run: performs that many operations, returns how many ns it took */
	int64_t (*run)(uint64_t ops);

	/**
	 * @run_together: instead of @run, where two runs one after the other are too far apart, or
	 * where one run gives several results: performs @ops operations of this variant and of the
	 * ones that follow in the table, @together in number, alternating. Stores the result per
	 * operation of each, the median of its samples. The ones that follow have neither @run nor
	 * @run_together. @parameters is passed on: one function can be behind many variants.
	 */
	void (*run_together)(uint64_t ops, double *results, const void *parameters);
	unsigned int together;
	const void *parameters;

	/** @two_cpus: left out where the process may use only one */
	bool two_cpus;

	struct bench_floor floor;

	/** @limit: the largest ratio to the floor that is good; 0 for none */
	double limit;
};

/** bench_main - runs a table of variants as the options say; returns the exit status */
int bench_main(int argc, char **argv, const struct bench_variant *variants, size_t count);

/** bench_pin_first, bench_pin_second - binds the calling thread to a CPU that it may use */
void bench_pin_first(void);
void bench_pin_second(void);

/** bench_now - CLOCK_MONOTONIC in ns */
int64_t bench_now(void);

/** bench_median - sorts the values */
double bench_median(double *values, size_t count);

/** bench_new_samples - room for so many, to be freed */
double *bench_new_samples(size_t count);

/** bench_fail - one line that says why the program cannot go on, and exits */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * For the eyes of the compiler: bench_keep() uses a value, so that it has to be computed.
 * bench_hide() makes a variable one of which nothing is known. After either, as after
 * bench_forget(), nothing is known of what any memory holds, so that neither loads nor stores are
 * left out or moved out of a loop. No instruction comes of them.
 */
#define bench_keep(value) __asm__ __volatile__("" : : "r"(value) : "memory")
#define bench_hide(variable) __asm__ __volatile__("" : "+r"(variable) : : "memory")
#define bench_forget() __asm__ __volatile__("" : : : "memory")

#endif
