/* SPDX-License-Identifier: MIT */
#include "diag/unwind-rule.h"

#if UNWIND_RULES

#include <stddef.h>
#include <string.h>

/* libgcc's own, without a header. */
struct dwarf_eh_bases {
	void *text, *data, *function;
};

const void *_Unwind_Find_FDE(void *address, struct dwarf_eh_bases *bases);

/* As the tables number them. */
enum { RBP = 6, RSP = 7, RETURN_ADDRESS = 16 };

enum how {
	SAME, /* as it was in the caller */
	SAVED,
	UNDEFINED,
	OTHERWISE,
};

struct saved {
	enum how how;
	int64_t at; /* from the end of the frame, in bytes */
};

/* What holds at one place of a function. */
struct row {
	bool simple; /* the end of the frame is a register and a number */
	uint64_t from;
	int64_t offset;
	struct saved rbp, return_address, any_other;
};

struct bytes {
	const uint8_t *at, *end;
	bool bad;
};

struct program {
	uint64_t code_unit;
	int64_t data_unit;
	uintptr_t address; /* that the row is wanted for */
	struct row initial;
};

static uint64_t fixed(struct bytes *bytes, size_t size)
{
	uint64_t value = 0;

	if ((size_t)(bytes->end - bytes->at) < size) {
		bytes->bad = true;
		bytes->at = bytes->end;
		return 0;
	}
	memcpy(&value, bytes->at, size); /* little-endian */
	bytes->at += size;
	return value;
}

static uint64_t variable(struct bytes *bytes, bool is_signed)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = fixed(bytes, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && (byte & 0x40) && shift < 64)
		value |= ~UINT64_C(0) << shift;
	return value;
}

static uint64_t uleb(struct bytes *bytes)
{
	return variable(bytes, false);
}

static int64_t sleb(struct bytes *bytes)
{
	return (int64_t)variable(bytes, true);
}

static void skip(struct bytes *bytes, uint64_t size)
{
	if ((uint64_t)(bytes->end - bytes->at) < size) {
		bytes->bad = true;
		size = 0;
	}
	bytes->at += size;
}

static struct saved *of_register(struct row *row, uint64_t number)
{
	if (number == RBP)
		return &row->rbp;
	return number == RETURN_ADDRESS ? &row->return_address : &row->any_other;
}

static void set(struct row *row, uint64_t number, enum how how, int64_t at)
{
	*of_register(row, number) = (struct saved){ how, at };
}

static void restore(struct row *row, const struct program *program, uint64_t number)
{
	struct row initial = program->initial;

	*of_register(row, number) = *of_register(&initial, number);
}

/* Tables that nobody has checked may say anything: what is too much for a number wraps. */
static int64_t scaled(const struct program *program, uint64_t factor)
{
	return (int64_t)(factor * (uint64_t)program->data_unit);
}

static void set_end(struct row *row, uint64_t from, int64_t offset)
{
	row->simple = true;
	row->from = from;
	row->offset = offset;
}

/* Runs a program up to the place that is asked for. */
static void run(struct bytes *bytes, const struct program *program, uintptr_t place,
		struct row *row)
{
	enum { REMEMBERED = 8 };
	struct row remembered[REMEMBERED];
	unsigned int count = 0;

	while (bytes->at < bytes->end && !bytes->bad) {
		uint8_t code = (uint8_t)fixed(bytes, 1);
		uint64_t number = code & 0x3f, advance = 0;

		switch (code & 0xc0) {
		case 0x40: /* DW_CFA_advance_loc */
			advance = number;
			code = 0xff;
			break;
		case 0x80: /* DW_CFA_offset */
			set(row, number, SAVED, scaled(program, uleb(bytes)));
			continue;
		case 0xc0: /* DW_CFA_restore */
			restore(row, program, number);
			continue;
		}
		switch (code) {
		case 0xff:
		case 0x00: /* DW_CFA_nop */
			break;
		case 0x02: /* DW_CFA_advance_loc1, 2, 4 */
		case 0x03:
		case 0x04:
			advance = fixed(bytes, (size_t)1 << (code - 0x02));
			break;
		case 0x05: /* DW_CFA_offset_extended */
			number = uleb(bytes);
			set(row, number, SAVED, scaled(program, uleb(bytes)));
			break;
		case 0x06: /* DW_CFA_restore_extended */
			number = uleb(bytes);
			restore(row, program, number);
			break;
		case 0x07: /* DW_CFA_undefined */
			set(row, uleb(bytes), UNDEFINED, 0);
			break;
		case 0x08: /* DW_CFA_same_value */
			set(row, uleb(bytes), SAME, 0);
			break;
		case 0x09: /* DW_CFA_register */
			set(row, uleb(bytes), OTHERWISE, 0);
			uleb(bytes);
			break;
		case 0x0a: /* DW_CFA_remember_state */
			if (count == REMEMBERED)
				bytes->bad = true;
			else
				remembered[count++] = *row;
			break;
		case 0x0b: /* DW_CFA_restore_state */
			if (!count)
				bytes->bad = true;
			else
				*row = remembered[--count];
			break;
		case 0x0c: /* DW_CFA_def_cfa */
			number = uleb(bytes);
			set_end(row, number, (int64_t)uleb(bytes));
			break;
		case 0x0d: /* DW_CFA_def_cfa_register */
			row->from = uleb(bytes);
			break;
		case 0x0e: /* DW_CFA_def_cfa_offset */
			row->offset = (int64_t)uleb(bytes);
			break;
		case 0x0f: /* DW_CFA_def_cfa_expression */
			row->simple = false;
			skip(bytes, uleb(bytes));
			break;
		case 0x10: /* DW_CFA_expression, DW_CFA_val_expression */
		case 0x16:
			set(row, uleb(bytes), OTHERWISE, 0);
			skip(bytes, uleb(bytes));
			break;
		case 0x11: /* DW_CFA_offset_extended_sf */
			number = uleb(bytes);
			set(row, number, SAVED, scaled(program, (uint64_t)sleb(bytes)));
			break;
		case 0x12: /* DW_CFA_def_cfa_sf */
			number = uleb(bytes);
			set_end(row, number, scaled(program, (uint64_t)sleb(bytes)));
			break;
		case 0x13: /* DW_CFA_def_cfa_offset_sf */
			row->offset = scaled(program, (uint64_t)sleb(bytes));
			break;
		case 0x2e: /* DW_CFA_GNU_args_size: of arguments, which the end of the frame is beyond */
			uleb(bytes);
			break;
		default:
			bytes->bad = true;
		}
		place += advance * program->code_unit;
		if (place > program->address)
			break;
	}
}

/* The size of an address in the tables; 0 if that varies. */
static size_t size_of_encoded(uint64_t encoding)
{
	static const size_t sizes[] = { 8, 0, 2, 4, 8, 0, 0, 0 };

	return sizes[encoding & 0x07];
}

/* One entry of the table: its length, and then what is in it. */
static struct bytes entry_at(const uint8_t *at)
{
	struct bytes bytes = { at, at + 4, false };
	uint64_t length = fixed(&bytes, 4);

	if (length >= 0xfffffff0)
		bytes.bad = true;
	else
		bytes.end += length;
	return bytes;
}

/* What several functions have in common. Returns how addresses are written in what is about one. */
static uint64_t read_common(struct bytes *common, struct program *program)
{
	uint64_t encoding = 0, size;
	const char *letters;
	struct bytes rest;

	if (fixed(common, 4)) /* what this is */
		common->bad = true;
	if (fixed(common, 1) != 1)
		common->bad = true; /* the version */
	letters = (const char *)common->at;
	while (fixed(common, 1))
		;
	program->code_unit = uleb(common);
	program->data_unit = sleb(common);
	if (fixed(common, 1) != RETURN_ADDRESS || common->bad || *letters != 'z') {
		common->bad = true;
		return 0;
	}
	size = uleb(common);
	rest = *common;
	skip(common, size);
	while (*++letters) {
		switch (*letters) {
		case 'R':
			encoding = fixed(&rest, 1);
			break;
		case 'P':
			size = size_of_encoded(fixed(&rest, 1));
			if (!size)
				common->bad = true;
			skip(&rest, size);
			break;
		case 'L':
			fixed(&rest, 1);
			break;
		default: /* 'S': the frame of a signal */
			common->bad = true;
		}
	}
	if (rest.bad)
		common->bad = true;
	run(common, program, 0, &program->initial);
	return encoding;
}

static bool row_of(uintptr_t address, struct row *row)
{
	struct program program = { .address = address };
	struct dwarf_eh_bases bases;
	const uint8_t *entry = _Unwind_Find_FDE((void *)address, &bases);
	struct bytes bytes, common;
	const uint8_t *here;
	size_t size;

	if (!entry)
		return false;
	bytes = entry_at(entry);
	here = bytes.at;
	common = entry_at(here - (int32_t)fixed(&bytes, 4));
	if (bytes.bad || common.bad)
		return false;
	size = size_of_encoded(read_common(&common, &program));
	if (common.bad || !size)
		return false;
	skip(&bytes, 2 * size); /* where the function is, which libgcc has said */
	skip(&bytes, uleb(&bytes));
	*row = program.initial;
	run(&bytes, &program, (uintptr_t)bases.function, row);
	return !bytes.bad;
}

bool dma_fence_unwind_rule(uintptr_t return_address, struct unwind_rule *rule)
{
	enum { WORD = 8, LARGEST = 1 << 23 };
	struct row row;

	/* The call is before the return address, which may be another function's first. */
	if (!row_of(return_address - 1, &row))
		return false;
	memset(rule, 0, sizeof(*rule));
	rule->outermost = row.return_address.how == UNDEFINED;
	if (rule->outermost)
		return true;
	if (row.return_address.how != SAVED || row.return_address.at != -WORD)
		return false;
	if (!row.simple || (row.from != RSP && row.from != RBP) || row.offset < WORD ||
	    row.offset > LARGEST || row.offset % WORD)
		return false;
	rule->from_rbp = row.from == RBP;
	rule->size = (uint32_t)(row.offset / WORD);
	if (row.rbp.how == SAME)
		return true;
	if (row.rbp.how != SAVED || row.rbp.at >= 0 || row.rbp.at < -LARGEST || row.rbp.at % WORD)
		return false;
	rule->rbp_saved = (uint32_t)(-row.rbp.at / WORD);
	return true;
}

#else

bool dma_fence_unwind_rule(uintptr_t return_address, struct unwind_rule *rule)
{
	(void)return_address;
	(void)rule;
	return false;
}

#endif
