/* SPDX-License-Identifier: MIT */
/* What threads hold, and the sections they are in: see dmafence/annotate.h. */
#ifndef DMAFENCE_DIAG_ANNOTATE_H
#define DMAFENCE_DIAG_ANNOTATE_H

/* From now on, for good. */
void dma_fence_annotate_start(void);

#endif
