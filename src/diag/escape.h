/* SPDX-License-Identifier: MIT */
/*
 * Names that programs gave, whatever bytes they have, in text that others read.
 *
 * UTF-8 stays as it is, but for control characters. What is not UTF-8 is replaced, byte by byte.
 */
#ifndef DMAFENCE_DIAG_ESCAPE_H
#define DMAFENCE_DIAG_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

struct dma_fence;

/* Within a line: "\n" for a newline, "\x1b" for what else cannot be shown. */
void dma_fence_escape_text(FILE *out, const char *name);
void dma_fence_escape_text_of(FILE *out, const char *name, size_t length);

/* The names of a fence, as that, in a text of its own; cut off where it is too long. */
void dma_fence_escape_names(char *text, size_t size, struct dma_fence *fence);

/* Between the quotes of a string in JSON. What is not UTF-8 becomes U+FFFD. */
void dma_fence_escape_json(FILE *out, const char *name);

/* Between the quotes of a label in DOT. */
void dma_fence_escape_dot(FILE *out, const char *name);

#endif
