/* SPDX-License-Identifier: MIT */
#include "base/atomic.h"
#include "floors.h"
#include "harness.h"

static uint32_t word;

int64_t bench_atomic(uint64_t ops)
{
	uint32_t *counter = &word;
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		bench_forget();
		bench_keep(atomic_fetch_add_relaxed(counter, 1));
	}
	return bench_now() - begin;
}

int64_t bench_load(uint64_t ops)
{
	static uint64_t flag = 1;
	const uint64_t *state = &flag;
	int64_t begin = bench_now();
	uint64_t i, set = 0;

	for (i = 0; i < ops; i++) {
		bench_forget();
		if (atomic_load_acquire(state) & 1)
			bench_hide(set);
	}
	return bench_now() - begin;
}
