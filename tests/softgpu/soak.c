/* SPDX-License-Identifier: MIT */
/*
 * Threads that submit at random, and a model of what comes of it.
 *
 * There are a few worlds, each with buffers, a lock, and a log. Who submits a job holds the lock of
 * a world, and notes the job in its log: so the order in which the jobs of a world were submitted
 * is known, and whatever the engines do at the same time, what comes of it must be what had come of
 * it if each had been done in that order, at once. When a job has ended it is done again, on the
 * model: how it ended must be how it had to end, and what it found in its buffer at its end, which
 * it has copied to a place of its own, must be what the model has there.
 *
 * Buffers are used with implicit synchronisation, or (those that are called explicit) with
 * in-fences of whatever kind. Jobs hang, contexts are cancelled and banned, buffers are unmapped
 * and mapped again. SOAK_SECONDS says how long it takes, and SOAK_SEED what is random.
 */
#include "gpu.h"

#include <inttypes.h>
#include <zlib.h>

#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>

#define NUM_WORLDS   3
#define NUM_THREADS  4
#define NUM_IMPLICIT 8
#define NUM_BOS	     12
#define LOG_ROOM     128
#define MAX_OPS	     5
#define MAX_WIDTH    4
#define MAX_IN	     24
#define MAX_HANGS    2

/* What of a buffer is used: words to both sides of the end of its first page. */
#define WORDS  32
#define REGION (WORDS * 8)
#define OFFSET (PAGE - REGION / 2)

/* What a place for results is full of until a job has been there. */
#define UNTOUCHED 0xa5

/* Contexts. What is in the log holds them. */

struct owner {
	struct softgpu_context *context;
	unsigned int width;
	uint32_t refcount;
	uint32_t hangs; /* jobs that hang, submitted or about to be */
	bool cancelled;
};

static const struct {
	enum softgpu_class engine_class;
	unsigned int width;
} shapes[] = {
	{ SOFTGPU_CLASS_COPY, 1 },    { SOFTGPU_CLASS_COMPUTE, 1 }, { SOFTGPU_CLASS_COMPUTE, 2 },
	{ SOFTGPU_CLASS_COMPUTE, 4 }, { SOFTGPU_CLASS_ENCODE, 1 },  { SOFTGPU_CLASS_COPY, 2 },
};

/* What a job does */

/* The last two use the other buffer. */
enum op_type { STORE, COPY_WITHIN, FILL, COPY, CRC };

struct op {
	enum op_type type;
	unsigned int to, from, words;
	uint64_t value;
};

/*
 * A part of it, for one engine: changes a buffer, by what is in it, and in another if it reads
 * that.
 */
struct part {
	unsigned int to, from;
	bool overwrite, reads;
	unsigned int num_ops;
	struct op ops[MAX_OPS];
};

struct entry {
	struct dma_fence *fence;
	/* A bind: of that buffer. */
	bool is_bind, map;
	unsigned int bo;
	/* A job. */
	struct owner *owner;
	struct part parts[MAX_WIDTH];
	bool hangs;
	/* Those of its in-fences that it is to fail with, in the order in which they were told. */
	struct dma_fence *in[MAX_IN];
	unsigned int num_in;
};

struct model {
	uint64_t words[WORDS];
	bool known;
	int write_status; /* of the last job that was to change it */
	bool mapped;
};

struct world {
	struct gpu *gpu;
	pthread_mutex_t lock;
	struct softgpu_bo *bos[NUM_BOS], *results;
	uint64_t addresses[NUM_BOS], results_at;
	struct model models[NUM_BOS];
	/* Of the explicit ones: the last job, as a fence and in an object. */
	struct dma_fence *last[NUM_BOS];
	struct dma_fence_syncobj *places[NUM_BOS];
	/* As submitted, which may be ahead of the model. */
	bool mapped[NUM_BOS];

	struct entry log[LOG_ROOM];
	unsigned int first, num_entries;
};

/* What happened. */
static struct {
	uint64_t jobs, done, inherited, cancelled, faulted, hung, refused, full;
	uint64_t binds, cancels, words;
} counts;

#define COUNT(what) __atomic_fetch_add(&counts.what, 1, __ATOMIC_RELAXED)

static struct gpu gpu;
static struct world worlds[NUM_WORLDS];
static int64_t end_ns;

struct random {
	uint64_t state;
};

static uint32_t number(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint32_t)(random->state >> 16);
}

static unsigned int below(struct random *random, unsigned int end)
{
	return number(random) % end;
}

static bool one_in(struct random *random, unsigned int num)
{
	return !below(random, num);
}

static struct owner *create_owner(unsigned int shape)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	assert_non_null(owner);
	owner->width = shapes[shape].width;
	owner->refcount = 1;
	owner->context = create_context(&gpu, shapes[shape].engine_class, owner->width, "soak");
	return owner;
}

static void put_owner(struct owner *owner)
{
	if (__atomic_sub_fetch(&owner->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	softgpu_context_put(owner->context);
	free(owner);
}

static bool may_be_cancelled(const struct owner *owner)
{
	return __atomic_load_n(&owner->cancelled, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&owner->hangs, __ATOMIC_ACQUIRE) >= MAX_HANGS;
}

/* The model */

static void do_op(struct model *to, const struct model *from, const struct op *op)
{
	uint32_t sum;
	unsigned int i;

	switch (op->type) {
	case STORE:
		to->words[op->to] = op->value;
		break;
	case COPY:
		memcpy(&to->words[op->to], &from->words[op->from], 8 * op->words);
		to->known = to->known && from->known;
		break;
	case COPY_WITHIN:
		memmove(&to->words[op->to], &to->words[op->from], 8 * op->words);
		break;
	case FILL:
		for (i = 0; i < op->words; i++)
			to->words[op->to + i] = op->value << 32 | op->value;
		break;
	default:
		sum = (uint32_t)crc32_z(0, (const void *)from->words, REGION);
		memcpy(&to->words[op->to], &sum, 4);
		to->known = to->known && from->known;
	}
}

static unsigned char *result_of(struct world *world, unsigned int index, unsigned int part)
{
	return (unsigned char *)softgpu_bo_map(world->results) +
	       (index * MAX_WIDTH + part) * REGION;
}

static uint64_t result_at(const struct world *world, unsigned int index, unsigned int part)
{
	return world->results_at + (index * MAX_WIDTH + part) * REGION;
}

static void part_is_done(struct world *world, unsigned int index, unsigned int part)
{
	const struct part *what = &world->log[index].parts[part];
	struct model *to = &world->models[what->to];
	unsigned int i;

	if (what->overwrite)
		to->known = true;
	for (i = 0; i < what->num_ops; i++)
		do_op(to, &world->models[what->from], &what->ops[i]);
	to->write_status = 0;
	if (to->known) {
		assert_int_equal(memcmp(result_of(world, index, part), to->words, REGION), 0);
		__atomic_fetch_add(&counts.words, WORDS, __ATOMIC_RELAXED);
	}
}

static bool is_untouched(struct world *world, unsigned int index, unsigned int part)
{
	const unsigned char *result = result_of(world, index, part);
	unsigned int i;

	for (i = 0; i < REGION; i++)
		if (result[i] != UNTOUCHED)
			return false;
	return true;
}

static bool is_implicit(unsigned int bo)
{
	return bo < NUM_IMPLICIT;
}

/* The first error of those that it has to fail with. */
static int inherited_error(struct world *world, const struct entry *entry)
{
	unsigned int i;
	int status;

	for (i = 0; i < entry->num_in; i++) {
		status = dma_fence_get_status(entry->in[i]);
		assert_int_not_equal(status, 0);
		if (status < 0)
			return status;
	}
	for (i = 0; i < entry->owner->width; i++) {
		const struct part *part = &entry->parts[i];
		const struct model *to = &world->models[part->to];
		const struct model *from = &world->models[part->from];

		if (is_implicit(part->to) && !part->overwrite && to->write_status)
			return to->write_status;
		if (part->reads && is_implicit(part->from) && from->write_status)
			return from->write_status;
	}
	return 0;
}

static bool has_to_fault(struct world *world, const struct entry *entry, unsigned int part)
{
	const struct part *what = &entry->parts[part];
	unsigned int i;

	if (!world->models[what->to].mapped)
		return true;
	for (i = 0; i < what->num_ops; i++)
		if ((what->ops[i].type == COPY || what->ops[i].type == CRC) &&
		    !world->models[what->from].mapped)
			return true;
	return false;
}

/* It has failed: by what, and what that leaves. */
static void job_has_failed(struct world *world, unsigned int index, int error)
{
	struct entry *entry = &world->log[index];
	int inherited = inherited_error(world, entry);
	bool faults = false;
	unsigned int i;

	for (i = 0; i < entry->owner->width; i++)
		faults = faults || has_to_fault(world, entry, i);
	if (error == -ECANCELED && may_be_cancelled(entry->owner)) {
		COUNT(cancelled);
	} else if (inherited) {
		assert_int_equal(error, inherited);
		for (i = 0; i < entry->owner->width; i++)
			assert_true(is_untouched(world, index, i));
		COUNT(inherited);
	} else if (faults) {
		assert_int_equal(error, -EFAULT);
		for (i = 0; i < entry->owner->width; i++)
			assert_int_equal(is_untouched(world, index, i),
					 has_to_fault(world, entry, i));
		COUNT(faulted);
	} else {
		assert_true(entry->hangs);
		assert_int_equal(error, -ETIME);
		assert_true(is_untouched(world, index, 0));
		COUNT(hung);
	}
	for (i = 0; i < entry->owner->width; i++) {
		world->models[entry->parts[i].to].known = false;
		world->models[entry->parts[i].to].write_status = error;
	}
}

static void job_is_done(struct world *world, unsigned int index)
{
	struct entry *entry = &world->log[index];
	unsigned int i;

	assert_int_equal(inherited_error(world, entry), 0);
	assert_false(entry->hangs);
	for (i = 0; i < entry->owner->width; i++) {
		assert_false(has_to_fault(world, entry, i));
		part_is_done(world, index, i);
	}
	COUNT(done);
}

/* Takes the oldest one from the log: its fence has signaled, or is waited for. */
static void look_at_oldest(struct world *world)
{
	const unsigned int index = world->first;
	struct entry *entry = &world->log[index];
	int error = outcome(entry->fence);
	unsigned int i;

	if (entry->is_bind) {
		assert_int_equal(error, 0);
		world->models[entry->bo].mapped = entry->map;
	} else {
		if (error)
			job_has_failed(world, index, error);
		else
			job_is_done(world, index);
		put_owner(entry->owner);
	}
	for (i = 0; i < entry->num_in; i++)
		dma_fence_put(entry->in[i]);
	dma_fence_put(entry->fence);
	world->first = (world->first + 1) % LOG_ROOM;
	world->num_entries--;
}

static void look_at_log(struct world *world)
{
	while (world->num_entries && (world->num_entries == LOG_ROOM ||
				      dma_fence_get_status(world->log[world->first].fence) != 0))
		look_at_oldest(world);
}

/* Submitting */

static struct entry *new_entry(struct world *world, unsigned int *index)
{
	*index = (world->first + world->num_entries) % LOG_ROOM;
	memset(&world->log[*index], 0, sizeof(world->log[*index]));
	return &world->log[*index];
}

/* A few buffers, all different. */
static void choose_bos(struct random *random, unsigned int *bos, unsigned int num)
{
	unsigned int all[NUM_BOS], i, k, chosen;

	for (i = 0; i < NUM_BOS; i++)
		all[i] = i;
	for (i = 0; i < num; i++) {
		k = i + below(random, NUM_BOS - i);
		chosen = all[k];
		all[k] = all[i];
		all[i] = bos[i] = chosen;
	}
}

static void invent_op(struct random *random, struct op *op, bool reads)
{
	op->type = below(random, reads ? CRC + 1 : FILL + 1);
	op->words = 1 + below(random, WORDS);
	op->to = below(random, WORDS - op->words + 1);
	op->from = below(random, WORDS - op->words + 1);
	op->value = number(random);
}

/*
 * So many overwrite, and read nothing else, because failures spread: to whoever reads what was not
 * written, and from there on.
 */
static void invent_part(struct random *random, struct part *part, const unsigned int *bos)
{
	unsigned int i;

	part->to = bos[0];
	part->from = bos[1];
	part->overwrite = below(random, 8) < 5;
	part->reads = !part->overwrite || one_in(random, 4);
	part->num_ops = 1 + below(random, MAX_OPS);
	for (i = 0; i < part->num_ops; i++)
		invent_op(random, &part->ops[i], part->reads);
	if (part->overwrite)
		part->ops[0] = (struct op){ .type = FILL, .words = WORDS, .value = number(random) };
}

static void add_op(struct softgpu_batch *batch, uint64_t to, uint64_t from, const struct op *op)
{
	to += OFFSET + 8 * op->to;
	from += OFFSET;
	switch (op->type) {
	case STORE:
		softgpu_cmd_store(batch, to, op->value);
		break;
	case COPY:
		softgpu_cmd_copy(batch, to, from + 8 * op->from, 8 * op->words);
		break;
	case COPY_WITHIN:
		softgpu_cmd_copy(batch, to, to - 8 * op->to + 8 * op->from, 8 * op->words);
		break;
	case FILL:
		softgpu_cmd_fill(batch, to, 8 * op->words, (uint32_t)op->value);
		break;
	default:
		softgpu_cmd_crc32(batch, to, from, REGION);
	}
}

static void make_batch(struct world *world, unsigned int index, unsigned int part,
		       struct softgpu_batch *batch)
{
	const struct entry *entry = &world->log[index];
	const struct part *what = &entry->parts[part];
	unsigned int i;

	for (i = 0; i < what->num_ops; i++)
		add_op(batch, world->addresses[what->to], world->addresses[what->from],
		       &what->ops[i]);
	if (entry->hangs)
		softgpu_cmd_hang(batch);
	softgpu_cmd_copy(batch, result_at(world, index, part), world->addresses[what->to] + OFFSET,
			 REGION);
	memset(result_of(world, index, part), UNTOUCHED, REGION);
}

/* What is told of as in-fences: with what has to be closed in the end. */
struct told {
	struct softgpu_in_fence in[MAX_IN];
	unsigned int num;
	struct softgpu_out_fence out[2 * MAX_WIDTH + 1];
	unsigned int num_out;
	struct softgpu_use uses[2 * MAX_WIDTH];
	unsigned int num_uses;
	struct dma_fence *users[2 * MAX_WIDTH];
	unsigned int num_users;
};

/* Of eight of them so many are waited for in order only. */
static void tell_of(struct random *random, struct entry *entry, struct told *told,
		    struct dma_fence *fence, struct dma_fence_syncobj *place, unsigned int orders)
{
	struct softgpu_in_fence *in = &told->in[told->num];

	if (told->num == MAX_IN)
		return;
	*in = FENCE_IN(fence);
	if (one_in(random, 3)) {
		in->type = SOFTGPU_SYNC_FILE;
		in->fd = dma_fence_sync_file_export(fence);
		assert_true(in->fd >= 0);
	} else if (place && one_in(random, 2)) {
		in->type = SOFTGPU_POINT;
		in->syncobj = place;
	}
	if (below(random, 8) < orders)
		in->flags = SOFTGPU_IN_FENCE_ORDER;
	else
		entry->in[entry->num_in++] = dma_fence_get(fence);
	told->num++;
}

/* All that was submitted to use the buffer; NULL if nothing is pending. */
static struct dma_fence *users_of(struct world *world, unsigned int bo)
{
	struct dma_fence *fence = NULL;

	assert_int_equal(dma_resv_get_singleton(softgpu_bo_resv(world->bos[bo]),
						DMA_RESV_USAGE_BOOKKEEP, &fence),
			 0);
	return fence;
}

/*
 * The last one is not enough: if it is cancelled it has ended when those that it was waiting for
 * have not.
 */
static void tell_of_all(struct world *world, struct told *told, unsigned int bo)
{
	struct dma_fence *users = users_of(world, bo);

	if (!users)
		return;
	assert_true(told->num < MAX_IN);
	told->users[told->num_users++] = users;
	told->in[told->num++] = FENCE_IN(users, .flags = SOFTGPU_IN_FENCE_ORDER);
}

static void tell_of_bo(struct world *world, struct random *random, struct entry *entry,
		       struct told *told, unsigned int bo, const struct part *part)
{
	if (is_implicit(bo)) {
		told->uses[told->num_uses++] = (struct softgpu_use){
			.bo = world->bos[bo],
			.write = bo == part->to,
			.overwrite = bo == part->to && part->overwrite,
		};
		return;
	}
	tell_of_all(world, told, bo);
	if (world->last[bo])
		tell_of(random, entry, told, world->last[bo], world->places[bo],
			bo == part->to && part->overwrite ? 8 : 3);
	told->out[told->num_out++] =
		(struct softgpu_out_fence){ .type = SOFTGPU_POINT, .syncobj = world->places[bo] };
}

/* Something that it has nothing to do with, sometimes. */
static void tell_of_another(struct world *world, struct random *random, struct entry *entry,
			    struct told *told)
{
	while (world->num_entries && one_in(random, 3)) {
		unsigned int i = below(random, world->num_entries);

		tell_of(random, entry, told, world->log[(world->first + i) % LOG_ROOM].fence, NULL,
			7);
	}
}

static void forget_told(struct told *told)
{
	unsigned int i;

	for (i = 0; i < told->num; i++)
		if (told->in[i].type == SOFTGPU_SYNC_FILE)
			close(told->in[i].fd);
	for (i = 0; i < told->num_users; i++)
		dma_fence_put(told->users[i]);
}

static void was_refused(struct entry *entry, int error)
{
	if (error == -EAGAIN) {
		COUNT(full);
	} else {
		assert_int_equal(error, -ECANCELED);
		assert_true(may_be_cancelled(entry->owner));
		COUNT(refused);
	}
	while (entry->num_in)
		dma_fence_put(entry->in[--entry->num_in]);
}

static void was_used(struct world *world, struct entry *entry, unsigned int bo)
{
	struct dma_resv *resv = softgpu_bo_resv(world->bos[bo]);
	struct dma_fence *fence;
	unsigned int i;

	if (is_implicit(bo))
		return;
	dma_resv_lock(resv, NULL);
	assert_int_equal(dma_resv_reserve_fences(resv, entry->owner->width), 0);
	dma_fence_array_for_each (fence, i, entry->fence)
		dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(resv);
	dma_fence_put(world->last[bo]);
	world->last[bo] = dma_fence_get(entry->fence);
}

static void was_submitted(struct world *world, struct entry *entry)
{
	unsigned int i;

	__atomic_fetch_add(&entry->owner->refcount, 1, __ATOMIC_RELAXED);
	for (i = 0; i < entry->owner->width; i++) {
		was_used(world, entry, entry->parts[i].to);
		if (entry->parts[i].reads)
			was_used(world, entry, entry->parts[i].from);
	}
	world->num_entries++;
	COUNT(jobs);
}

static void submit_job(struct world *world, struct random *random, struct owner *owner)
{
	struct softgpu_batch batches[MAX_WIDTH] = { 0 };
	unsigned int bos[2 * MAX_WIDTH], i, index;
	struct entry *entry = new_entry(world, &index);
	struct told told = { 0 };
	int ret;

	entry->owner = owner;
	entry->hangs = owner->width == 1 && one_in(random, 1000);
	choose_bos(random, bos, 2 * owner->width);
	for (i = 0; i < owner->width; i++) {
		invent_part(random, &entry->parts[i], &bos[2 * i]);
		tell_of_bo(world, random, entry, &told, bos[2 * i], &entry->parts[i]);
		if (entry->parts[i].reads)
			tell_of_bo(world, random, entry, &told, bos[2 * i + 1], &entry->parts[i]);
		make_batch(world, index, i, &batches[i]);
	}
	tell_of_another(world, random, entry, &told);
	told.out[told.num_out++] =
		(struct softgpu_out_fence){ .type = SOFTGPU_FENCE, .fence = &entry->fence };
	if (entry->hangs)
		__atomic_fetch_add(&owner->hangs, 1, __ATOMIC_RELEASE);
	ret = softgpu_context_submit(owner->context,
				     &HOW(.batches = batches, .uses = told.uses,
					  .num_uses = told.num_uses,
					  .sync = { .in = told.in,
						    .num_in = told.num,
						    .out = told.out,
						    .num_out = told.num_out },
					  .flags = one_in(random, 4) ? SOFTGPU_SUBMIT_NONBLOCK : 0,
					  .time_limit_ns = entry->hangs ? MS / 5 : 0));
	if (ret)
		was_refused(entry, ret);
	else
		was_submitted(world, entry);
	forget_told(&told);
	for (i = 0; i < owner->width; i++)
		softgpu_batch_fini(&batches[i]);
}

/* A buffer is mapped no more, or again: after all that was submitted to use it. */
static void submit_bind(struct world *world, unsigned int bo)
{
	unsigned int index;
	struct entry *entry = new_entry(world, &index);
	struct softgpu_bind bind = {
		.bo = world->bos[bo],
		.address = world->addresses[bo],
		.bytes = 2 * PAGE,
	};
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &entry->fence };
	struct dma_fence *after = users_of(world, bo);
	struct softgpu_in_fence in;
	struct softgpu_sync sync = { .in = &in, .out = &out, .num_out = 1 };
	int ret;

	in = FENCE_IN(after, .flags = SOFTGPU_IN_FENCE_ORDER);
	sync.num_in = after ? 1 : 0;
	entry->is_bind = true;
	entry->bo = bo;
	entry->map = !world->mapped[bo];
	bind.flags = entry->map ? 0 : SOFTGPU_BIND_UNMAP;
	ret = softgpu_vm_bind(gpu.vm, &bind, 1, &sync);
	dma_fence_put(after);
	if (ret == -EAGAIN) {
		COUNT(full);
		return;
	}
	assert_int_equal(ret, 0);
	world->mapped[bo] = entry->map;
	world->num_entries++;
	COUNT(binds);
}

/* Which one's mapping changes, if any does now. What is not mapped is mapped again before long. */
static unsigned int changes_mapping(struct world *world, struct random *random)
{
	unsigned int i;

	for (i = 0; i < NUM_BOS; i++)
		if (!world->mapped[i])
			return one_in(random, 8) ? i : NUM_BOS;
	return one_in(random, 500) ? below(random, NUM_BOS) : NUM_BOS;
}

static void *submit_at_random(void *arg)
{
	struct random *random = arg;
	struct owner *owners[ARRAY_SIZE(shapes)];
	unsigned int i, bo;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		owners[i] = create_owner(i);
	while (clock_now() < end_ns) {
		struct world *world = &worlds[below(random, NUM_WORLDS)];

		i = below(random, ARRAY_SIZE(shapes));
		if (one_in(random, 3000)) {
			__atomic_store_n(&owners[i]->cancelled, true, __ATOMIC_RELEASE);
			softgpu_context_cancel(owners[i]->context);
			COUNT(cancels);
		}
		if (softgpu_context_status(owners[i]->context) && one_in(random, 2)) {
			put_owner(owners[i]);
			owners[i] = create_owner(i);
		}
		pthread_mutex_lock(&world->lock);
		look_at_log(world);
		bo = changes_mapping(world, random);
		if (bo < NUM_BOS)
			submit_bind(world, bo);
		else
			submit_job(world, random, owners[i]);
		pthread_mutex_unlock(&world->lock);
	}
	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		put_owner(owners[i]);
	return NULL;
}

static void create_world(struct world *world, unsigned int number)
{
	const uint64_t base = (uint64_t)(number + 1) << 32;
	unsigned int i;

	memset(world, 0, sizeof(*world));
	pthread_mutex_init(&world->lock, NULL);
	for (i = 0; i < NUM_BOS; i++) {
		world->addresses[i] = base + i * 16 * PAGE;
		world->bos[i] = create_bo(&gpu, 2 * PAGE, world->addresses[i], "soaked");
		world->places[i] = dma_fence_syncobj_create(0);
		assert_non_null(world->places[i]);
		world->models[i].known = world->models[i].mapped = world->mapped[i] = true;
	}
	world->results_at = base + (uint64_t)PAGE * 1024;
	world->results =
		create_bo(&gpu, LOG_ROOM * MAX_WIDTH * REGION, world->results_at, "results");
}

static void end_world(struct world *world)
{
	unsigned int i;

	while (world->num_entries)
		look_at_oldest(world);
	for (i = 0; i < NUM_BOS; i++) {
		const char *memory = softgpu_bo_map(world->bos[i]);

		if (world->models[i].known)
			assert_memory_equal(memory + OFFSET, world->models[i].words, REGION);
		dma_fence_put(world->last[i]);
		dma_fence_syncobj_put(world->places[i]);
		softgpu_bo_put(world->bos[i]);
	}
	softgpu_bo_put(world->results);
	pthread_mutex_destroy(&world->lock);
}

static void ignore_fault(void *arg, const struct softgpu_fault *fault)
{
	(void)arg;
	(void)fault;
}

static void tell(uint64_t seed)
{
	struct softgpu_device_stats stats = stats_of(&gpu);

	printf("# seed %" PRIu64 ": %" PRIu64 " jobs: %" PRIu64 " done, %" PRIu64
	       " failed with what they depended on, %" PRIu64 " cancelled, %" PRIu64
	       " faulted, %" PRIu64 " hung\n",
	       seed, counts.jobs, counts.done, counts.inherited, counts.cancelled, counts.faulted,
	       counts.hung);
	printf("# %" PRIu64 " were refused, %" PRIu64 " found a full ring; %" PRIu64
	       " binds, %" PRIu64 " cancels, %" PRIu64 " bans; %" PRIu64 " words compared\n",
	       counts.refused, counts.full, counts.binds, counts.cancels, stats.bans, counts.words);
	printf("# %" PRIu64 " fences, %" PRIu64 " arrays, %" PRIu64 " merges, %u engines at once\n",
	       stats.fences, stats.arrays, stats.merges, stats.max_busy);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void soak(void **state)
{
	const uint64_t seconds = number_from("SOAK_SECONDS", 3);
	const uint64_t seed = number_from("SOAK_SEED", 1);
	struct random randoms[NUM_THREADS];
	pthread_t threads[NUM_THREADS];
	unsigned int i;

	fd_setup(state);
	watchdog_begin((unsigned int)seconds + CASE_SECONDS);
	gpu_init(&gpu, (struct softgpu_device_params){ .ring_size = 16, .max_hangs = MAX_HANGS });
	softgpu_device_set_recorder(gpu.device, NULL, NULL);
	softgpu_device_set_fault_handler(gpu.device, ignore_fault, NULL);
	for (i = 0; i < NUM_WORLDS; i++)
		create_world(&worlds[i], i);
	end_ns = clock_now() + (int64_t)seconds * SECOND;
	for (i = 0; i < NUM_THREADS; i++) {
		randoms[i].state = (seed + 1) * 0x9e3779b97f4a7c15 + i * 0xbf58476d1ce4e5b9;
		threads[i] = start(submit_at_random, &randoms[i]);
	}
	for (i = 0; i < NUM_THREADS; i++)
		join(threads[i]);
	for (i = 0; i < NUM_WORLDS; i++)
		end_world(&worlds[i]);
	tell(seed);
	assert_int_equal(counts.jobs, counts.done + counts.inherited + counts.cancelled +
					      counts.faulted + counts.hung);
	assert_true(counts.done > 0);
	gpu_fini(&gpu);
	fd_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(soak),
	};

	return RUN(tests);
}
