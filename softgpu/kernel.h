/* SPDX-License-Identifier: MIT */
/*
 * Inner loops over the pixels of a row. They are plain C, in files that are compiled for speed
 * (meson.build), and compiled once more for processors with AVX2: the loader chooses. It does that
 * before the runtimes of sanitizers are there, so not with those.
 */
#ifndef SOFTGPU_KERNEL_H
#define SOFTGPU_KERNEL_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KERNEL __attribute__((target_clones("default", "avx2")))
#else
#define KERNEL
#endif

/* Of a loop that is written once for several numbers of channels, say, and compiled for each. */
#define KERNEL_BODY static inline __attribute__((always_inline))

static inline uint8_t limited(int32_t value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

#endif
