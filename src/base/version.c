/* SPDX-License-Identifier: MIT */
#include <dmafence/version.h>

#ifdef HAVE_LIBDW
#define LIBDW "libdw"
#else
#define LIBDW ""
#endif
#ifdef HAVE_SYS_SDT_H
#define PROBES "probes"
#else
#define PROBES ""
#endif
#if defined(HAVE_LIBDW) && defined(HAVE_SYS_SDT_H)
#define BETWEEN " "
#else
#define BETWEEN ""
#endif

const char *dma_fence_version(void)
{
	return DMA_FENCE_VERSION;
}

const char *dma_fence_features(void)
{
	return LIBDW BETWEEN PROBES;
}
