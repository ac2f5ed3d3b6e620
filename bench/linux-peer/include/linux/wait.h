/* SPDX-License-Identifier: MIT */
/* No wait queue is used; but this is where the fence sources get these from. */
#include <linux/list.h>
#include <linux/spinlock.h>

struct seq_file; /* named in dma-fence.h without a declaration */
