/* SPDX-License-Identifier: MIT */
/*
 * The balance: which reference was dropped by which put.
 *
 * References have no names. So each put is matched with the one that it resembles most: taken by the
 * same function, or in the same source file, on the same thread, called by the same callers, shortly
 * before; given to the container that drops it now. All together are matched so that as many as
 * possible are, and the sum of what they have in common is greatest. What is left over stands out.
 *
 * What fences that ended well have done, too (experience.h), is matched before what none of them has.
 *
 * One thing is not a matter of likeness: while a fence is not signaled its producer needs a reference,
 * so no put before the signal goes with the one that the producer has.
 *
 * None of this is certain. So for each that is left over it also says how much less well the rest
 * would fit if it were another one.
 */
#ifndef DMAFENCE_DIAG_BALANCE_H
#define DMAFENCE_DIAG_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "diag/account.h"

#define BALANCE_MOST 256

#define BALANCE_NONE	(-1)
#define BALANCE_UNKNOWN (-1) /* an entry: from before the account began */
#define BALANCE_NEVER	INT32_MAX

/* How much less well the rest fits is as good as nothing; is little. */
#define BALANCE_AS_LIKELY 10
#define BALANCE_LIKELY	  60

struct balance_reference {
	int32_t entry; /* of the history, or BALANCE_UNKNOWN */
	int32_t match; /* on the other side, or BALANCE_NONE */
	int32_t loss;  /* if this were the one left over: 0 if it is; BALANCE_NEVER */
	bool producers;
};

struct balance {
	uint32_t num_taken, num_dropped;
	uint32_t taken_left, dropped_left; /* how many have no match */
	uint64_t more_taken;		   /* there was no room for them here */
	struct balance_reference taken[BALANCE_MOST];
	struct balance_reference dropped[BALANCE_MOST];
};

/* To be freed; NULL if there is no memory. Looks symbols up: not for hooks. */
struct balance *dma_fence_balance(const struct history *history);

#endif
