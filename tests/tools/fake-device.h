/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_FAKE_DEVICE_H
#define TESTS_TOOLS_FAKE_DEVICE_H

#include <softgpu/softgpu.h>

extern unsigned int fake_num_engines;
/* Of all engines, if it is not NULL. */
extern const char *fake_engine_name;

#endif
