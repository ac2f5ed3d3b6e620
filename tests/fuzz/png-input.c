// SPDX-License-Identifier: MIT
/* A PNG that anybody may have made, as the demo reads it. */
#include "pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seen seen = look_at_pictures(data, size);

	/* It has no end of its own. */
	if (seen.opened && seen.shape.format == SOFTGPU_RGBA8)
		fuzz_check(!seen.whole);
	return 0;
}
