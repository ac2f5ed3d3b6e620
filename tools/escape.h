/* SPDX-License-Identifier: MIT */
/* Text that may be anything, as a part of something else. */
#ifndef TOOLS_ESCAPE_H
#define TOOLS_ESCAPE_H

#include <stdio.h>

/*
 * As text of HTML, also between quotes. What is not UTF-8, or a control character, becomes U+FFFD.
 */
void write_html(FILE *out, const char *text);

/*
 * As a string of JSON, with its quotes; may also be inside of a script element of HTML. What is not
 * UTF-8 becomes U+FFFD.
 */
void write_json(FILE *out, const char *text);

#endif
