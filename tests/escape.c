/* SPDX-License-Identifier: MIT */
/* Names in what others read: what is UTF-8 stays, and what is not does no harm. */
#include "support.h"

#include <stdio.h>

#include "diag/escape.h"

static char *escaped(void (*escape)(FILE *out, const char *name), const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	escape(out, name);
	fclose(out);
	return text;
}

static void assert_escaped(void (*escape)(FILE *out, const char *name), const char *name,
			   const char *expected)
{
	char *text = escaped(escape, name);

	assert_string_equal(text, expected);
	free(text);
}

/* The first and the last of each length, and beside what is missing between them. */
static void characters_stay(void **state)
{
	static const char *const characters[] = {
		" ",
		"~",
		"\xc2\xa0",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf3\xbf\xbf\xbf",
		"\xf4\x8f\xbf\xbf",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(characters); i++) {
		assert_escaped(dma_fence_escape_text, characters[i], characters[i]);
		assert_escaped(dma_fence_escape_json, characters[i], characters[i]);
		assert_escaped(dma_fence_escape_dot, characters[i], characters[i]);
	}
}

/* Cut off, in more bytes than it needs, half of a pair, too large, or nothing at all. */
static void what_is_no_character(void **state)
{
	static const struct {
		const char *bytes, *text, *json, *dot;
	} cases[] = {
		{ "\x80", "\\x80", "\\ufffd", "\\\\x80" },
		{ "\xc1\xbf", "\\xc1\\xbf", "\\ufffd\\ufffd", "\\\\xc1\\\\xbf" },
		{ "\xc3", "\\xc3", "\\ufffd", "\\\\xc3" },
		{ "\xc3z", "\\xc3z", "\\ufffdz", "\\\\xc3z" },
		{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", "\\ufffd\\ufffd\\ufffd",
		  "\\\\xe0\\\\x9f\\\\xbf" },
		{ "\xe1\x80", "\\xe1\\x80", "\\ufffd\\ufffd", "\\\\xe1\\\\x80" },
		{ "\xe1zz", "\\xe1zz", "\\ufffdzz", "\\\\xe1zz" },
		{ "\xe1\x80z", "\\xe1\\x80z", "\\ufffd\\ufffdz", "\\\\xe1\\\\x80z" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd",
		  "\\\\xed\\\\xa0\\\\x80" },
		{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd",
		  "\\\\xf0\\\\x8f\\\\xbf\\\\xbf" },
		{ "\xf1\x80\x80", "\\xf1\\x80\\x80", "\\ufffd\\ufffd\\ufffd",
		  "\\\\xf1\\\\x80\\\\x80" },
		{ "\xf1zzz", "\\xf1zzz", "\\ufffdzzz", "\\\\xf1zzz" },
		{ "\xf1\x80zz", "\\xf1\\x80zz", "\\ufffd\\ufffdzz", "\\\\xf1\\\\x80zz" },
		{ "\xf1\x80\x80z", "\\xf1\\x80\\x80z", "\\ufffd\\ufffd\\ufffdz",
		  "\\\\xf1\\\\x80\\\\x80z" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd",
		  "\\\\xf4\\\\x90\\\\x80\\\\x80" },
		{ "\xf5", "\\xf5", "\\ufffd", "\\\\xf5" },
		{ "\xff", "\\xff", "\\ufffd", "\\\\xff" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_escaped(dma_fence_escape_text, cases[i].bytes, cases[i].text);
		assert_escaped(dma_fence_escape_json, cases[i].bytes, cases[i].json);
		assert_escaped(dma_fence_escape_dot, cases[i].bytes, cases[i].dot);
	}
}

static void what_cannot_be_shown(void **state)
{
	(void)state;
	assert_escaped(dma_fence_escape_text, "a\nb\x1b\x7f\xc2\x9f", "a\\nb\\x1b\\x7f\\xc2\\x9f");
	assert_escaped(dma_fence_escape_json, "a\nb\x1b\x7f\xc2\x9f",
		       "a\\u000ab\\u001b\\u007f\\u009f");
	assert_escaped(dma_fence_escape_dot, "a\nb\x1b\x7f\xc2\x9f",
		       "a\\\\nb\\\\x1b\\\\x7f\\\\xc2\\\\x9f");
}

static void what_means_something(void **state)
{
	(void)state;
	assert_escaped(dma_fence_escape_text, "\"\\&<", "\"\\&<");
	assert_escaped(dma_fence_escape_json, "\"\\&<", "\\\"\\\\&<");
	assert_escaped(dma_fence_escape_dot, "\"\\&<", "\\\"\\\\&amp;<");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_stay),
		cmocka_unit_test(what_is_no_character),
		cmocka_unit_test(what_cannot_be_shown),
		cmocka_unit_test(what_means_something),
	};

	return RUN(tests);
}
