/* SPDX-License-Identifier: MIT */
/*
 * What a driver on the library costs, with softgpu: from the submission of a job that does nothing
 * until it is known to have ended, beside a bare hand-over to a thread and back; how many of them
 * it does, one after the other and in parallel; and binds.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <softgpu/softgpu.h>

#include "harness.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define MAX_WIDTH 8
#define ADDRESS	  UINT64_C(0x100000)
#define MANY	  64 /* binds at once */

/*
 * Which CPU a thread is on decides what it costs to wake it: on another one that sleeps it is many
 * times as much. So hand-overs are measured for both, each with threads that are bound to their
 * CPU.
 */
struct machine {
	void (*pin_others)(void);
	struct softgpu_device *device;
	struct softgpu_vm *vm;
};

static struct machine free_machine;
static struct machine other_cpu = { .pin_others = bench_pin_second };
static struct machine same_cpu = { .pin_others = bench_pin_first };
static struct machine *const on_other_cpu = &other_cpu, *const on_same_cpu = &same_cpu;
static cpu_set_t all_cpus;
static struct softgpu_bo *bo;

static void check(int ret)
{
	if (ret)
		bench_fail("softgpu: %s", strerror(-ret));
}

static void create_machine(struct machine *machine)
{
	const struct softgpu_device_params params = {
		.num_engines = { [SOFTGPU_CLASS_COMPUTE] = MAX_WIDTH },
	};

	if (machine->pin_others)
		machine->pin_others(); /* the engines' threads inherit it */
	machine->device = softgpu_device_create(&params);
	machine->vm = machine->device ? softgpu_vm_create(machine->device) : NULL;
	if (!machine->vm)
		bench_fail("no device");
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
}

static void destroy_machine(struct machine *machine)
{
	softgpu_vm_put(machine->vm);
	softgpu_device_destroy(machine->device);
}

static struct softgpu_context *create_context(struct softgpu_vm *vm,
					      enum softgpu_class engine_class, unsigned int width)
{
	const struct softgpu_context_params params = { .engine_class = engine_class,
						       .width = width };
	struct softgpu_context *context = softgpu_context_create(vm, &params);

	if (!context)
		bench_fail("no context");
	return context;
}

static struct dma_fence *submit(struct softgpu_context *context)
{
	static const struct softgpu_batch nothing[MAX_WIDTH];
	struct dma_fence *fence = NULL;
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };
	const struct softgpu_submission submission = { .batches = nothing,
						       .sync = { .out = &out, .num_out = 1 } };

	check(softgpu_context_submit(context, &submission));
	return fence;
}

static void await(struct dma_fence *fence)
{
	dma_fence_wait(fence, false);
	dma_fence_put(fence);
}

/* There and back */

static uint32_t there, back; /* how often */

static void sleep_until(uint32_t *word, uint32_t value)
{
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void wake(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *send_back(void *arg)
{
	const uint32_t count = *(const uint32_t *)arg;
	uint32_t i;

	for (i = 1; i <= count; i++) {
		sleep_until(&there, i);
		wake(&back, i);
	}
	return NULL;
}

static void bare_round_trip(uint32_t i)
{
	wake(&there, i);
	sleep_until(&back, i);
}

/* The bare one, and an empty job on each class and of each width: see the table. */
static const struct {
	enum softgpu_class engine_class;
	unsigned int width;
} jobs[] = {
	{ SOFTGPU_CLASS_COPY, 1 },    { SOFTGPU_CLASS_COMPUTE, 1 }, { SOFTGPU_CLASS_ENCODE, 1 },
	{ SOFTGPU_CLASS_COMPUTE, 2 }, { SOFTGPU_CLASS_COMPUTE, 4 }, { SOFTGPU_CLASS_COMPUTE, 8 },
};

#define ROWS (1 + LENGTH(jobs))

static void round_trips(uint64_t ops, double *results, const void *parameters)
{
	struct machine *machine = *(struct machine *const *)parameters;
	struct softgpu_context *contexts[LENGTH(jobs)];
	double *samples[ROWS];
	uint32_t count = (uint32_t)ops, i;
	pthread_t thread;
	size_t k;

	if (!machine->device)
		create_machine(machine);
	there = back = 0;
	for (k = 0; k < LENGTH(jobs); k++)
		contexts[k] = create_context(machine->vm, jobs[k].engine_class, jobs[k].width);
	for (k = 0; k < ROWS; k++)
		samples[k] = bench_new_samples(count);
	machine->pin_others();
	if (pthread_create(&thread, NULL, send_back, &count))
		bench_fail("no thread");
	bench_pin_first();
	for (i = 0; i < count; i++) {
		for (k = 0; k < ROWS; k++) {
			int64_t begin = bench_now();

			if (k)
				await(submit(contexts[k - 1]));
			else
				bare_round_trip(i + 1);
			samples[k][i] = (double)(bench_now() - begin);
		}
	}
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	pthread_join(thread, NULL);
	for (k = 0; k < ROWS; k++) {
		results[k] = bench_median(samples[k], count);
		free(samples[k]);
	}
	for (k = 0; k < LENGTH(jobs); k++)
		softgpu_context_put(contexts[k]);
}

/* One after the other, without waiting for each */

static int64_t throughput(enum softgpu_class engine_class, unsigned int width, uint64_t ops)
{
	struct softgpu_context *context = create_context(free_machine.vm, engine_class, width);
	struct dma_fence *last = NULL;
	int64_t begin = bench_now();

	while (ops--) {
		dma_fence_put(last);
		last = submit(context);
	}
	await(last);
	begin = bench_now() - begin;
	softgpu_context_put(context);
	return begin;
}

static int64_t copy_jobs(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_COPY, 1, ops);
}

static int64_t compute_jobs(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_COMPUTE, 1, ops);
}

static int64_t encode_jobs(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_ENCODE, 1, ops);
}

static int64_t jobs_of_2(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_COMPUTE, 2, ops);
}

static int64_t jobs_of_4(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_COMPUTE, 4, ops);
}

static int64_t jobs_of_8(uint64_t ops)
{
	return throughput(SOFTGPU_CLASS_COMPUTE, 8, ops);
}

/* Binds: each waited for, since there is room for so many only. */

static struct dma_fence *bind(const struct softgpu_bind *binds, unsigned int num)
{
	struct dma_fence *fence = NULL;
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };
	const struct softgpu_sync sync = { .out = &out, .num_out = 1 };

	check(softgpu_vm_bind(free_machine.vm, binds, num, &sync));
	return fence;
}

static int64_t bind_pages(uint64_t ops, uint64_t bytes)
{
	const struct softgpu_bind map = { .bo = bo, .address = ADDRESS, .bytes = bytes };
	int64_t begin = bench_now();

	while (ops--)
		await(bind(&map, 1));
	return bench_now() - begin;
}

static int64_t bind_page(uint64_t ops)
{
	return bind_pages(ops, SOFTGPU_PAGE_SIZE);
}

static int64_t bind_megabyte(uint64_t ops)
{
	return bind_pages(ops, 1 << 20);
}

static int64_t bind_many(uint64_t ops)
{
	struct softgpu_bind binds[MANY];
	int64_t begin;
	uint64_t i;

	for (i = 0; i < MANY; i++)
		binds[i] = (struct softgpu_bind){ .bo = bo,
						  .address = ADDRESS + i * 2 * SOFTGPU_PAGE_SIZE,
						  .bytes = SOFTGPU_PAGE_SIZE };
	begin = bench_now();
	for (i = 0; i < ops; i += MANY)
		await(bind(binds, MANY));
	return bench_now() - begin;
}

/* An empty job, from its submission until the waiter goes on. */
#define BARE(cpus, where, machine) \
	{ \
		.group = "round-trip", .name = "bare-" where, .unit = "trip", .ops = 300, \
		.run_together = round_trips, .together = ROWS, .parameters = &(machine), \
		.two_cpus = cpus \
	}

/* The limit is of one engine: of more, each has to be woken. */
#define ROUND_TRIP(what, cpus, where, most) \
	{ \
		.group = "round-trip", .name = what "-" where, .unit = "job", \
		.floor = { .terms = { { "bare-" where, 1 } } }, .limit = most, .two_cpus = cpus \
	}

#define ROUND_TRIPS(cpus, where, machine) \
	BARE(cpus, where, machine), ROUND_TRIP("copy", cpus, where, 2.5), \
		ROUND_TRIP("compute", cpus, where, 2.5), ROUND_TRIP("encode", cpus, where, 2.5), \
		ROUND_TRIP("width-2", cpus, where, 0), ROUND_TRIP("width-4", cpus, where, 0), \
		ROUND_TRIP("width-8", cpus, where, 0)

#define RUN(group_name, variant_name, unit_name, times, function) \
	{ \
		.group = group_name, .name = variant_name, .unit = unit_name, .ops = times, \
		.run = function \
	}

static const struct bench_variant variants[] = {
	ROUND_TRIPS(true, "other-cpu", on_other_cpu),
	ROUND_TRIPS(false, "same-cpu", on_same_cpu),
	RUN("jobs", "jobs-copy", "job", 5000, copy_jobs),
	RUN("jobs", "jobs-compute", "job", 5000, compute_jobs),
	RUN("jobs", "jobs-encode", "job", 5000, encode_jobs),
	RUN("jobs", "jobs-width-2", "job", 2000, jobs_of_2),
	RUN("jobs", "jobs-width-4", "job", 2000, jobs_of_4),
	RUN("jobs", "jobs-width-8", "job", 2000, jobs_of_8),
	RUN("binds", "bind-page", "bind", 500, bind_page),
	RUN("binds", "bind-megabyte", "bind", 500, bind_megabyte),
	RUN("binds", "bind-64-pages", "bind", 6400, bind_many),
};

int main(int argc, char **argv)
{
	int ret;

	if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus))
		bench_fail("which CPUs there are cannot be found out");
	create_machine(&free_machine);
	bo = softgpu_bo_create(free_machine.device, 1 << 20, "bench");
	if (!bo)
		bench_fail("no memory");
	ret = bench_main(argc, argv, variants, LENGTH(variants));
	softgpu_bo_put(bo);
	destroy_machine(&free_machine);
	if (other_cpu.device)
		destroy_machine(&other_cpu);
	if (same_cpu.device)
		destroy_machine(&same_cpu);
	return ret;
}
