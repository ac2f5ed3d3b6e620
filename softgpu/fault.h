/* SPDX-License-Identifier: MIT */
/* Telling of faults. */
#ifndef SOFTGPU_FAULT_H
#define SOFTGPU_FAULT_H

#include <softgpu/softgpu.h>

/* The handler that is there unless another is set: a line on stderr. */
void softgpu_print_fault(void *arg, const struct softgpu_fault *fault);

#endif
