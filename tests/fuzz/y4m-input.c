// SPDX-License-Identifier: MIT
/* A Y4M video that anybody may have made, as the demo reads it. */
#include "pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char formats[][6] = {
		[SOFTGPU_R8] = "mono",
		[SOFTGPU_YUV420] = "420",
		[SOFTGPU_YUV422] = "422",
		[SOFTGPU_YUV444] = "444",
	};
	const struct seen seen = look_at_pictures(data, size);

	if (!seen.opened || seen.shape.format == SOFTGPU_RGBA8)
		return 0;
	/* What it is written as, says the same as what it was read as. */
	fuzz_check(!strncmp(seen.shape.chroma, formats[seen.shape.format],
			    strlen(formats[seen.shape.format])));
	fuzz_check(!strchr(seen.shape.tags, '\n'));
	return 0;
}
