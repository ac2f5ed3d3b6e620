/* SPDX-License-Identifier: MIT */
/* What each command does: see softgpu/command.h. Commands were found to make sense before. */
#ifndef SOFTGPU_OPERATIONS_H
#define SOFTGPU_OPERATIONS_H

#include "execute.h"

/* Any command. They are copied into one, because those of a batch may lie at any address. */
union command {
	struct softgpu_command head;
	struct softgpu_copy copy;
	struct softgpu_fill fill;
	struct softgpu_convolve convolve;
	struct softgpu_scale scale;
	struct softgpu_blend blend;
	struct softgpu_convert convert;
	struct softgpu_crc32 crc32;
	struct softgpu_store store;
	struct softgpu_wait wait;
	struct softgpu_hang hang;
	struct softgpu_encode encode;
};

int softgpu_do_copy(struct execution *execution, const struct softgpu_copy *copy);
int softgpu_do_fill(struct execution *execution, const struct softgpu_fill *fill);
int softgpu_do_convolve(struct execution *execution, const struct softgpu_convolve *convolve);
int softgpu_do_scale(struct execution *execution, const struct softgpu_scale *scale);
int softgpu_do_blend(struct execution *execution, const struct softgpu_blend *blend);
int softgpu_do_convert(struct execution *execution, const struct softgpu_convert *convert);
int softgpu_do_crc32(struct execution *execution, const struct softgpu_crc32 *crc32);
int softgpu_do_store(struct execution *execution, const struct softgpu_store *store);
int softgpu_do_wait(struct execution *execution, const struct softgpu_wait *wait);
int softgpu_do_hang(struct execution *execution);
int softgpu_do_encode(struct execution *execution, const struct softgpu_encode *encode);

#endif
