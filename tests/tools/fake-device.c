/* SPDX-License-Identifier: MIT */
/* In the place of a device: what a timeline asks of one, as the test wants it. */
#include <errno.h>
#include <stdio.h>

#include "fake-device.h"

unsigned int fake_num_engines = 10;
const char *fake_engine_name;

unsigned int softgpu_device_num_engines(const struct softgpu_device *device)
{
	(void)device;
	return fake_num_engines;
}

/* 2 copy, 4 compute, 2 encode, and one for binds on each tile. */
int softgpu_device_engine_info(struct softgpu_device *device, unsigned int engine,
			       struct softgpu_engine_info *info)
{
	static const struct {
		enum softgpu_class engine_class;
		const char *name;
		unsigned int first;
	} classes[] = {
		{ SOFTGPU_CLASS_BIND, "bind", 8 },
		{ SOFTGPU_CLASS_ENCODE, "encode", 6 },
		{ SOFTGPU_CLASS_COMPUTE, "compute", 2 },
		{ SOFTGPU_CLASS_COPY, "copy", 0 },
	};
	unsigned int i = 0;

	(void)device;
	if (engine >= fake_num_engines)
		return -EINVAL;
	while (engine < classes[i].first)
		i++;
	*info = (struct softgpu_engine_info){
		.engine_class = classes[i].engine_class,
		.tile = engine % 2,
		.jobs = 100 + engine,
		.hangs = engine == 3,
		.busy_ns = (int64_t)(engine + 1) * 1000000,
		.wake_ups = 7,
	};
	if (fake_engine_name)
		snprintf(info->name, sizeof(info->name), "%s", fake_engine_name);
	else
		snprintf(info->name, sizeof(info->name), "%s %u", classes[i].name,
			 engine - classes[i].first);
	return 0;
}
