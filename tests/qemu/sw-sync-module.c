// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Makes a module of the kernel's sw_sync, which Debian's kernel does not have: its file in debugfs,
 * as drivers/dma-buf/sync_debug.c makes it. What that prints about timelines is not needed.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "sync_debug.h"

void sync_timeline_debug_add(struct sync_timeline *timeline)
{
}

void sync_timeline_debug_remove(struct sync_timeline *timeline)
{
}

static int __init add_file(void)
{
	struct dentry *folder = debugfs_create_dir("sync", NULL);

	debugfs_create_file_unsafe("sw_sync", 0644, folder, NULL, &sw_sync_debugfs_fops);
	return 0;
}

module_init(add_file);
MODULE_DESCRIPTION("sync files that a program signals");
MODULE_LICENSE("Dual MIT/GPL");
