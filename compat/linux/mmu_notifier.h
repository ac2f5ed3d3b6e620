/* SPDX-License-Identifier: MIT */
/* linux/mmu_notifier.h - nothing of it is provided */
#include <linux/mm.h>
