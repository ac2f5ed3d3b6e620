/* SPDX-License-Identifier: MIT */
/* linux/mm.h - of all that, only memory */
#include <linux/slab.h>
