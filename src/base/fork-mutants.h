/* SPDX-License-Identifier: MIT */
/* Mutants of what a fork does: see base/mutants.h. Not for the scheduler, where nobody forks. */
#ifndef DMAFENCE_BASE_FORK_MUTANTS_H
#define DMAFENCE_BASE_FORK_MUTANTS_H

#include "base/mutants.h"

#ifndef MUTANT_READERS_AWAITED_LATE /* a fork waits for readers with locks held */
#define MUTANT_READERS_AWAITED_LATE 0
#endif
#ifndef MUTANT_CHILD_KEEPS_WAITS /* a child of a fork has waits of threads that it does not have */
#define MUTANT_CHILD_KEEPS_WAITS 0
#endif
#ifndef MUTANT_CHILD_KEEPS_WAITERS /* the same for mutexes alone */
#define MUTANT_CHILD_KEEPS_WAITERS 0
#endif
#ifndef MUTANT_CHILD_KEEPS_LOCKS /* the lock of a fence, too, that such a thread had taken */
#define MUTANT_CHILD_KEEPS_LOCKS 0
#endif

#endif
