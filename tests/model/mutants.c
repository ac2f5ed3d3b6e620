/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "mutant-switches.h"
#include "mutants.h"

static const char *const names[] = { MUTANT_NAMES };

#define NUM_MUTANTS (sizeof(names) / sizeof(names[0]))

static unsigned int selected = NUM_MUTANTS;

_Bool dma_fence_model_mutant(unsigned int number)
{
	return number == selected;
}

unsigned int mutant_count(void)
{
	return NUM_MUTANTS;
}

bool mutant_select(const char *name)
{
	unsigned int i;

	for (i = 0; i < NUM_MUTANTS; i++) {
		if (!strcmp(names[i], name)) {
			selected = i;
			return true;
		}
	}
	return false;
}

void mutant_select_number(unsigned int number)
{
	selected = number;
}

const char *mutant_name(void)
{
	return selected < NUM_MUTANTS ? names[selected] : NULL;
}
