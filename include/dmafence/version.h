/* SPDX-License-Identifier: MIT */
/* dmafence/version.h - which library this is */
#ifndef DMAFENCE_VERSION_H
#define DMAFENCE_VERSION_H

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** The version of these headers. */
#define DMA_FENCE_VERSION "0.1.0"

/** dma_fence_version - of the library that is loaded: may be later than that of the headers */
const char *dma_fence_version(void);

/**
 * dma_fence_features - what the library that is loaded was built with, that it can be built without
 *
 * Words, separated by spaces: "libdw", it can name lines of code in reports, where the library of that
 * name is installed; "probes", tracers can attach to it (dmafence/trace.h).
 */
const char *dma_fence_features(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
