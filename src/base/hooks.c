/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/hooks.h"

const struct hooks *dma_fence_hooks;
