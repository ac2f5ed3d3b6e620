/* SPDX-License-Identifier: MIT */
/*
 * Mutants: defects on purpose, to show that the tests see them. softgpu is built once for each of
 * these with -DMUTANT_<NAME>=1, and the suite fails if the test named in tests/softgpu/meson.build
 * passes with it. In softgpu proper all are 0 and leave nothing in the code.
 */
#ifndef SOFTGPU_MUTANTS_H
#define SOFTGPU_MUTANTS_H

#define MUTANT(name) MUTANT_##name

#ifndef MUTANT_RETURNED_TOO_EARLY /* memory goes back while there are fences on it */
#define MUTANT_RETURNED_TOO_EARLY 0
#endif
#ifndef MUTANT_ONE_FENCE_AWAITED /* memory goes back after whichever fence is the first */
#define MUTANT_ONE_FENCE_AWAITED 0
#endif
#ifndef MUTANT_USED_WHILE_RETURNED /* memory goes back while an engine uses it */
#define MUTANT_USED_WHILE_RETURNED 0
#endif
#ifndef MUTANT_REAPER_ENDS_EARLY /* what waits for the reaper when it ends is lost */
#define MUTANT_REAPER_ENDS_EARLY 0
#endif
#ifndef MUTANT_ADDRESSES_USED_AGAIN /* with SOFTGPU_CHECK=uaf a pointer finds something else */
#define MUTANT_ADDRESSES_USED_AGAIN 0
#endif
#ifndef MUTANT_WAIT_LOSES_ERROR /* who waits for a buffer is not told that what wrote it failed */
#define MUTANT_WAIT_LOSES_ERROR 0
#endif
#ifndef MUTANT_READ_ONLY_FOR_A_PAGE /* only the first page of an access is looked at for that */
#define MUTANT_READ_ONLY_FOR_A_PAGE 0
#endif
#ifndef MUTANT_PARTS_STAY_MAPPED /* what is bound as a whole leaves parts of what was there */
#define MUTANT_PARTS_STAY_MAPPED 0
#endif
#ifndef MUTANT_PARTS_NOT_COUNTED /* an entry that comes to be many holds its buffer's name once */
#define MUTANT_PARTS_NOT_COUNTED 0
#endif
#ifndef MUTANT_ARRAY_OF_THE_FIRST /* what stands for a job is done when its first batch is */
#define MUTANT_ARRAY_OF_THE_FIRST 0
#endif
#ifndef MUTANT_FAILED_WRITE_FORGOTTEN /* who reads what a failed job was to write does not fail */
#define MUTANT_FAILED_WRITE_FORGOTTEN 0
#endif
#ifndef MUTANT_ALL_ERRORS_INHERITED /* who overwrites fails with who wrote before */
#define MUTANT_ALL_ERRORS_INHERITED 0
#endif
#ifndef MUTANT_WRITERS_PASS_READERS /* a writer waits for writers alone */
#define MUTANT_WRITERS_PASS_READERS 0
#endif
#ifndef MUTANT_BINDS_PASSED /* a job does not wait for binds that were submitted before it */
#define MUTANT_BINDS_PASSED 0
#endif
#ifndef MUTANT_HANG_FOR_EACH_BATCH /* a job that is stopped counts as many times as it is wide */
#define MUTANT_HANG_FOR_EACH_BATCH 0
#endif
#ifndef MUTANT_BAN_FORGOTTEN /* a context may hang as often as it likes */
#define MUTANT_BAN_FORGOTTEN 0
#endif
#ifndef MUTANT_CANCELLED_IN_TURN /* what was cancelled fails when its engine comes to it */
#define MUTANT_CANCELLED_IN_TURN 0
#endif
#ifndef MUTANT_TIME_OF_OTHERS_COUNTED /* a job is stopped because its engine did not get a CPU */
#define MUTANT_TIME_OF_OTHERS_COUNTED 0
#endif
#ifndef MUTANT_STOP_NOT_SEEN /* a job that is being done is not stopped when it is cancelled */
#define MUTANT_STOP_NOT_SEEN 0
#endif
#ifndef MUTANT_CALLBACK_LEFT /* a cancelled job stays on the fence that it waited for */
#define MUTANT_CALLBACK_LEFT 0
#endif
#ifndef MUTANT_PRIORITY_IGNORED /* all contexts are served alike */
#define MUTANT_PRIORITY_IGNORED 0
#endif
#ifndef MUTANT_TIME_NOT_COUNTED /* contexts share an engine by jobs, not by time */
#define MUTANT_TIME_NOT_COUNTED 0
#endif
#ifndef MUTANT_RING_WITHOUT_END /* a ring is never full */
#define MUTANT_RING_WITHOUT_END 0
#endif
#ifndef MUTANT_COPY_ALWAYS_FORWARDS /* a copy overwrites what it has still to read */
#define MUTANT_COPY_ALWAYS_FORWARDS 0
#endif
#ifndef MUTANT_FILL_BEGINS_ANEW /* a fill begins anew with its value in each piece */
#define MUTANT_FILL_BEGINS_ANEW 0
#endif
#ifndef MUTANT_FILL_WITHOUT_SAFE_POINT /* a fill cannot be stopped */
#define MUTANT_FILL_WITHOUT_SAFE_POINT 0
#endif
#ifndef MUTANT_FILL_ASKS_TO_READ /* a fill looks whether it may read where it writes */
#define MUTANT_FILL_ASKS_TO_READ 0
#endif
#ifndef MUTANT_ENCODE_WRITES_TOO_MUCH /* a byte more than there is room for */
#define MUTANT_ENCODE_WRITES_TOO_MUCH 0
#endif
#ifndef MUTANT_SIZES_NOT_LOOKED_AT /* the size of an access is not looked at, only where it ends */
#define MUTANT_SIZES_NOT_LOOKED_AT 0
#endif

#endif
