/* SPDX-License-Identifier: MIT */
/* linux/export.h - nothing is exported from a program */
#ifndef LINUX_COMPAT_EXPORT_H
#define LINUX_COMPAT_EXPORT_H

#define EXPORT_SYMBOL(symbol)
#define EXPORT_SYMBOL_GPL(symbol)
#define EXPORT_SYMBOL_NS(symbol, namespace)
#define EXPORT_SYMBOL_NS_GPL(symbol, namespace)

#endif
