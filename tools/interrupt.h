/* SPDX-License-Identifier: MIT */
/* Whether somebody wants the program to end: SIGINT, SIGTERM, SIGHUP. */
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on these signals only set what interrupted() tells; a second one ends the program. */
void interrupt_catch(void);

bool interrupted(void);

#endif
