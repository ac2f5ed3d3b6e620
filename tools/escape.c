/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "escape.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* How long the character of UTF-8 at @text is; 0: it is none. A text ends with a byte of 0. */
static size_t character(const char *text)
{
	/* Of those that begin with more than 0x7f: what the second byte may be (RFC 3629). */
	static const struct {
		unsigned char first, last;
		unsigned char second_from, second_to;
		size_t length;
	} kinds[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t i, j;

	if (bytes[0] < 0x80)
		return 1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (bytes[0] < kinds[i].first || bytes[0] > kinds[i].last)
			continue;
		if (bytes[1] < kinds[i].second_from || bytes[1] > kinds[i].second_to)
			return 0;
		for (j = 2; j < kinds[i].length; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		}
		return kinds[i].length;
	}
	return 0;
}

void write_html(FILE *out, const char *text)
{
	size_t length;

	for (; *text; text += length ? length : 1) {
		length = character(text);
		if (!length || (unsigned char)*text < ' ' || *text == 127)
			fputs(REPLACEMENT, out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (*text == '\'')
			fputs("&#39;", out);
		else
			fwrite(text, 1, length, out);
	}
}

void write_json(FILE *out, const char *text)
{
	size_t length;

	putc('"', out);
	for (; *text; text += length ? length : 1) {
		length = character(text);
		if (!length)
			fputs(REPLACEMENT, out);
		else if (length == 1 &&
			 ((unsigned char)*text < ' ' || strchr("\"\\<>&\x7f", *text)))
			fprintf(out, "\\u%04x", (unsigned int)(unsigned char)*text);
		else
			fwrite(text, 1, length, out);
	}
	putc('"', out);
}
