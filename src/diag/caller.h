/* SPDX-License-Identifier: MIT */
/*
 * Callers: which function has taken or dropped a reference, by the stack of that moment. Of what the
 * library itself does with a fence that is a function of the library.
 */
#ifndef DMAFENCE_DIAG_CALLER_H
#define DMAFENCE_DIAG_CALLER_H

#include <stdbool.h>
#include <stdint.h>

struct caller {
	uint32_t function; /* a number for it; 0 if it is not known */
	uint32_t frame;	   /* which one of the stack is in it */
};

/*
 * Who called dma_fence_init(), _get(), _put() or one like them, which called the hook that returns to
 * 'hook_returns_to'. 'last': the hook was the last that it called, so that it may have left the stack.
 * For hooks: no symbols are looked for, only where functions begin.
 */
struct caller dma_fence_caller(uint32_t stack, const void *hook_returns_to, bool last);

#endif
