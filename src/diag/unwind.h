/* SPDX-License-Identifier: MIT */
/*
 * Finding the return addresses of the calling thread.
 *
 * libgcc's unwinder knows how, but interprets the unwind tables anew for each frame of each stack:
 * more than 100 ns a frame. Here it is asked the first time only. What the tables say of a return
 * address is remembered, if it is one of the few simple things that compilers make almost all
 * functions of, and from then on it takes two loads to step over the frame.
 */
#ifndef DMAFENCE_DIAG_UNWIND_H
#define DMAFENCE_DIAG_UNWIND_H

/*
 * Of a function that is not inlined: its __builtin_frame_address(0), its
 * __builtin_return_address(0), and where to put the addresses, its own return address first.
 * Returns how many there are, at least 1 and at most 'room'.
 */
unsigned int dma_fence_unwind(const void *frame, const void *return_address, const void **frames,
			      unsigned int room);

#endif
