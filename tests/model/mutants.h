/* SPDX-License-Identifier: MIT */
/* The mutants of src/base/mutants.h, of which one at a time is switched on. */
#ifndef TESTS_MODEL_MUTANTS_H
#define TESTS_MODEL_MUTANTS_H

#include <stdbool.h>

unsigned int mutant_count(void);

/* Switches one on, and all others off. Returns false if there is none of that name. */
bool mutant_select(const char *name);
void mutant_select_number(unsigned int number);

/* Of the one that is on; NULL if none is. */
const char *mutant_name(void);

#endif
