/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include <dmafence/fence.h>
#include <dmafence/rcu.h>

#include "diag/escape.h"
#include "diag/mutants.h"

static bool is_more(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* How many bytes the character at the beginning has; 0 if there is none. */
static size_t character(const unsigned char *s, size_t length)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return length > 1 && is_more(s[1]) ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] <= 0xef) {
		/* Neither in more bytes than it needs, nor half of a pair. */
		if (length < 3 || !is_more(s[1]) || !is_more(s[2]) ||
		    (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if (length < 4 || !is_more(s[1]) || !is_more(s[2]) || !is_more(s[3]) ||
		    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

/* Also the ones of C1, in two bytes. */
static bool is_control(const unsigned char *s, size_t bytes)
{
	return bytes == 1 ? s[0] < 0x20 || s[0] == 0x7f : bytes == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

/* Calls plain() with what can be shown as it is, and odd() with the bytes of what cannot. */
static void go_through(FILE *out, const char *name, size_t length,
		       void (*plain)(FILE *out, const char *s, size_t bytes),
		       void (*odd)(FILE *out, const unsigned char *s, size_t bytes, bool valid))
{
	const unsigned char *s = (const unsigned char *)name, *end = s + length;
	size_t bytes;

	for (; s < end; s += bytes) {
		bytes = character(s, (size_t)(end - s));
		if (bytes && !is_control(s, bytes))
			plain(out, (const char *)s, bytes);
		else
			odd(out, s, bytes ? bytes : 1, bytes);
		bytes = bytes ? bytes : 1;
	}
}

static void hexadecimal(FILE *out, const char *before, const unsigned char *s, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		fprintf(out, "%s%02x", before, s[i]);
}

static void text_plain(FILE *out, const char *s, size_t bytes)
{
	fwrite(s, 1, bytes, out);
}

static void text_odd(FILE *out, const unsigned char *s, size_t bytes, bool valid)
{
	(void)valid;
	if (*s == '\n')
		fputs("\\n", out);
	else
		hexadecimal(out, "\\x", s, bytes);
}

void dma_fence_escape_text_of(FILE *out, const char *name, size_t length)
{
	go_through(out, name, length, text_plain, text_odd);
}

void dma_fence_escape_text(FILE *out, const char *name)
{
	dma_fence_escape_text_of(out, name, strlen(name));
}

void dma_fence_escape_names(char *text, size_t size, struct dma_fence *fence)
{
	FILE *out;

	memset(text, 0, size);
	if (size < 2)
		return;
	/* Of what does not fit the rest is dropped, and the last byte stays 0. */
	out = fmemopen(text, size - 1, "w");
	if (!out)
		return;
	dma_fence_rcu_read_lock();
	if (MUTANT(NAMES_AS_THEY_ARE)) {
		fprintf(out, "%s %s", dma_fence_driver_name(fence), dma_fence_timeline_name(fence));
	} else {
		dma_fence_escape_text(out, dma_fence_driver_name(fence));
		fputc(' ', out);
		dma_fence_escape_text(out, dma_fence_timeline_name(fence));
	}
	dma_fence_rcu_read_unlock();
	fclose(out);
}

static void json_plain(FILE *out, const char *s, size_t bytes)
{
	if (*s == '"' || *s == '\\')
		fputc('\\', out);
	fwrite(s, 1, bytes, out);
}

static void json_odd(FILE *out, const unsigned char *s, size_t bytes, bool valid)
{
	if (valid)
		fprintf(out, "\\u%04x", s[bytes - 1]); /* of C1 the second byte is its number */
	else
		fputs("\\ufffd", out);
}

void dma_fence_escape_json(FILE *out, const char *name)
{
	go_through(out, name, strlen(name), json_plain, json_odd);
}

/* A label has entities as well. */
static void dot_plain(FILE *out, const char *s, size_t bytes)
{
	if (*s == '&') {
		fputs("&amp;", out);
		return;
	}
	json_plain(out, s, bytes);
}

static void dot_odd(FILE *out, const unsigned char *s, size_t bytes, bool valid)
{
	(void)valid;
	if (*s == '\n')
		fputs("\\\\n", out);
	else
		hexadecimal(out, "\\\\x", s, bytes);
}

void dma_fence_escape_dot(FILE *out, const char *name)
{
	go_through(out, name, strlen(name), dot_plain, dot_odd);
}
