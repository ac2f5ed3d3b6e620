/* SPDX-License-Identifier: MIT */
/*
 * dmafence/report.h - faults
 *
 * A fence is a promise, and some break it: the last reference of one that nobody signaled is
 * dropped, a reference is put twice, a producer goes away with work in flight. The library contains
 * such a fault, so that no memory is reused under running hardware, and reports it, so that
 * containing it hides nothing.
 *
 * Containing
 * ==========
 * A fence that somebody could be waiting for, whose last reference is dropped before it is signaled,
 * goes into quarantine: it is not signaled, its error becomes -EDEADLK, and its memory is kept for
 * ever. If its producer signals it after all, those who wait are woken, with that error, and a second
 * report completes the first. A reference count that leaves its range keeps the object for ever. A
 * producer that goes away signals what it has promised with -ECANCELED.
 *
 * Reporting
 * =========
 * Each fault taints the process (dma_fence_taint()), so that who looks at a later failure sees that
 * something was wrong before, and is passed to the handler. The default handler writes to stderr:
 * the first fault of each kind at each place in the program, and not more than ten in a second; how
 * many it has left out it says with the next one that it writes.
 *
 * A report says what happened, and how it came to that, as far as that is known: with the ledger on
 * (dmafence/ledger.h), every reference that was taken and dropped, and the one too many.
 *
 * With DMA_FENCE_ON_FAULT=abort in the environment the process aborts after its first report, for a
 * core dump or a debugger; "report", the default, goes on.
 */
#ifndef DMAFENCE_REPORT_H
#define DMAFENCE_REPORT_H

#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct dma_fence;

/** enum dma_fence_report_reason - what was broken */
enum dma_fence_report_reason {
	/** @DMA_FENCE_REPORT_REFCOUNT: a count left its range; the object is never freed */
	DMA_FENCE_REPORT_REFCOUNT,
	/** @DMA_FENCE_REPORT_QUARANTINE: nobody signaled it, and its last reference was dropped */
	DMA_FENCE_REPORT_QUARANTINE,
	/** @DMA_FENCE_REPORT_LATE_SIGNAL: one in quarantine was signaled after all */
	DMA_FENCE_REPORT_LATE_SIGNAL,
	/** @DMA_FENCE_REPORT_CONTEXT_DESTROY: a producer went away with fences pending */
	DMA_FENCE_REPORT_CONTEXT_DESTROY,
	/** @DMA_FENCE_REPORT_MEMBERS: a container was made of what it cannot be made of */
	DMA_FENCE_REPORT_MEMBERS,
	/** @DMA_FENCE_REPORT_LOCKING: a wound/wait lock was not used as it has to be */
	DMA_FENCE_REPORT_LOCKING,
	/** @DMA_FENCE_REPORT_RESERVATION: a fence that cannot be there, in a reservation object */
	DMA_FENCE_REPORT_RESERVATION,
	/** @DMA_FENCE_REPORT_SIGNALLING: who is to signal may have to wait (dmafence/annotate.h) */
	DMA_FENCE_REPORT_SIGNALLING,
	/** @DMA_FENCE_REPORT_HANG: somebody has been waiting for too long; not a fault by itself */
	DMA_FENCE_REPORT_HANG,
};

/** struct dma_fence_report - a fault, valid while the handler runs */
struct dma_fence_report {
	enum dma_fence_report_reason reason;
	/** @fence: the fence, or NULL. Valid; if it was signaled or freed wrongly, to be looked at only */
	struct dma_fence *fence;
	/** @text: what happened: one line, without a newline at its end */
	const char *text;
	/** @details: how it came to that: lines, each with a newline; or "" */
	const char *details;
};

/**
 * dma_fence_report_handler_t - is told of faults
 *
 * On the thread on which the fault was found, with no lock of the library held, but maybe some of
 * that thread's caller, in the middle of a function of the library. It may ask everything of a fence,
 * and have it explained; it must not wait, nor signal, nor drop references.
 */
typedef void (*dma_fence_report_handler_t)(const struct dma_fence_report *report, void *arg);

/**
 * dma_fence_set_report_handler - has reports passed to a function of the program
 * @handler: is called for each report, on whatever thread, by several at once; NULL for the default
 * @arg: passed on to it
 *
 * Calls of the handler before may still be running on other threads when this returns.
 */
void dma_fence_set_report_handler(dma_fence_report_handler_t handler, void *arg);

/**
 * dma_fence_taint - which faults there have been
 *
 * Returns a bit, 1u << enum dma_fence_report_reason, for each that was reported since the process
 * began. DMA_FENCE_REPORT_HANG does not count.
 */
uint32_t dma_fence_taint(void);

/**
 * dma_fence_debug - switches diagnosis on, as the environment variable DMA_FENCE_DEBUG does
 * @words: separated by commas; "" or NULL does nothing
 *
 * "locking": how wound/wait locks are used (dmafence/ww-lock.h); "ledger" (dmafence/ledger.h);
 * "signalling" (dmafence/annotate.h); "records", "leaks" (dmafence/census.h); "trace"
 * (dmafence/trace.h). Each is switched on for good by this; the headers say which can be switched
 * off again.
 *
 * Returns 0, or -EINVAL if there is a word that it does not know: then nothing is switched on.
 */
int dma_fence_debug(const char *words);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
