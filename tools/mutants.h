/* SPDX-License-Identifier: MIT */
/*
 * Mutants: defects on purpose, to show that the fuzzer's inputs that are kept see them. A target of
 * tests/fuzz is built once for each of these with -DMUTANT_<NAME>=1, see tests/fuzz/meson.build. In
 * the command proper all are 0 and leave nothing in the code.
 */
#ifndef TOOLS_MUTANTS_H
#define TOOLS_MUTANTS_H

#define MUTANT(name) MUTANT_##name

#ifndef MUTANT_POOL_TOO_LARGE /* --pool takes one more than there is room for */
#define MUTANT_POOL_TOO_LARGE 0
#endif
#ifndef MUTANT_PNG_FAILURE_NOT_TOLD /* that a PNG is not read is known by the exit status only */
#define MUTANT_PNG_FAILURE_NOT_TOLD 0
#endif
#ifndef MUTANT_PNG_ENDS /* a PNG is a sequence of one picture */
#define MUTANT_PNG_ENDS 0
#endif
#ifndef MUTANT_Y4M_FROM_ITS_HEADER /* the second time round the header is taken for a frame */
#define MUTANT_Y4M_FROM_ITS_HEADER 0
#endif
#ifndef MUTANT_Y4M_SIZE_NOT_LOOKED_AT /* a header need not say how large pictures are */
#define MUTANT_Y4M_SIZE_NOT_LOOKED_AT 0
#endif

#endif
