/* SPDX-License-Identifier: MIT */
/*
 * What the unwind tables say of a return address: where the frame of that function ends, and what
 * has become of the one register that it may be known by.
 *
 * The tables hold programs for a small machine. Compilers write few kinds of them: the frame ends
 * some way from the stack pointer or from rbp, the return address is the last word in it, and rbp is
 * as it was or in a word of the frame. That much is read here. What is different, as in a function
 * that aligns its stack, in a signal's frame, or on other processors, is left to libgcc.
 */
#ifndef DMAFENCE_DIAG_UNWIND_RULE_H
#define DMAFENCE_DIAG_UNWIND_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether there are rules at all: on other processors there is no register that is read here. */
#if defined(__x86_64__) && defined(__LP64__)
#define UNWIND_RULES 1
#else
#define UNWIND_RULES 0
#endif

struct unwind_rule {
	bool outermost;	    /* nothing called this function */
	bool from_rbp;	    /* and not from the stack pointer */
	uint32_t size;	    /* in words: from there up to the end of the frame */
	uint32_t rbp_saved; /* in words: how far below the end; 0 if rbp is as it was */
};

/* Returns false if that is not known, or different. */
bool dma_fence_unwind_rule(uintptr_t return_address, struct unwind_rule *rule);

#endif
