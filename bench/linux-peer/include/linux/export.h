/* SPDX-License-Identifier: MIT */
/* Nothing is exported: there are no modules. */
#ifndef PEER_LINUX_EXPORT_H
#define PEER_LINUX_EXPORT_H

#define EXPORT_SYMBOL(symbol)
#define EXPORT_SYMBOL_GPL(symbol)

#endif
