/* SPDX-License-Identifier: MIT */
/*
 * Submits a job to several engines at once, with one fence for all of it.
 *
 * The engines are threads; each reads commands from its ring and adds up the squares of a slice of
 * numbers. What matters is submit(): everything that can fail is done before the first command is
 * in a ring, because from then on there is no way back. The array of the engines' fences can only
 * be made after that, when the fences are there: so it is allocated before and initialised after,
 * which cannot fail.
 *
 * The second job has a slice that does not exist. Its engine fails, and so does the job's fence.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/dmafence.h>

#define ENGINES 4
#define RING	16
#define NUMBERS 1000000

struct command {
	const uint32_t *numbers;
	size_t count;
	uint64_t *sum;
	struct dma_fence *fence; /* NULL ends the engine */
};

struct engine {
	struct dma_fence_context *context;
	struct command ring[RING];
	unsigned int written;
	sem_t doorbell;
	pthread_t thread;
};

static struct engine engines[ENGINES];
static uint32_t numbers[NUMBERS];

static void *run_engine(void *arg)
{
	struct engine *engine = arg;
	unsigned int next;

	for (next = 0;; next++) {
		const struct command *command = &engine->ring[next % RING];
		uint64_t sum = 0;
		size_t i;

		while (sem_wait(&engine->doorbell))
			;
		if (!command->fence)
			return NULL;
		for (i = 0; command->numbers && i < command->count; i++)
			sum += (uint64_t)command->numbers[i] * command->numbers[i];
		*command->sum = sum;
		if (!command->numbers)
			dma_fence_set_error(command->fence, -EFAULT);
		dma_fence_context_signal_until(engine->context, command->fence->seqno);
	}
}

static void write_command(struct engine *engine, struct command command)
{
	engine->ring[engine->written++ % RING] = command;
}

struct job {
	const uint32_t *slices[ENGINES];
	size_t count; /* of each slice */
	uint64_t sums[ENGINES];
};

/* Returns the fence of the whole job, with a reference; or NULL, and nothing has happened. */
static struct dma_fence *submit(struct job *job)
{
	struct dma_fence_array *array = dma_fence_array_alloc();
	struct dma_fence **vector = calloc(ENGINES, sizeof(*vector));
	bool ready = array && vector;
	unsigned int i;

	for (i = 0; ready && i < ENGINES; i++) {
		vector[i] = malloc(sizeof(*vector[i]));
		ready = vector[i] && !dma_fence_context_reserve(engines[i].context, 1);
	}
	if (!ready) {
		for (i = 0; vector && i < ENGINES; i++)
			free(vector[i]);
		free(vector);
		dma_fence_array_free(array);
		return NULL;
	}

	/* The point of no return: nothing below can fail. */
	for (i = 0; i < ENGINES; i++) {
		dma_fence_context_emit(engines[i].context, vector[i]);
		write_command(&engines[i], (struct command){ .numbers = job->slices[i],
							     .count = job->count,
							     .sum = &job->sums[i],
							     .fence = vector[i] });
	}
	dma_fence_array_init(array, ENGINES, vector, dma_fence_context_alloc(1), 1);
	for (i = 0; i < ENGINES; i++)
		sem_post(&engines[i].doorbell);
	return &array->base;
}

static int run(struct job *job)
{
	struct dma_fence *fence = submit(job), *of_engine;
	uint64_t sum = 0;
	unsigned int i;
	int status;

	if (!fence) {
		fprintf(stderr, "parallel: out of memory\n");
		exit(1);
	}
	dma_fence_wait(fence, false);
	status = dma_fence_get_status(fence);
	dma_fence_array_for_each (of_engine, i, fence) {
		if (dma_fence_get_status(of_engine) < 0)
			printf("engine %u failed: %s\n", i,
			       strerror(-dma_fence_get_status(of_engine)));
		sum += job->sums[i];
	}
	if (status < 0)
		printf("the job failed: %s\n", strerror(-status));
	else
		printf("the job is done: the sum of the squares is %" PRIu64 "\n", sum);
	dma_fence_put(fence);
	return status;
}

int main(void)
{
	struct job good = { .count = NUMBERS / ENGINES }, bad;
	unsigned int i;
	int status;

	for (i = 0; i < NUMBERS; i++)
		numbers[i] = i + 1;
	for (i = 0; i < ENGINES; i++)
		good.slices[i] = &numbers[i * good.count];
	bad = good;
	bad.slices[2] = NULL;

	for (i = 0; i < ENGINES; i++) {
		engines[i].context = dma_fence_context_create("parallel", "engine", NULL, 1);
		if (!engines[i].context || sem_init(&engines[i].doorbell, 0, 0) ||
		    pthread_create(&engines[i].thread, NULL, run_engine, &engines[i])) {
			fprintf(stderr, "parallel: no memory for an engine\n");
			return 1;
		}
	}
	status = run(&good) == 1 && run(&bad) == -EFAULT ? 0 : 1;

	for (i = 0; i < ENGINES; i++) {
		write_command(&engines[i], (struct command){ 0 });
		sem_post(&engines[i].doorbell);
		pthread_join(engines[i].thread, NULL);
		sem_destroy(&engines[i].doorbell);
		dma_fence_context_destroy(engines[i].context);
	}
	return status;
}
