/* SPDX-License-Identifier: MIT */
/*
 * What a thread does, seen instruction by instruction: the processor traps after each one while its
 * trap flag is set. For what cannot be seen from outside: how many atomic read-modify-writes a path
 * has, and a thread that is held up between any two instructions.
 *
 * For one thread at a time. Not on other processors, and not under ThreadSanitizer, which makes
 * function calls of atomic accesses.
 */
#ifndef TESTS_SINGLE_STEP_H
#define TESTS_SINGLE_STEP_H

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_THREAD_SANITIZER
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_THREAD_SANITIZER
#endif

#if defined(__x86_64__) && !defined(UNDER_THREAD_SANITIZER)
#define SINGLE_STEP

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

/* Is called before each instruction. */
static void (*volatile step_seen)(const uint8_t *instruction);

static inline void step_trap(int signum, siginfo_t *info, void *arg)
{
	greg_t *registers = ((ucontext_t *)arg)->uc_mcontext.gregs;

	(void)signum;
	(void)info;
	if (step_seen) {
		registers[REG_EFL] |= TRAP_FLAG;
		step_seen((const uint8_t *)registers[REG_RIP]);
	} else {
		registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	}
}

static inline void step_begin(void (*seen)(const uint8_t *instruction))
{
	const struct sigaction action = { .sa_sigaction = step_trap, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGTRAP, &action, NULL))
		abort();
	step_seen = seen;
	raise(SIGTRAP);
}

static inline void step_end(void)
{
	step_seen = NULL;
}

/* With a lock prefix; or an exchange with memory, which needs none. */
static inline bool is_atomic_rmw(const uint8_t *instruction)
{
	static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64,
					    0x65, 0x66, 0x67, 0xf2, 0xf3 };
	size_t i;

again:
	if (*instruction == 0xf0)
		return true;
	for (i = 0; i < sizeof(prefixes); i++) {
		if (*instruction == prefixes[i]) {
			instruction++;
			goto again;
		}
	}
	if ((*instruction & 0xf0) == 0x40)
		instruction++;
	return (instruction[0] == 0x86 || instruction[0] == 0x87) && instruction[1] >> 6 != 3;
}

#endif
#endif
