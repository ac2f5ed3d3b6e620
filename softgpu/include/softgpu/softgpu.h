/* SPDX-License-Identifier: MIT */
/*
 * softgpu/softgpu.h - a GPU made of threads, and its driver
 *
 * The engines of this GPU are threads, and its memory is that of the process; the driver is what a
 * driver of hardware is: contexts, submission, address spaces, buffers, recovery. It is built on
 * dmafence's public headers alone, and shows what they are for: get a fence wrong and pixels or
 * memory are wrong.
 *
 *	device	  engines of three classes, on two tiles, each tile with page tables of its own
 *	bo	  a buffer: memory of a memfd, with a reservation object
 *	vm	  an address space: softgpu_vm_bind() maps buffers, on both tiles, in its turn
 *	context	  a timeline of jobs on engines of one class; of width w, on w of them each
 *
 *	device = softgpu_device_create(NULL);
 *	vm = softgpu_vm_create(device);
 *	context = softgpu_context_create(vm, &(struct softgpu_context_params){
 *		.engine_class = SOFTGPU_CLASS_COMPUTE, .width = 4, .name = "filter" });
 *	bo = softgpu_bo_create(device, size, "frame");
 *	bind = (struct softgpu_bind){ .bo = bo, .address = A, .bytes = size };
 *	softgpu_vm_bind(vm, &bind, 1, NULL);
 *	softgpu_context_submit(context, &(struct softgpu_submission){ .batches = batches, ... });
 *
 * What waits for what
 * ===================
 * The jobs of a context are done in order, and so are the binds of an address space. Beyond that a
 * job begins when the fences have signaled that it was told of (struct softgpu_in_fence), and those
 * in the reservation objects of the buffers it was said to use (struct softgpu_use): a reader waits
 * for writers, a writer for all. And for the binds of its address space that were submitted before
 * it.
 *
 * Errors
 * ======
 * A job fails with the error of what it depended on, and is not done: of its in-fences, and of the
 * last job that wrote to a buffer it reads. The failure of jobs that it merely has to come after
 * (SOFTGPU_IN_FENCE_ORDER, readers and writers of what it is only going to write) is no failure of
 * its own. By itself it fails with -EFAULT (see struct softgpu_fault), -ETIME (see the time limit
 * in struct softgpu_device_params), -ENOSPC (softgpu_encode), -ENOMEM, -ECANCELED.
 *
 * Who holds what
 * ==============
 * All objects are counted by references. A context holds its address space, which holds the device,
 * which buffers hold, too. Nothing of this keeps a buffer: who uses it holds it. When the last
 * reference of a buffer has gone its memory goes back once every fence in its reservation object
 * has signaled, and not before; what is still mapped then is mapped no more, and an engine that
 * touches it faults. (SOFTGPU_CHECK=uaf in the environment, when the device is made: it is also
 * told how long the memory had been returned; where it was is never used again, so that a pointer
 * of the program's into it faults; and who still has it by softgpu_bo_dup_fd() finds it full of
 * 0x6b.)
 *
 * All functions may be called from any thread, but not from callbacks of fences, where they do not
 * say so. Functions return -errno, constructors NULL with errno.
 */
#ifndef SOFTGPU_SOFTGPU_H
#define SOFTGPU_SOFTGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dmafence/dmafence.h>
#include <softgpu/command.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct softgpu_device;
struct softgpu_bo;
struct softgpu_vm;
struct softgpu_context;

#define SOFTGPU_NUM_TILES 2
#define SOFTGPU_PAGE_SIZE 4096
/** Addresses are below this. */
#define SOFTGPU_ADDRESS_END (UINT64_C(1) << 48)
/** The most engines of a class, and so the greatest width of a context. */
#define SOFTGPU_MAX_ENGINES 16

/** enum softgpu_class - what an engine is for; see softgpu/command.h */
enum softgpu_class {
	SOFTGPU_CLASS_COPY,
	SOFTGPU_CLASS_COMPUTE,
	SOFTGPU_CLASS_ENCODE,
	/** @SOFTGPU_CLASS_BIND: one on each tile, for softgpu_vm_bind() */
	SOFTGPU_CLASS_BIND,
	SOFTGPU_NUM_CLASSES,
};

/* The device */

/**
 * struct softgpu_device_params - what the device is to be like; of 0 each is as said
 * @num_engines: of each class (that of binds is not asked): 2 copy, 4 compute, 2 encode
 * @ring_size: how many jobs a context can have submitted to one engine that have not ended: 64
 * @time_limit_ns: after how long a job is stopped: 2 seconds. Only the time counts that its engine
 *	has had on a CPU, or has slept in a command: not what other programs take.
 * @max_hangs: how many of its jobs may be stopped so before a context is banned: 3
 *
 * Engine i of a class is on tile i % SOFTGPU_NUM_TILES.
 */
struct softgpu_device_params {
	unsigned int num_engines[SOFTGPU_NUM_CLASSES];
	unsigned int ring_size;
	int64_t time_limit_ns;
	unsigned int max_hangs;
};

/**
 * softgpu_device_create - makes a device, and starts its engines
 * @params: NULL for all as said there
 *
 * Returns NULL with errno ENOMEM, EAGAIN (no threads), or EINVAL for numbers beyond the limits.
 */
struct softgpu_device *softgpu_device_create(const struct softgpu_device_params *params);

/**
 * softgpu_device_destroy - the device is unplugged
 * @device: NULL does nothing
 *
 * Stops every job at its next safe point; what was not done by then fails with -ECANCELED, nobody
 * is left waiting. Then the engines' threads end. Does not take a second.
 *
 * Address spaces, contexts and buffers that there still are can still be put, and asked; what would
 * want an engine returns -ENODEV. (So memory lasts until the last is put.)
 */
void softgpu_device_destroy(struct softgpu_device *device);

/** enum softgpu_fault_kind - what was wrong with an access */
enum softgpu_fault_kind {
	/** @SOFTGPU_FAULT_NOT_MAPPED: nothing is mapped there */
	SOFTGPU_FAULT_NOT_MAPPED,
	/** @SOFTGPU_FAULT_READ_ONLY: a write to what is mapped with SOFTGPU_BIND_READ_ONLY */
	SOFTGPU_FAULT_READ_ONLY,
	/** @SOFTGPU_FAULT_RETURNED: the buffer that was mapped there has gone, with its memory */
	SOFTGPU_FAULT_RETURNED,
};

/**
 * struct softgpu_fault - an access to memory that failed
 * @kind: why
 * @write: whether it was to be written to
 * @address: the first byte that was not to be had
 * @buffer: the name of the buffer there; or, if there is none, of the one that is mapped nearest
 *	below; "" if there is none
 * @offset: of @address from the beginning of that buffer
 * @context: the name of the job's context
 * @seqno: of the job on its context: that of its fence
 * @batch: which one of its batches
 * @command: which one of the commands, from 0
 * @opcode: what that command is
 * @engine: the name of the engine
 * @since_ns: SOFTGPU_FAULT_RETURNED, with SOFTGPU_CHECK=uaf: how long ago it was returned; else 0
 */
struct softgpu_fault {
	enum softgpu_fault_kind kind;
	bool write;
	uint64_t address;
	const char *buffer;
	uint64_t offset;
	const char *context;
	uint64_t seqno;
	unsigned int batch;
	unsigned int command;
	enum softgpu_opcode opcode;
	const char *engine;
	int64_t since_ns;
};

/**
 * softgpu_device_set_fault_handler - who is told of faults
 * @handler: called on the engine's thread, before the job's fence signals; must not wait. NULL: a
 *	line on stderr, as without this call.
 *
 * Before the first submission, and the first bind.
 */
void softgpu_device_set_fault_handler(struct softgpu_device *device,
				      void (*handler)(void *arg, const struct softgpu_fault *fault),
				      void *arg);

/** softgpu_fault_describe - a line about it, without a newline, as snprintf() */
int softgpu_fault_describe(const struct softgpu_fault *fault, char *text, size_t size);

/**
 * struct softgpu_job_record - what became of a batch of a job, or of a bind on a tile
 * @engine: index of the engine in the device
 * @context_name: of the context, or of the address space's binds
 * @label: as submitted; "" if none
 * @context: the fence context of this batch's own fence
 * @seqno: of that fence
 * @batch: which of its batches
 * @submitted_ns: times of CLOCK_MONOTONIC
 * @ready_ns: nothing that it depended on was left
 * @begun_ns: 0 if it was never begun
 * @ended_ns: just before its fence signaled
 * @error: 0 or a negative errno
 */
struct softgpu_job_record {
	unsigned int engine;
	const char *context_name;
	const char *label;
	uint64_t context;
	uint64_t seqno;
	unsigned int batch;
	int64_t submitted_ns;
	int64_t ready_ns;
	int64_t begun_ns;
	int64_t ended_ns;
	int error;
};

/**
 * softgpu_device_set_recorder - who is told of each batch that has ended
 * @recorder: called on the thread that ended it, before its fence signals; several at once. NULL:
 *	nobody
 *
 * Before the first submission, and the first bind.
 */
void softgpu_device_set_recorder(struct softgpu_device *device,
				 void (*recorder)(void *arg,
						  const struct softgpu_job_record *record),
				 void *arg);

/**
 * struct softgpu_engine_info - an engine
 * @name: such as "compute 2"
 * @engine_class: of enum softgpu_class
 * @tile: on which it is
 * @jobs: batches that it has ended
 * @hangs: of them were stopped at their time limit
 * @busy_ns: for how long it has worked
 * @wake_ups: how often its thread was woken
 */
struct softgpu_engine_info {
	char name[24];
	enum softgpu_class engine_class;
	unsigned int tile;
	uint64_t jobs;
	uint64_t hangs;
	int64_t busy_ns;
	uint64_t wake_ups;
};

/** softgpu_device_num_engines - how many engines there are, of all classes */
unsigned int softgpu_device_num_engines(const struct softgpu_device *device);

/** softgpu_device_engine_info - about one of them; -EINVAL if there is no such engine */
int softgpu_device_engine_info(struct softgpu_device *device, unsigned int engine,
			       struct softgpu_engine_info *info);

/**
 * struct softgpu_device_stats - what the device has done
 * @submissions: jobs
 * @fences: that were made, one for each batch and each bind on each tile
 * @arrays: of those, for jobs of more than one batch and for binds
 * @merges: of fences that a job depends on into one
 * @faults: accesses that failed
 * @hangs: jobs that were stopped at their time limit
 * @bans: contexts that were banned
 * @max_busy: the most engines that worked at the same time
 * @live_bytes: memory of buffers that has not gone back
 */
struct softgpu_device_stats {
	uint64_t submissions;
	uint64_t fences;
	uint64_t arrays;
	uint64_t merges;
	uint64_t faults;
	uint64_t hangs;
	uint64_t bans;
	unsigned int max_busy;
	uint64_t live_bytes;
};

/** softgpu_device_get_stats - all of them at about this moment */
void softgpu_device_get_stats(struct softgpu_device *device, struct softgpu_device_stats *stats);

/* Buffers */

/**
 * softgpu_bo_create - makes a buffer
 * @bytes: at least 1; rounded up to whole pages. Its memory is 0.
 * @name: copied; NULL for ""
 *
 * Returns it with a reference; NULL with errno EINVAL, ENOMEM, EMFILE, ENODEV.
 */
struct softgpu_bo *softgpu_bo_create(struct softgpu_device *device, uint64_t bytes,
				     const char *name);

/** softgpu_bo_get - takes a reference; returns @bo */
struct softgpu_bo *softgpu_bo_get(struct softgpu_bo *bo);

/**
 * softgpu_bo_put - gives one back
 * @bo: NULL does nothing
 *
 * After the last the memory goes back when the fences have signaled: see the head of this file. May
 * be called from a callback.
 */
void softgpu_bo_put(struct softgpu_bo *bo);

/** softgpu_bo_map - where the CPU sees it, for as long as there is a reference; never fails */
void *softgpu_bo_map(struct softgpu_bo *bo);

/** softgpu_bo_size - in bytes, whole pages */
uint64_t softgpu_bo_size(const struct softgpu_bo *bo);

/** softgpu_bo_resv - its reservation object, for who has fences of his own for it */
struct dma_resv *softgpu_bo_resv(struct softgpu_bo *bo);

/** softgpu_bo_dup_fd - the memfd, duplicated: for another process; -EMFILE */
int softgpu_bo_dup_fd(struct softgpu_bo *bo);

/**
 * softgpu_bo_wait - waits until the CPU may use it
 * @write: whether it is to be written to, or only read
 * @timeout_ns: as of dma_fence_wait_timeout()
 *
 * Returns as dma_resv_wait_timeout(); and if it was not going to be written to, and the last job
 * that wrote to it has failed, the error of that.
 */
int64_t softgpu_bo_wait(struct softgpu_bo *bo, bool write, int64_t timeout_ns);

/* What a submission waits for, and what stands for it */

/** enum softgpu_fence_type - how a fence is given */
enum softgpu_fence_type {
	/** @SOFTGPU_FENCE: a pointer */
	SOFTGPU_FENCE,
	/** @SOFTGPU_SYNC_FILE: a file descriptor (dmafence/sync-file.h) */
	SOFTGPU_SYNC_FILE,
	/** @SOFTGPU_POINT: a point of a sync object; of point 0, its fence (dmafence/syncobj.h) */
	SOFTGPU_POINT,
};

/** enum softgpu_in_fence_flags */
enum softgpu_in_fence_flags {
	/** @SOFTGPU_IN_FENCE_ORDER: wait for it, but do not fail if it has */
	SOFTGPU_IN_FENCE_ORDER = 1 << 0,
};

/**
 * struct softgpu_in_fence - what to wait for
 * @type: which of the following it is
 * @flags: of enum softgpu_in_fence_flags
 * @fence: of whatever kind
 * @fd: is only looked at, not closed
 * @syncobj: with @point. If nobody has promised that point yet the submission is refused: -ENOENT.
 * @point: see @syncobj
 */
struct softgpu_in_fence {
	enum softgpu_fence_type type;
	unsigned int flags;
	struct dma_fence *fence;
	int fd;
	struct dma_fence_syncobj *syncobj;
	uint64_t point;
};

/**
 * struct softgpu_out_fence - where what stands for the submission is to be put
 * @type: which of the following it is
 * @fence: stored: the fence, with a reference
 * @fd: stored: a sync file, closed on exec
 * @syncobj: gets it as @point; of point 0, in the place of its fence
 * @point: see @syncobj
 *
 * If the submission fails nothing is stored, (and a point that was promised by then fails with
 * -ECANCELED).
 */
struct softgpu_out_fence {
	enum softgpu_fence_type type;
	struct dma_fence **fence;
	int *fd;
	struct dma_fence_syncobj *syncobj;
	uint64_t point;
};

/** struct softgpu_sync - what a submission waits for, and what stands for it */
struct softgpu_sync {
	const struct softgpu_in_fence *in;
	unsigned int num_in;
	const struct softgpu_out_fence *out;
	unsigned int num_out;
};

/* Address spaces */

/** softgpu_vm_create - makes one, in which nothing is mapped; errno ENOMEM, ENODEV */
struct softgpu_vm *softgpu_vm_create(struct softgpu_device *device);

/** softgpu_vm_get - takes a reference; returns @vm */
struct softgpu_vm *softgpu_vm_get(struct softgpu_vm *vm);

/** softgpu_vm_put - gives one back; NULL does nothing. With the last, what is mapped is no more. */
void softgpu_vm_put(struct softgpu_vm *vm);

/** enum softgpu_bind_flags */
enum softgpu_bind_flags {
	/** @SOFTGPU_BIND_UNMAP: nothing is to be mapped there; @bo and @offset are not used */
	SOFTGPU_BIND_UNMAP = 1 << 0,
	/** @SOFTGPU_BIND_READ_ONLY: engines may not write there */
	SOFTGPU_BIND_READ_ONLY = 1 << 1,
};

/**
 * struct softgpu_bind - a mapping that is to be made, or not to be
 * @bo: mapping does not keep it: see the head of softgpu.h. Must be kept until the bind is done.
 * @offset: from where; a multiple of SOFTGPU_PAGE_SIZE
 * @address: where to; the same
 * @bytes: the same, at least one page
 * @flags: of enum softgpu_bind_flags
 *
 * What is mapped there already is replaced.
 */
struct softgpu_bind {
	struct softgpu_bo *bo;
	uint64_t offset;
	uint64_t address;
	uint64_t bytes;
	unsigned int flags;
};

/**
 * softgpu_vm_bind - changes what is mapped, when its time comes
 * @binds: done in that order, as one
 * @num_binds: at least 1
 * @sync: NULL for none
 *
 * Done once on each tile, by its own bind engine, when the in-fences have signaled, after the binds
 * that were submitted before to the same address space. The out-fence is an array of the two. If an
 * in-fence has failed nothing is changed, and the out-fence fails with that error.
 *
 * When the out-fence has signaled no engine uses what was mapped there before.
 *
 * Does not wait for jobs that use what is mapped: put their fences into @sync, or it happens under
 * them, and they fault. Jobs that are submitted later wait for it.
 *
 * Returns 0 when it has been submitted. Then it cannot fail for want of anything: all memory is
 * there. Or -EINVAL, -ENOMEM, -ENODEV, -ENOENT (a point that nobody has promised); of in-fences and
 * out-fences also what their functions return. -EAGAIN if too many binds (the ring's size) are
 * pending.
 */
int softgpu_vm_bind(struct softgpu_vm *vm, const struct softgpu_bind *binds, unsigned int num_binds,
		    const struct softgpu_sync *sync);

/**
 * softgpu_vm_execute - does a batch at once, on the calling thread
 * @tile: whose page tables to use
 * @fault: NULL, or where to store what went wrong, if it returns -EFAULT. The names in it are valid
 *	until the next call of this thread.
 *
 * Without a context, fences or a time limit: for tests, and for the reference that jobs are
 * compared with. All commands are allowed. Returns 0, -EINVAL for commands that make no sense, or
 * what a job would fail with.
 */
int softgpu_vm_execute(struct softgpu_vm *vm, unsigned int tile, const struct softgpu_batch *batch,
		       struct softgpu_fault *fault);

/* Contexts */

/** enum softgpu_priority - jobs of a higher one always come first */
enum softgpu_priority {
	SOFTGPU_PRIORITY_NORMAL,
	SOFTGPU_PRIORITY_LOW,
	SOFTGPU_PRIORITY_HIGH,
};

/**
 * struct softgpu_context_params - what a context is to be like
 * @engine_class: not SOFTGPU_CLASS_BIND
 * @width: how many batches each of its jobs has; 0 is 1. At most the engines of the class.
 * @engines: NULL, or which engine of the class (from 0) each batch is for, all different. Unless
 *	told, the engines that fewest contexts use.
 * @priority: between contexts on an engine. Those of the same share it by time.
 * @name: copied; NULL for ""
 */
struct softgpu_context_params {
	enum softgpu_class engine_class;
	unsigned int width;
	const unsigned int *engines;
	enum softgpu_priority priority;
	const char *name;
};

/** softgpu_context_create - makes one; errno EINVAL, ENOMEM, ENODEV */
struct softgpu_context *softgpu_context_create(struct softgpu_vm *vm,
					       const struct softgpu_context_params *params);

/** softgpu_context_get - takes a reference; returns @context */
struct softgpu_context *softgpu_context_get(struct softgpu_context *context);

/** softgpu_context_put - gives one back; NULL does nothing. What was submitted is still done. */
void softgpu_context_put(struct softgpu_context *context);

/**
 * softgpu_context_cancel - stops all its jobs
 *
 * They fail with -ECANCELED: those that wait at once, on the calling thread, and so do their
 * fences' callbacks run on it; those that are being done at the next safe point, and those behind
 * them then. What is submitted later is refused. Does not wait.
 *
 * So the fence of such a job signals when what the job waited for may still be going on: who goes
 * on after it in spite of its error (SOFTGPU_IN_FENCE_ORDER) waits for that, too. Implicit
 * synchronisation does.
 */
void softgpu_context_cancel(struct softgpu_context *context);

/**
 * softgpu_context_status - whether it can still be submitted to
 *
 * 0; -ECANCELED once it was cancelled, or banned because too many of its jobs hung; -ENODEV.
 */
int softgpu_context_status(struct softgpu_context *context);

/** struct softgpu_use - that a job uses a buffer: implicit synchronisation */
struct softgpu_use {
	struct softgpu_bo *bo;
	/** @write: it is written to */
	bool write;
	/**
	 * @overwrite: with @write: what was in it does not matter, so that what wrote it need not
	 * have succeeded
	 */
	bool overwrite;
};

/** enum softgpu_submit_flags */
enum softgpu_submit_flags {
	/** @SOFTGPU_SUBMIT_NONBLOCK: -EAGAIN if a ring is full, instead of waiting for room */
	SOFTGPU_SUBMIT_NONBLOCK = 1 << 0,
	/**
	 * @SOFTGPU_SUBMIT_UNFENCED: do not wait for the fences in the buffers that are used; for
	 * demonstrations of what happens then. The job's own fence is put there all the same.
	 */
	SOFTGPU_SUBMIT_UNFENCED = 1 << 1,
};

/**
 * struct softgpu_submission - a job
 * @batches: as many as the context is wide. Copied. A batch of size 0 does nothing.
 * @uses: buffers; each once
 * @num_uses: how many
 * @sync: what else it waits for, and what stands for it
 * @flags: of enum softgpu_submit_flags
 * @time_limit_ns: 0: the device's
 * @label: for softgpu_job_record, copied; NULL for ""
 */
struct softgpu_submission {
	const struct softgpu_batch *batches;
	const struct softgpu_use *uses;
	unsigned int num_uses;
	struct softgpu_sync sync;
	unsigned int flags;
	int64_t time_limit_ns;
	const char *label;
};

/**
 * softgpu_context_submit - submits a job
 *
 * The fence that stands for it is that of its batch; or, of a context of a width of more than 1, a
 * fence array of those of its batches, on the context's own fence context. The arrays are allocated
 * before the point of no return, after which nothing can fail.
 *
 * Returns 0; and then it will be done, or its fence has an error. -EINVAL: batches, uses or flags
 * make no sense; -EAGAIN: see flags; -ECANCELED: the context was cancelled or banned; -ENODEV;
 * -ENOMEM; -EALREADY: a buffer is there twice; -ENOENT and others as for softgpu_vm_bind(). Then
 * nothing has happened.
 */
int softgpu_context_submit(struct softgpu_context *context,
			   const struct softgpu_submission *submission);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
