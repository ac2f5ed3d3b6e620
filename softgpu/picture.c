/* SPDX-License-Identifier: MIT */
/* The planes of each format. */
#include "picture.h"

struct layout {
	unsigned int num_planes;
	unsigned int bytes; /* of a pixel in a plane */
	/* How many pixels share one of a plane of colour. */
	unsigned int across, down;
};

static const struct layout layouts[] = {
	[SOFTGPU_R8] = { 1, 1, 1, 1 },	   [SOFTGPU_RGBA8] = { 1, 4, 1, 1 },
	[SOFTGPU_YUV420] = { 3, 1, 2, 2 }, [SOFTGPU_YUV422] = { 3, 1, 2, 1 },
	[SOFTGPU_YUV444] = { 3, 1, 1, 1 },
};

unsigned int softgpu_planes(const struct softgpu_surface *surface, struct plane *planes)
{
	const struct layout *layout;
	unsigned int i;

	if (surface->format >= sizeof(layouts) / sizeof(layouts[0]))
		return 0;
	layout = &layouts[surface->format];
	for (i = 0; i < layout->num_planes; i++) {
		unsigned int across = i ? layout->across : 1, down = i ? layout->down : 1;

		planes[i] = (struct plane){
			.address = surface->address[i],
			.pitch = surface->pitch[i],
			.row_bytes = (surface->width + across - 1) / across * layout->bytes,
			.rows = (surface->height + down - 1) / down,
		};
	}
	return layout->num_planes;
}
