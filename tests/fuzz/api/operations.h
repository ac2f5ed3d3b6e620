/* SPDX-License-Identifier: MIT */
/* What instructions do: an operation of one actor, with three bytes that say with what. */
#ifndef FUZZ_API_OPERATIONS_H
#define FUZZ_API_OPERATIONS_H

#include "world.h"

typedef void (*operation_t)(const struct instruction *instruction);

struct operations {
	const operation_t *list;
	unsigned int num;
};

extern const struct operations fence_operations, container_operations, object_operations;

/* As much as one instruction adds at most. */
#define NODES_PER_INSTRUCTION 6

#endif
