/* SPDX-License-Identifier: MIT */
/* Mutants of src/diag: see base/mutants.h. Like those of src/fd not for the scheduler. */
#ifndef DMAFENCE_DIAG_MUTANTS_H
#define DMAFENCE_DIAG_MUTANTS_H

#include "base/mutants.h"

#ifndef MUTANT_LATE_SIGNAL_FORGOTTEN /* who is in quarantine and signals counts as pending */
#define MUTANT_LATE_SIGNAL_FORGOTTEN 0
#endif
#ifndef MUTANT_CENSUS_LOSES_CALLBACKS /* a callback that is removed is still counted */
#define MUTANT_CENSUS_LOSES_CALLBACKS 0
#endif
#ifndef MUTANT_LEAKS_TOO_SOON /* what is let go of later is a leak */
#define MUTANT_LEAKS_TOO_SOON 0
#endif
#ifndef MUTANT_HANG_BLAMES_MEMBERS /* what only a container waits for is reported */
#define MUTANT_HANG_BLAMES_MEMBERS 0
#endif
#ifndef MUTANT_HANG_TOLD_AGAIN /* a fence that hangs is reported for each who waits */
#define MUTANT_HANG_TOLD_AGAIN 0
#endif
#ifndef MUTANT_HANG_THREAD_STAYS /* the thread stays when nobody waits */
#define MUTANT_HANG_THREAD_STAYS 0
#endif
#ifndef MUTANT_TORN_EVENTS /* events that were overwritten as they were read are taken for good */
#define MUTANT_TORN_EVENTS 0
#endif
#ifndef MUTANT_SECTION_FORGETS_LOCKS /* what is taken in a signalling section is not remembered */
#define MUTANT_SECTION_FORGETS_LOCKS 0
#endif
#ifndef MUTANT_ONE_WAIT_CLASS /* all waits are alike, wherever they are */
#define MUTANT_ONE_WAIT_CLASS 0
#endif
#ifndef MUTANT_CALLBACK_IN_NO_SECTION /* a callback may wait, and take what it likes */
#define MUTANT_CALLBACK_IN_NO_SECTION 0
#endif
#ifndef MUTANT_TRIED_IS_WAITED_FOR /* a lock that is only tried counts as waited for */
#define MUTANT_TRIED_IS_WAITED_FOR 0
#endif
#ifndef MUTANT_LAST_LOCK_ALONE /* of the locks that are held only the last counts */
#define MUTANT_LAST_LOCK_ALONE 0
#endif
#ifndef MUTANT_HANDED_STAYS_HELD /* who took a lock that another gave back still has it */
#define MUTANT_HANDED_STAYS_HELD 0
#endif
#ifndef MUTANT_NAMES_NOT_ESCAPED /* what is in a name is part of the file's syntax */
#define MUTANT_NAMES_NOT_ESCAPED 0
#endif
#ifndef MUTANT_NOTHING_LEARNT /* what fences do that end well makes no difference */
#define MUTANT_NOTHING_LEARNT 0
#endif
#ifndef MUTANT_GONE_COUNTED_AGAIN /* an event that has gone is counted when all of them go */
#define MUTANT_GONE_COUNTED_AGAIN 0
#endif
#ifndef MUTANT_RELEASE_HIDES /* the put that came last is taken for the one too many */
#define MUTANT_RELEASE_HIDES 0
#endif
#ifndef MUTANT_PRODUCER_DROPS_PENDING /* a put before the signal may be the producer's own */
#define MUTANT_PRODUCER_DROPS_PENDING 0
#endif
#ifndef MUTANT_STACK_STORED_TWICE /* two threads store the same stack */
#define MUTANT_STACK_STORED_TWICE 0
#endif
#ifndef MUTANT_STACK_CAPTURED_SLOWLY /* what the unwind tables have said is not remembered */
#define MUTANT_STACK_CAPTURED_SLOWLY 0
#endif
#ifndef MUTANT_LINE_AFTER_CALL /* a return address is looked up, and not the call */
#define MUTANT_LINE_AFTER_CALL 0
#endif
#ifndef MUTANT_CHILD_WITHOUT_SYMBOLS /* the child of a fork waits for a look-up of its parent's */
#define MUTANT_CHILD_WITHOUT_SYMBOLS 0
#endif
#ifndef MUTANT_FORKS_TOLD_LATE /* what a fork has to lock for symbols is known from the first on */
#define MUTANT_FORKS_TOLD_LATE 0
#endif
#ifndef MUTANT_WAKES_BEFORE_SIGNAL /* who was woken before the signal was recorded has no arrow */
#define MUTANT_WAKES_BEFORE_SIGNAL 0
#endif
#ifndef MUTANT_LOST_END_IS_PENDING /* a fence whose signal was overwritten is taken for pending */
#define MUTANT_LOST_END_IS_PENDING 0
#endif
#ifndef MUTANT_EXPLAINING_SIGNALS /* what is complete is signaled by who asks why it has not */
#define MUTANT_EXPLAINING_SIGNALS 0
#endif
#ifndef MUTANT_EXPLAINING_KEEPS_REFERENCES /* what has signaled is not let go of */
#define MUTANT_EXPLAINING_KEEPS_REFERENCES 0
#endif
#ifndef MUTANT_EXPLAINING_IS_SEEN /* hooks are told of the references of who looks on */
#define MUTANT_EXPLAINING_IS_SEEN 0
#endif
#ifndef MUTANT_NEWEST_LINKS_EXPLAINED /* of a chain that is long what holds it up is left out */
#define MUTANT_NEWEST_LINKS_EXPLAINED 0
#endif
#ifndef MUTANT_LINK_DROPPED_TWICE /* a link that there was no room for is let go of again */
#define MUTANT_LINK_DROPPED_TWICE 0
#endif
#ifndef MUTANT_LOST_NOT_NOTICED /* one that was passed over is taken for one that comes yet */
#define MUTANT_LOST_NOT_NOTICED 0
#endif
#ifndef MUTANT_DEPENDENCY_KEPT /* a dependency outlives the fence that it is on */
#define MUTANT_DEPENDENCY_KEPT 0
#endif
#ifndef MUTANT_CYCLE_OF_TWO_MOMENTS /* what was seen one after the other is taken for one moment */
#define MUTANT_CYCLE_OF_TWO_MOMENTS 0
#endif
#ifndef MUTANT_CYCLE_THROUGH_ANY /* who waits for any of several is stuck with one of them */
#define MUTANT_CYCLE_THROUGH_ANY 0
#endif
#ifndef MUTANT_NAMES_AS_THEY_ARE /* reports have names in them with what is not to be shown */
#define MUTANT_NAMES_AS_THEY_ARE 0
#endif
#ifndef MUTANT_LATE_HOOK_RECORDS /* a hook that ends after records were switched off leaves one */
#define MUTANT_LATE_HOOK_RECORDS 0
#endif

#endif
