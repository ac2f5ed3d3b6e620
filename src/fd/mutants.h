/* SPDX-License-Identifier: MIT */
/*
 * Mutants of src/fd: see base/mutants.h. These are not for the exhaustive scheduler, which has but a
 * part of it: tests/model/mutations.txt has those for that.
 */
#ifndef DMAFENCE_FD_MUTANTS_H
#define DMAFENCE_FD_MUTANTS_H

#include "base/mutants.h"

#ifndef MUTANT_READ_TAKES_STATUS /* who reads a sync file takes its status away */
#define MUTANT_READ_TAKES_STATUS 0
#endif
#ifndef MUTANT_SIGPIPE_REACHES_PROGRAM /* a signal of what nobody reads raises SIGPIPE */
#define MUTANT_SIGPIPE_REACHES_PROGRAM 0
#endif
#ifndef MUTANT_FD_LOSES_ERROR /* the error does not cross an fd */
#define MUTANT_FD_LOSES_ERROR 0
#endif
#ifndef MUTANT_FD_LOSES_TIMESTAMP /* the timestamp does not cross an fd */
#define MUTANT_FD_LOSES_TIMESTAMP 0
#endif
#ifndef MUTANT_DEATH_IS_SUCCESS /* an exporter that died has done its work */
#define MUTANT_DEATH_IS_SUCCESS 0
#endif
#ifndef MUTANT_CHILD_KEEPS_WRITE_ENDS /* the child of a fork hides its parent's death */
#define MUTANT_CHILD_KEEPS_WRITE_ENDS 0
#endif
#ifndef MUTANT_CLOSED_KEPT /* what was exported and closed everywhere is not let go of */
#define MUTANT_CLOSED_KEPT 0
#endif
#ifndef MUTANT_WATCHER_ENDS_WHILE_NEEDED /* the thread ends though it is needed */
#define MUTANT_WATCHER_ENDS_WHILE_NEEDED 0
#endif
#ifndef MUTANT_INSTANCE_CLOSED /* what is watched is lost when whoever has waited for it goes */
#define MUTANT_INSTANCE_CLOSED 0
#endif
#ifndef MUTANT_POKE_STOLEN /* the thread's poke is taken away by another that dispatches */
#define MUTANT_POKE_STOLEN 0
#endif
#ifndef MUTANT_UNADDED_FORGOTTEN /* where the kernel has no room it is not tried again */
#define MUTANT_UNADDED_FORGOTTEN 0
#endif
#ifndef MUTANT_FAILED_TAKE_CLOSES /* an import that fails closes what it was to take over */
#define MUTANT_FAILED_TAKE_CLOSES 0
#endif
#ifndef MUTANT_SIGNALING_IS_NOBODYS /* a sync file that is just being signaled is another process's */
#define MUTANT_SIGNALING_IS_NOBODYS 0
#endif
#ifndef MUTANT_PROMISE_LOSES_ERROR /* what stands for a promise ends well whatever was delivered */
#define MUTANT_PROMISE_LOSES_ERROR 0
#endif
#ifndef MUTANT_PROMISE_WAITS_FOR_ITSELF /* a promise is kept with what is made of it */
#define MUTANT_PROMISE_WAITS_FOR_ITSELF 0
#endif
#ifndef MUTANT_PROMISED_WAKES_NOBODY /* who waits for a promise is not told of it */
#define MUTANT_PROMISED_WAKES_NOBODY 0
#endif
#ifndef MUTANT_LOOKS_ONCE /* which point it was is not looked at again */
#define MUTANT_LOOKS_ONCE 0
#endif
#ifndef MUTANT_POINTS_GO_BACKWARDS /* a point may be added before the last one */
#define MUTANT_POINTS_GO_BACKWARDS 0
#endif
#ifndef MUTANT_RESET_KEEPS_PASSED /* points of before a reset have still passed */
#define MUTANT_RESET_KEEPS_PASSED 0
#endif
#ifndef MUTANT_SYNCOBJ_KEEPS_LINKS /* nobody looks for links that are done */
#define MUTANT_SYNCOBJ_KEEPS_LINKS 0
#endif
#ifndef MUTANT_SYNCOBJ_WAIT_BOUNDS /* a wait for points leaves its callbacks behind */
#define MUTANT_SYNCOBJ_WAIT_BOUNDS 0
#endif
#ifndef MUTANT_SHARED_UNATTENDED /* who waits for a shared point does not see to the watching */
#define MUTANT_SHARED_UNATTENDED 0
#endif
#ifndef MUTANT_SHARED_NOT_ARMED /* the doorbell is not asked for */
#define MUTANT_SHARED_NOT_ARMED 0
#endif
#ifndef MUTANT_CHILD_SERVES_THREADS /* the child of a fork serves threads that it does not have */
#define MUTANT_CHILD_SERVES_THREADS 0
#endif
#ifndef MUTANT_SHARED_LOSES_ERROR /* the error does not cross a shared object */
#define MUTANT_SHARED_LOSES_ERROR 0
#endif
#ifndef MUTANT_DEATH_NOT_NOTICED /* who shares a timeline is taken for alive when it is not */
#define MUTANT_DEATH_NOT_NOTICED 0
#endif
#ifndef MUTANT_NOT_REPAIRED /* what was left half done in shared memory stays so */
#define MUTANT_NOT_REPAIRED 0
#endif
#ifndef MUTANT_WAITS_FOR_NOTHING /* an entry in shared memory may wait for one that is not there */
#define MUTANT_WAITS_FOR_NOTHING 0
#endif
#ifndef MUTANT_RING_WITHOUT_END /* a serial in shared memory is an index */
#define MUTANT_RING_WITHOUT_END 0
#endif
#ifndef MUTANT_OLDEST_IS_GONE /* who died while it wrote a new entry has taken the oldest with it */
#define MUTANT_OLDEST_IS_GONE 0
#endif
#ifndef MUTANT_SLEEPERS_BEFORE_CHANGE /* who changes a shared timeline looks for sleepers first */
#define MUTANT_SLEEPERS_BEFORE_CHANGE 0
#endif
#ifndef MUTANT_ANY_FILE_IS_ASKED /* of any fd it is asked whether it is the kernel's sync file */
#define MUTANT_ANY_FILE_IS_ASKED 0
#endif
#ifndef MUTANT_ANY_DEVICE /* a pipe is known by its number alone */
#define MUTANT_ANY_DEVICE 0
#endif
#ifndef MUTANT_PIDFD_LEFT_OPEN /* what a handle leads to beyond what is wanted stays open */
#define MUTANT_PIDFD_LEFT_OPEN 0
#endif
#ifndef MUTANT_LEASE_AWAITED /* who has a lease on shared memory is waited for */
#define MUTANT_LEASE_AWAITED 0
#endif
#ifndef MUTANT_RING_MAY_BLOCK /* who rings a doorbell waits if another wants him to */
#define MUTANT_RING_MAY_BLOCK 0
#endif
#ifndef MUTANT_ASKS_PATIENTLY /* who asks waits for the lock as long as who puts something in */
#define MUTANT_ASKS_PATIENTLY 0
#endif
#ifndef MUTANT_PATIENCE_WITH_EACH /* who asks many has patience with each anew */
#define MUTANT_PATIENCE_WITH_EACH 0
#endif
#ifndef MUTANT_KEPT_HIDES_OTHERS /* who waits for a kept lock does not see what there is elsewhere */
#define MUTANT_KEPT_HIDES_OTHERS 0
#endif
#ifndef MUTANT_KEEPS_OTHERS_WAITING /* who waits for a kept lock has another that others want */
#define MUTANT_KEEPS_OTHERS_WAITING 0
#endif
#ifndef MUTANT_PATIENCE_NEVER_ENDS /* who gives the lock back just in time can go on with that */
#define MUTANT_PATIENCE_NEVER_ENDS 0
#endif
#ifndef MUTANT_PUT_OF_NOTHING_WAITS /* who has put nothing in waits for the lock to let go of that */
#define MUTANT_PUT_OF_NOTHING_WAITS 0
#endif
#ifndef MUTANT_CLOSED_WITH_LOCK /* write ends are closed with the lock of all exports */
#define MUTANT_CLOSED_WITH_LOCK 0
#endif

/* Of the kernel's own sync files: scripts/check-qemu.sh shows that these are seen. */
#ifndef MUTANT_KERNEL_ERROR_FORGOTTEN /* an error that the kernel forgets is forgotten */
#define MUTANT_KERNEL_ERROR_FORGOTTEN 0
#endif
#ifndef MUTANT_KERNEL_FAILS_EARLY /* a merged one has failed when a part of it has */
#define MUTANT_KERNEL_FAILS_EARLY 0
#endif
#ifndef MUTANT_KERNEL_TIMESTAMP_LOST /* the timestamp is that of the moment in which it is seen */
#define MUTANT_KERNEL_TIMESTAMP_LOST 0
#endif
#ifndef MUTANT_KERNEL_MERGE_DROPS_FAILED /* the kernel merges what has failed */
#define MUTANT_KERNEL_MERGE_DROPS_FAILED 0
#endif
#ifndef MUTANT_KERNEL_FD_KEPT /* what came from the kernel does not go back to it */
#define MUTANT_KERNEL_FD_KEPT 0
#endif
#ifndef MUTANT_SHARED_WATCHED_FOR_EVER /* a shared object that nobody waits for is watched */
#define MUTANT_SHARED_WATCHED_FOR_EVER 0
#endif
#ifndef MUTANT_SHARED_NOT_ADOPTED /* a callback keeps no fence of a shared object */
#define MUTANT_SHARED_NOT_ADOPTED 0
#endif
#ifndef MUTANT_NOTHING_TICKS /* who waits through the watcher does not look after dead owners */
#define MUTANT_NOTHING_TICKS 0
#endif
#ifndef MUTANT_ENDED_WHILE_MADE /* an export that nobody can read ends before it is whole */
#define MUTANT_ENDED_WHILE_MADE 0
#endif
#ifndef MUTANT_RELEASED_FOUND_AGAIN /* what is being released is found until it has gone */
#define MUTANT_RELEASED_FOUND_AGAIN 0
#endif
#ifndef MUTANT_ADOPTED_UNWATCHED /* what was found while it lost its last reference is not watched */
#define MUTANT_ADOPTED_UNWATCHED 0
#endif
#ifndef MUTANT_LAST_WITHOUT_POKE /* who sees to the last fd does not tell the thread */
#define MUTANT_LAST_WITHOUT_POKE 0
#endif
#ifndef MUTANT_PASSED_OF_ANOTHER_LIFE /* what passed before a reset passes after it */
#define MUTANT_PASSED_OF_ANOTHER_LIFE 0
#endif

#endif
