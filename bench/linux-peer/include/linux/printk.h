/* SPDX-License-Identifier: MIT */
/* Messages go to stderr, if they are errors or warnings. */
#ifndef PEER_LINUX_PRINTK_H
#define PEER_LINUX_PRINTK_H

void peer_print(const char *format, ...) __attribute__((__format__(printf, 1, 2), __cold__));

#define pr_err(...)  peer_print(__VA_ARGS__)
#define pr_warn(...) peer_print(__VA_ARGS__)

#endif
