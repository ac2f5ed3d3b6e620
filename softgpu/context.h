/* SPDX-License-Identifier: MIT */
/* Contexts, for those who make up the driver. */
#ifndef SOFTGPU_CONTEXT_H
#define SOFTGPU_CONTEXT_H

#include "queue.h"

struct softgpu_context {
	uint32_t refcount;
	enum softgpu_class engine_class;
	struct softgpu_vm *vm;
	struct queue queue;
};

#endif
