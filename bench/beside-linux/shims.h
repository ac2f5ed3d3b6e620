/* SPDX-License-Identifier: MIT */
/* The costs of the shims, which the side of Linux exports by the name 'bench_shims'. */
#ifndef BESIDE_LINUX_SHIMS_H
#define BESIDE_LINUX_SHIMS_H

#include "sides.h"

/** struct side_shim - one of them; a name of NULL ends the list */
struct side_shim {
	const char *name;
	side_func *func;
	/** @bare: what it is compared with, so many times of it; NULL for none */
	const char *bare;
	double times;
};

#endif
