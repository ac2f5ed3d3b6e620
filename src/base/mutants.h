/* SPDX-License-Identifier: MIT */
/*
 * Mutants: defects on purpose, to show that the tests see them.
 *
 * The library is built once for each of these with -DMUTANT_<NAME>=1, and the suite fails if the
 * tests named in tests/meson.build pass with it. In the library proper all are 0 and leave nothing
 * in the code. Those in the table of docs/architecture.md are defects that have to stay dead; with
 * the others the suite shows that a contract it states is one that it checks.
 */
#ifndef DMAFENCE_BASE_MUTANTS_H
#define DMAFENCE_BASE_MUTANTS_H

#define MUTANT(name) MUTANT_##name

#ifndef MUTANT_RELEASE_SIGNALS /* the last put signals a fence that nobody signaled */
#define MUTANT_RELEASE_SIGNALS 0
#endif
#ifndef MUTANT_CB_AFTER_REMOVE /* removal does not wait for the callback that is running */
#define MUTANT_CB_AFTER_REMOVE 0
#endif
#ifndef MUTANT_WAIT_ANY_BOUNDS /* wait-any leaves its callbacks behind when it fails */
#define MUTANT_WAIT_ANY_BOUNDS 0
#endif
#ifndef MUTANT_TEARDOWN_FORGETS /* a context goes away without signaling what is pending */
#define MUTANT_TEARDOWN_FORGETS 0
#endif
#ifndef MUTANT_DEEP_RECURSION /* a signal from a callback runs callbacks inside it */
#define MUTANT_DEEP_RECURSION 0
#endif
#ifndef MUTANT_SIGNAL_WAKES_NOBODY /* a signal forgets who sleeps */
#define MUTANT_SIGNAL_WAKES_NOBODY 0
#endif
#ifndef MUTANT_DRAINED_EARLY /* a fence is drained as soon as it is signaled */
#define MUTANT_DRAINED_EARLY 0
#endif
#ifndef MUTANT_NEWEST_FIRST /* callbacks run in the wrong order */
#define MUTANT_NEWEST_FIRST 0
#endif
#ifndef MUTANT_LOCK_KEPT /* a callback runs while others are kept out of the list */
#define MUTANT_LOCK_KEPT 0
#endif
#ifndef MUTANT_QUEUED_WITHOUT_REFERENCE /* a queued fence may be released before its turn */
#define MUTANT_QUEUED_WITHOUT_REFERENCE 0
#endif
#ifndef MUTANT_QUERY_SIGNALS /* dma_fence_is_signaled() signals */
#define MUTANT_QUERY_SIGNALS 0
#endif
#ifndef MUTANT_OPS_AFTER_SIGNAL /* the ops of a signaled fence are called */
#define MUTANT_OPS_AFTER_SIGNAL 0
#endif
#ifndef MUTANT_ERROR_AFTER_SIGNAL /* the error of a signaled fence changes */
#define MUTANT_ERROR_AFTER_SIGNAL 0
#endif
#ifndef MUTANT_REMOVAL_UNPUBLISHES /* a fence whose callbacks were removed counts as never seen */
#define MUTANT_REMOVAL_UNPUBLISHES 0
#endif
#ifndef MUTANT_UNDERFLOW_FREES /* a put too many releases again */
#define MUTANT_UNDERFLOW_FREES 0
#endif
#ifndef MUTANT_INTERRUPT_RESTARTS /* a wait is restarted behind the caller's back */
#define MUTANT_INTERRUPT_RESTARTS 0
#endif
#ifndef MUTANT_FREED_TOO_SOON /* what is deferred does not wait for readers */
#define MUTANT_FREED_TOO_SOON 0
#endif
#ifndef MUTANT_OUT_OF_ORDER /* a context signals after it has given up its lock */
#define MUTANT_OUT_OF_ORDER 0
#endif
#ifndef MUTANT_ADD_LOSES_WAITERS /* adding a callback forgets that somebody sleeps */
#define MUTANT_ADD_LOSES_WAITERS 0
#endif
#ifndef MUTANT_REFUSED_LATE /* who waited for the lock waits for callbacks, too */
#define MUTANT_REFUSED_LATE 0
#endif
#ifndef MUTANT_LATE_SIGNAL_SILENT /* the signal of a quarantined fence is not reported */
#define MUTANT_LATE_SIGNAL_SILENT 0
#endif
#ifndef MUTANT_ENABLED_TWICE /* enable_signaling is called by each who comes */
#define MUTANT_ENABLED_TWICE 0
#endif
#ifndef MUTANT_FAILS_IN_PART /* what is signaled between two batches of a failure succeeds */
#define MUTANT_FAILS_IN_PART 0
#endif
#ifndef MUTANT_FORGETS_TOO_EARLY /* a context lets go of names before it has signaled */
#define MUTANT_FORGETS_TOO_EARLY 0
#endif
#ifndef MUTANT_SLOT_NOT_LOOKED_AT_AGAIN /* a fence that has left the slot is returned */
#define MUTANT_SLOT_NOT_LOOKED_AT_AGAIN 0
#endif
#ifndef MUTANT_NAMES_FREED_TOO_SOON /* a context does not wait for who reads its names */
#define MUTANT_NAMES_FREED_TOO_SOON 0
#endif
#ifndef MUTANT_UNEMITTED_SIGNALS /* a number that was never emitted signals everything */
#define MUTANT_UNEMITTED_SIGNALS 0
#endif
#ifndef MUTANT_EARLY_SIGNALED /* the member that the callback sits on counts as signaled */
#define MUTANT_EARLY_SIGNALED 0
#endif
#ifndef MUTANT_LOST_ERROR_INIT /* "no error yet" is stored before init clears it */
#define MUTANT_LOST_ERROR_INIT 0
#endif
#ifndef MUTANT_LOST_ERROR_FIRED /* the error of a member whose callback ran is lost */
#define MUTANT_LOST_ERROR_FIRED 0
#endif
#ifndef MUTANT_SENTINEL_LEAK /* "no error yet" ends up in the status */
#define MUTANT_SENTINEL_LEAK 0
#endif
#ifndef MUTANT_DOUBLE_LOCK /* an array is enabled under the lock that completing it takes */
#define MUTANT_DOUBLE_LOCK 0
#endif
#ifndef MUTANT_HOP_LATENCY /* the callback rolls on on another thread */
#define MUTANT_HOP_LATENCY 0
#endif
#ifndef MUTANT_RACY_POSITION /* the position is written and read without ordering */
#define MUTANT_RACY_POSITION 0
#endif
#ifndef MUTANT_LOST_WAKEUP /* a member that signals while it gets the callback is waited for */
#define MUTANT_LOST_WAKEUP 0
#endif
#ifndef MUTANT_MERGE_DROPS_ERROR /* signaled leaves are dropped from a merge with their error */
#define MUTANT_MERGE_DROPS_ERROR 0
#endif
#ifndef MUTANT_MERGE_DROPS_DROPPED /* what a merge has dropped is lost to the next merge */
#define MUTANT_MERGE_DROPS_DROPPED 0
#endif
#ifndef MUTANT_RELEASE_RECURSES /* each link of a chain is released inside the one after it */
#define MUTANT_RELEASE_RECURSES 0
#endif
#ifndef MUTANT_ARMED_WITHOUT_REFERENCE /* an array that has its callback on a member can go away */
#define MUTANT_ARMED_WITHOUT_REFERENCE 0
#endif
#ifndef MUTANT_ENABLES_ONE_MEMBER /* members are told only when the callback comes to them */
#define MUTANT_ENABLES_ONE_MEMBER 0
#endif
#ifndef MUTANT_POLL_LOSES_OUTCOME /* polling signals an array without error and timestamp */
#define MUTANT_POLL_LOSES_OUTCOME 0
#endif
#ifndef MUTANT_CHAIN_LOSES_ERROR /* links that failed are taken out of a chain */
#define MUTANT_CHAIN_LOSES_ERROR 0
#endif
#ifndef MUTANT_CHAIN_LOSES_TIMESTAMP /* the timestamps of links that are taken out are forgotten */
#define MUTANT_CHAIN_LOSES_TIMESTAMP 0
#endif
#ifndef MUTANT_NO_SKIPS /* points are found by going back link by link */
#define MUTANT_NO_SKIPS 0
#endif
#ifndef MUTANT_WAY_STAYS_LONG /* links that are passed in taking others out keep all before them */
#define MUTANT_WAY_STAYS_LONG 0
#endif
#ifndef MUTANT_EACH_GOES_BACK /* all callbacks that wait for a link go back behind it */
#define MUTANT_EACH_GOES_BACK 0
#endif
#ifndef MUTANT_SKIPS_STAY /* links that are done stay on the lists of a chain */
#define MUTANT_SKIPS_STAY 0
#endif
#ifndef MUTANT_FAILED_STAYS_LONG /* links that failed keep all before them that failed */
#define MUTANT_FAILED_STAYS_LONG 0
#endif
#ifndef MUTANT_THREADS_ALIKE /* the first link of each thread is of the same height */
#define MUTANT_THREADS_ALIKE 0
#endif
#ifndef MUTANT_DEDUP_KEEPS_EARLIEST /* of one context the earliest fence is kept */
#define MUTANT_DEDUP_KEEPS_EARLIEST 0
#endif
#ifndef MUTANT_HOLDER_NOT_WOUNDED /* who is younger and holds what is wanted is not told */
#define MUTANT_HOLDER_NOT_WOUNDED 0
#endif
#ifndef MUTANT_WAITERS_IN_ANY_ORDER /* who waits longest gets the mutex, whatever his ticket */
#define MUTANT_WAITERS_IN_ANY_ORDER 0
#endif
#ifndef MUTANT_HAND_OVER_WAKES_NOBODY /* who is given the mutex is not told */
#define MUTANT_HAND_OVER_WAKES_NOBODY 0
#endif
#ifndef MUTANT_GRANT_NOT_AWAITED /* who is given the mutex as it gives up does not wait to be told */
#define MUTANT_GRANT_NOT_AWAITED 0
#endif
#ifndef MUTANT_BACKS_OFF_HALF /* lock_many backs off without dropping what it holds */
#define MUTANT_BACKS_OFF_HALF 0
#endif
#ifndef MUTANT_PENDING_GIVES_WAY /* a fence that is pending makes room for another one */
#define MUTANT_PENDING_GIVES_WAY 0
#endif
#ifndef MUTANT_COUNTED_TOO_SOON /* a place of a list is counted before there is a fence in it */
#define MUTANT_COUNTED_TOO_SOON 0
#endif
#ifndef MUTANT_LIST_FREED_AT_ONCE /* a list is freed while there may be readers */
#define MUTANT_LIST_FREED_AT_ONCE 0
#endif
#ifndef MUTANT_LIST_BY_ADDRESS /* a list is taken for the one that was where it is */
#define MUTANT_LIST_BY_ADDRESS 0
#endif
#ifndef MUTANT_READER_GETS_WHATEVER /* a reader takes a reference to a fence that has none */
#define MUTANT_READER_GETS_WHATEVER 0
#endif
#ifndef MUTANT_SINGLETON_DROPS_ERROR /* a fence that has failed is left out of a singleton */
#define MUTANT_SINGLETON_DROPS_ERROR 0
#endif

#endif
