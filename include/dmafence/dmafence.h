/* SPDX-License-Identifier: MIT */
/* dmafence/dmafence.h - everything */
#ifndef DMAFENCE_DMAFENCE_H
#define DMAFENCE_DMAFENCE_H

#include <dmafence/context.h>
#include <dmafence/fence.h>
#include <dmafence/rcu.h>

#endif
