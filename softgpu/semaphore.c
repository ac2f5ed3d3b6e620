/* SPDX-License-Identifier: MIT */
/* Commands by which engines wait for one another, and for ever. */
#include "operations.h"

#include "access.h"

int softgpu_do_store(struct execution *execution, const struct softgpu_store *store)
{
	return softgpu_write_release(execution, store->destination, store->value);
}

static bool holds(uint64_t value, uint32_t compare, uint64_t with)
{
	switch (compare) {
	case SOFTGPU_EQUAL:
		return value == with;
	case SOFTGPU_NOT_EQUAL:
		return value != with;
	default: /* SOFTGPU_AT_LEAST */
		return value >= with;
	}
}

int softgpu_do_wait(struct execution *execution, const struct softgpu_wait *wait)
{
	uint64_t value;
	int ret;

	for (;;) {
		ret = softgpu_read_acquire(execution, wait->source, &value);
		if (ret || holds(value, wait->compare, wait->value))
			return ret;
		ret = execution->idle(execution);
		if (ret)
			return ret;
	}
}

int softgpu_do_hang(struct execution *execution)
{
	int ret;

	do
		ret = execution->idle(execution);
	while (!ret);
	return ret;
}
