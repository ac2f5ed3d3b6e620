/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls before each access to memory when it is told to instrument for
 * ThreadSanitizer. Both gcc and clang do.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "explore.h"
#include "memory.h"
#include "thread.h"

#define caller() __builtin_return_address(0)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void dma_fence_model_relax(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	if (current->depth < MAX_FRAMES) {
		current->frames[current->depth] = pc;
		current->lowest[current->depth] = __builtin_frame_address(0);
	}
	current->depth++;
}

void __tsan_func_exit(void)
{
	current->depth--;
	if (current->depth < MAX_FRAMES)
		memory_leave(__builtin_frame_address(0),
			     current->depth ? current->lowest[current->depth - 1]
					    : current->stack + STACK_SIZE,
			     caller());
}

#define PLAIN(name, size, access) \
	void __tsan_##name(void *address); \
	void __tsan_##name(void *address) \
	{ \
		memory_access(address, size, access, caller()); \
	}

PLAIN(read1, 1, PLAIN_LOAD)
PLAIN(read2, 2, PLAIN_LOAD)
PLAIN(read4, 4, PLAIN_LOAD)
PLAIN(read8, 8, PLAIN_LOAD)
PLAIN(read16, 16, PLAIN_LOAD)
PLAIN(unaligned_read2, 2, PLAIN_LOAD)
PLAIN(unaligned_read4, 4, PLAIN_LOAD)
PLAIN(unaligned_read8, 8, PLAIN_LOAD)
PLAIN(unaligned_read16, 16, PLAIN_LOAD)
PLAIN(write1, 1, PLAIN_STORE)
PLAIN(write2, 2, PLAIN_STORE)
PLAIN(write4, 4, PLAIN_STORE)
PLAIN(write8, 8, PLAIN_STORE)
PLAIN(write16, 16, PLAIN_STORE)
PLAIN(unaligned_write2, 2, PLAIN_STORE)
PLAIN(unaligned_write4, 4, PLAIN_STORE)
PLAIN(unaligned_write8, 8, PLAIN_STORE)
PLAIN(unaligned_write16, 16, PLAIN_STORE)

void __tsan_read_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size);

void __tsan_read_range(void *address, size_t size)
{
	memory_access(address, size, PLAIN_LOAD, caller());
}

void __tsan_write_range(void *address, size_t size)
{
	memory_access(address, size, PLAIN_STORE, caller());
}

/* Under other names in what is instrumented: the C library's are not. */

void *dma_fence_model_memcpy(void *to, const void *from, size_t size);
void *dma_fence_model_memset(void *to, int value, size_t size);

void *dma_fence_model_memcpy(void *to, const void *from, size_t size)
{
	memory_access(from, size, PLAIN_LOAD, caller());
	memory_access(to, size, PLAIN_STORE, caller());
	return memcpy(to, from, size);
}

void *dma_fence_model_memset(void *to, int value, size_t size)
{
	memory_access(to, size, PLAIN_STORE, caller());
	return memset(to, value, size);
}

/* Atomic accesses */

static void fence(int order, void *pc)
{
	current->op = (struct op){
		.kind = OP_FENCE,
		.order = (uint8_t)order,
		.location = memory_pseudo_location(PSEUDO_FENCE),
		.pc = pc,
	};
	take_step();
}

/*
 * One that is sequentially consistent is taken for a fence and an access, which is a little more
 * than it is. There is none in the library.
 */
static uint8_t order_of(int order, void *pc)
{
	if (order == __ATOMIC_SEQ_CST)
		fence(order, pc);
	return (uint8_t)order;
}

static uint64_t access_memory(enum op_kind kind, void *address, uint32_t size, uint64_t operand,
			      int order, void *pc)
{
	const uint8_t kept = order_of(order, pc);

	current->op = (struct op){
		.kind = kind,
		.size = (uint8_t)size,
		.order = kept,
		.address = address,
		.location = memory_location(address, size),
		.operand = operand,
		.pc = pc,
	};
	take_step();
	return current->op.result;
}

static bool compare_and_swap(void *address, uint32_t size, uint64_t *expected, uint64_t desired,
			     int order, int fail_order, void *pc)
{
	const uint8_t kept = order_of(order, pc);

	current->op = (struct op){
		.kind = OP_CAS,
		.size = (uint8_t)size,
		.order = kept,
		.fail_order = (uint8_t)fail_order,
		.address = address,
		.location = memory_location(address, size),
		.expected = *expected,
		.operand = desired,
		.pc = pc,
	};
	take_step();
	*expected = current->op.result;
	return current->op.success;
}

#define MODIFY(bits, name, kind) \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, \
						    uint##bits##_t operand, int order); \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, \
						    uint##bits##_t operand, int order) \
	{ \
		return (uint##bits##_t)access_memory(kind, (void *)(uintptr_t)address, bits / 8, \
						     operand, order, caller()); \
	}

#define ATOMIC(bits) \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, \
						  int order); \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, \
						  int order) \
	{ \
		return (uint##bits##_t)access_memory(OP_LOAD, (void *)(uintptr_t)address, \
						     bits / 8, 0, order, caller()); \
	} \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, \
					 int order); \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, \
					 int order) \
	{ \
		access_memory(OP_STORE, (void *)(uintptr_t)address, bits / 8, value, order, \
			      caller()); \
	} \
	MODIFY(bits, exchange, OP_EXCHANGE) \
	MODIFY(bits, fetch_add, OP_ADD) \
	MODIFY(bits, fetch_sub, OP_SUB) \
	MODIFY(bits, fetch_and, OP_AND) \
	MODIFY(bits, fetch_or, OP_OR) \
	MODIFY(bits, fetch_xor, OP_XOR) \
	int __tsan_atomic##bits##_compare_exchange_strong( \
		volatile uint##bits##_t *address, uint##bits##_t *expected, \
		uint##bits##_t desired, int order, int fail_order); \
	int __tsan_atomic##bits##_compare_exchange_strong( \
		volatile uint##bits##_t *address, uint##bits##_t *expected, \
		uint##bits##_t desired, int order, int fail_order) \
	{ \
		uint64_t seen = *expected; \
		bool swapped = compare_and_swap((void *)(uintptr_t)address, bits / 8, &seen, \
						desired, order, fail_order, caller()); \
\
		*expected = (uint##bits##_t)seen; \
		return swapped; \
	} \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val( \
		volatile uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t desired, \
		int order, int fail_order); \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val( \
		volatile uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t desired, \
		int order, int fail_order) \
	{ \
		uint64_t seen = expected; \
\
		compare_and_swap((void *)(uintptr_t)address, bits / 8, &seen, desired, order, \
				 fail_order, caller()); \
		return (uint##bits##_t)seen; \
	}

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	fence(order, caller());
}

/* cpu_relax() */
void dma_fence_model_relax(void)
{
	current->op = (struct op){ .kind = OP_RELAX, .pc = caller() };
	take_step();
}
