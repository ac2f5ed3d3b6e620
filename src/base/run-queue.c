/* SPDX-License-Identifier: MIT */
#include "base/run-queue.h"

_Thread_local struct run_queue dma_fence_run_queue;
_Thread_local struct run_queue dma_fence_release_queue;
