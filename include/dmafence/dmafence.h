/* SPDX-License-Identifier: MIT */
/* dmafence/dmafence.h - everything */
#ifndef DMAFENCE_DMAFENCE_H
#define DMAFENCE_DMAFENCE_H

#include <dmafence/annotate.h>
#include <dmafence/array.h>
#include <dmafence/census.h>
#include <dmafence/chain.h>
#include <dmafence/context.h>
#include <dmafence/explain.h>
#include <dmafence/fence.h>
#include <dmafence/hang.h>
#include <dmafence/ledger.h>
#include <dmafence/promise.h>
#include <dmafence/rcu.h>
#include <dmafence/report.h>
#include <dmafence/resv.h>
#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>
#include <dmafence/trace.h>
#include <dmafence/unwrap.h>
#include <dmafence/version.h>
#include <dmafence/watcher.h>
#include <dmafence/ww-lock.h>

#endif
