/* SPDX-License-Identifier: MIT */
/*
 * What is read from unwind tables: each instruction that they have, also those that this machine's
 * compiler does not write; and that what is wrong with them is seen. The tables are made here, and
 * given to the library in place of what libgcc would find.
 */
#include "support.h"

#include "diag/unwind-rule.h"

#define FUNCTION UINT64_C(0x10000)

/* Instructions and operands. */
#define ADVANCE		   0x40 /* and how far */
#define OFFSET		   0x80 /* and which register */
#define RESTORE		   0xc0 /* and which register */
#define ADVANCE_1	   0x02
#define ADVANCE_2	   0x03
#define ADVANCE_4	   0x04
#define OFFSET_EXTENDED	   0x05
#define RESTORE_EXTENDED   0x06
#define UNDEFINED	   0x07
#define SAME_VALUE	   0x08
#define REGISTER	   0x09
#define REMEMBER	   0x0a
#define RESTORE_STATE	   0x0b
#define DEF_CFA		   0x0c
#define DEF_CFA_REGISTER   0x0d
#define DEF_CFA_OFFSET	   0x0e
#define DEF_CFA_EXPRESSION 0x0f
#define EXPRESSION	   0x10
#define OFFSET_EXTENDED_SF 0x11
#define DEF_CFA_SF	   0x12
#define DEF_CFA_OFFSET_SF  0x13
#define VAL_EXPRESSION	   0x16
#define ARGS_SIZE	   0x2e

#define RBX    3
#define RBP    6
#define RSP    7
#define RETURN 16

/* Of a word, as what is saved is counted downwards in them; and one byte downwards. */
#define WORD_DOWN 0x78
#define BYTE_DOWN 0x7f

struct bytes {
	uint8_t at[64];
	size_t size;
};

#define BYTES(...) \
	((struct bytes){ .at = { __VA_ARGS__ }, .size = sizeof((uint8_t[]){ __VA_ARGS__ }) })

struct common {
	uint32_t id;
	uint8_t version;
	const char *letters;
	uint8_t data_unit;
	uint8_t return_address;
	struct bytes augmentation;
};

/* libgcc's own, without a header. */
struct dwarf_eh_bases {
	void *text, *data, *function;
};

static uint8_t table[512];
static size_t used;
static const uint8_t *found;
static struct common common;
static struct unwind_rule rule;

const void *__wrap__Unwind_Find_FDE(void *address, struct dwarf_eh_bases *bases);

const void *__wrap__Unwind_Find_FDE(void *address, struct dwarf_eh_bases *bases)
{
	(void)address;
	bases->function = (void *)(uintptr_t)FUNCTION;
	return found;
}

static void put(const void *bytes, size_t size)
{
	assert_true(used + size <= sizeof(table));
	memcpy(table + used, bytes, size);
	used += size;
}

static void put_byte(uint8_t byte)
{
	put(&byte, 1);
}

static void put_word(uint32_t word)
{
	put(&word, 4);
}

/* Where its length is, which is not known yet. */
static size_t begin_entry(void)
{
	const size_t begin = used;

	put_word(0);
	return begin;
}

static void end_entry(size_t begin)
{
	const uint32_t length = (uint32_t)(used - begin - 4);

	memcpy(table + begin, &length, 4);
}

/* The frame ends after the return address, and rbp is as it was. */
static void put_common(void)
{
	const struct bytes program =
		BYTES(DEF_CFA, RSP, 8, OFFSET + RETURN, common.data_unit == WORD_DOWN ? 1 : 8);
	const size_t begin = begin_entry();

	put_word(common.id);
	put_byte(common.version);
	put(common.letters, strlen(common.letters) + 1);
	put_byte(1); /* the unit of code */
	put_byte(common.data_unit);
	put_byte(common.return_address);
	put_byte((uint8_t)common.augmentation.size);
	put(common.augmentation.at, common.augmentation.size);
	put(program.at, program.size);
	end_entry(begin);
}

/* What is about one function. */
static void make_table(struct bytes program)
{
	size_t begin;

	used = 0;
	put_common();
	found = table + used;
	begin = begin_entry();
	put_word((uint32_t)used); /* how far back the other one is */
	put_word(0);
	put_word(0x1000); /* how long the function is */
	put_byte(0);
	put(program.at, program.size);
	end_entry(begin);
}

static bool read_at(uintptr_t offset)
{
	memset(&rule, 0xff, sizeof(rule));
	return dma_fence_unwind_rule(FUNCTION + 1 + offset, &rule);
}

static bool reads(struct bytes program)
{
	make_table(program);
	return read_at(0x800);
}

static bool is(bool from_rbp, uint32_t size, uint32_t rbp_saved)
{
	return !rule.outermost && rule.from_rbp == from_rbp && rule.size == size &&
	       rule.rbp_saved == rbp_saved;
}

static int usual(void **state)
{
	(void)state;
	common = (struct common){ 0, 1, "zR", WORD_DOWN, RETURN, BYTES(0x1b) };
	return 0;
}

static void the_end_of_the_frame(void **state)
{
	(void)state;
	assert_true(reads((struct bytes){ .size = 0 }) && is(false, 1, 0));
	assert_true(reads(BYTES(DEF_CFA, RBP, 16)) && is(true, 2, 0));
	assert_true(reads(BYTES(DEF_CFA_REGISTER, RBP)) && is(true, 1, 0));
	assert_true(reads(BYTES(DEF_CFA_OFFSET, 0x80, 2)) && is(false, 32, 0));
	assert_true(reads(BYTES(DEF_CFA_SF, RBP, 0x7d)) && is(true, 3, 0));
	assert_true(reads(BYTES(DEF_CFA_OFFSET_SF, 0x7d)) && is(false, 3, 0));
	assert_true(reads(BYTES(ARGS_SIZE, 32, 0)) && is(false, 1, 0));
	assert_true(reads(BYTES(DEF_CFA_EXPRESSION, 1, 0, DEF_CFA, RSP, 24)) && is(false, 3, 0));
}

static void where_rbp_is(void **state)
{
	(void)state;
	assert_true(reads(BYTES(DEF_CFA_OFFSET, 16, OFFSET + RBP, 2)) && is(false, 2, 2));
	assert_true(reads(BYTES(OFFSET_EXTENDED, RBP, 3)) && is(false, 1, 3));
	assert_true(reads(BYTES(OFFSET_EXTENDED_SF, RBP, 4)) && is(false, 1, 4));
	assert_true(reads(BYTES(OFFSET + RBP, 2, RESTORE + RBP)) && is(false, 1, 0));
	assert_true(reads(BYTES(OFFSET + RBP, 2, RESTORE_EXTENDED, RBP)) && is(false, 1, 0));
	assert_true(reads(BYTES(OFFSET + RBP, 2, SAME_VALUE, RBP)) && is(false, 1, 0));
	/* What becomes of others makes no difference. */
	assert_true(reads(BYTES(EXPRESSION, RBX, 2, 0, 0)) && is(false, 1, 0));
	assert_true(reads(BYTES(VAL_EXPRESSION, RBX, 1, 0)) && is(false, 1, 0));
	assert_true(reads(BYTES(REGISTER, RBX, RSP)) && is(false, 1, 0));
}

static void what_is_remembered(void **state)
{
	(void)state;
	assert_true(reads(BYTES(DEF_CFA_OFFSET, 16, REMEMBER, DEF_CFA_OFFSET, 8, RESTORE_STATE)) &&
		    is(false, 2, 0));
	assert_true(reads(BYTES(REMEMBER, REMEMBER, REMEMBER, REMEMBER, REMEMBER, REMEMBER,
				REMEMBER, REMEMBER)));
	assert_false(reads(BYTES(REMEMBER, REMEMBER, REMEMBER, REMEMBER, REMEMBER, REMEMBER,
				 REMEMBER, REMEMBER, REMEMBER)));
	assert_false(reads(BYTES(REMEMBER, RESTORE_STATE, RESTORE_STATE)));
}

/* What is further on in the function does not hold yet. */
static void how_far_a_program_runs(void **state)
{
	static const struct {
		struct bytes program;
		uintptr_t from;
	} cases[] = {
		{ { { ADVANCE + 5, DEF_CFA_OFFSET, 16 }, 3 }, 5 },
		{ { { ADVANCE_1, 0xff, DEF_CFA_OFFSET, 16 }, 4 }, 0xff },
		{ { { ADVANCE_2, 1, 1, DEF_CFA_OFFSET, 16 }, 5 }, 0x101 },
		{ { { ADVANCE_4, 0, 1, 1, 0, DEF_CFA_OFFSET, 16 }, 7 }, 0x10100 },
		{ { { ADVANCE + 5, ADVANCE + 6, DEF_CFA_OFFSET, 16 }, 4 }, 11 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_table(cases[i].program);
		assert_true(read_at(cases[i].from - 1) && is(false, 1, 0));
		assert_true(read_at(cases[i].from) && is(false, 2, 0));
	}
}

static void nothing_has_called_the_outermost(void **state)
{
	(void)state;
	assert_true(reads(BYTES(UNDEFINED, RETURN)) && rule.outermost);
}

/* Those are for libgcc. */
static void frames_of_another_kind(void **state)
{
	(void)state;
	assert_false(reads(BYTES(DEF_CFA, RBX, 16)));
	assert_false(reads(BYTES(DEF_CFA_EXPRESSION, 1, 0)));
	assert_false(reads(BYTES(DEF_CFA_OFFSET, 0)));
	assert_false(reads(BYTES(DEF_CFA_OFFSET, 12)));
	assert_false(reads(BYTES(DEF_CFA_OFFSET, 0x80, 0x80, 0x80, 0x80, 1)));
	assert_false(reads(BYTES(OFFSET + RETURN, 2)));
	assert_false(reads(BYTES(REGISTER, RETURN, RBX)));
	assert_false(reads(BYTES(REGISTER, RBP, RBX)));
	assert_false(reads(BYTES(EXPRESSION, RBP, 1, 0)));
	assert_false(reads(BYTES(UNDEFINED, RBP)));
	assert_false(reads(BYTES(OFFSET_EXTENDED_SF, RBP, 0x7e))); /* above the frame */
	assert_false(reads(BYTES(OFFSET + RBP, 0x80, 0x80, 0x80, 0x80, 1)));
	common.data_unit = BYTE_DOWN;
	assert_true(reads(BYTES(OFFSET + RBP, 16)) && is(false, 1, 2));
	assert_false(reads(BYTES(OFFSET + RBP, 15)));
}

/* No more is read than there is, and nothing is taken for what it is not. */
static void programs_that_are_wrong(void **state)
{
	(void)state;
	assert_false(reads(BYTES(0x3f)));
	assert_false(reads(BYTES(DEF_CFA_OFFSET)));
	assert_false(reads(BYTES(DEF_CFA_OFFSET, 0x80)));
	assert_false(reads(BYTES(ADVANCE_4, 0, 0, 0)));
	assert_false(reads(BYTES(EXPRESSION, RBX, 1)));
	assert_false(reads(BYTES(DEF_CFA_EXPRESSION, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				 0xff, 1)));
	/* More bytes than a number has: what is beyond is nothing. */
	assert_true(reads(BYTES(DEF_CFA_OFFSET, 0x90, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
				0x80, 0x80, 0x80, 0)) &&
		    is(false, 2, 0));
	assert_true(reads(BYTES(DEF_CFA_OFFSET_SF, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				0xff, 0xff, 0xff, 0x7f)) &&
		    is(false, 2, 0));
}

static void what_functions_have_in_common(void **state)
{
	(void)state;
	/* Who handles exceptions, and where that has its data. */
	common.letters = "zPLR";
	common.augmentation = BYTES(0x9b, 0, 0, 0, 0, 0x1b, 0x1b);
	assert_true(reads((struct bytes){ .size = 0 }) && is(false, 1, 0));
	common.augmentation = BYTES(0x01, 0, 0, 0, 0, 0x1b, 0x1b);
	assert_false(reads((struct bytes){ .size = 0 }));
	common.augmentation = BYTES(0x9b, 0, 0);
	assert_false(reads((struct bytes){ .size = 0 }));

	usual(NULL);
	common.augmentation = BYTES(0x01); /* addresses of any length */
	assert_false(reads((struct bytes){ .size = 0 }));
	usual(NULL);
	common.letters = "zRS"; /* the frame of a signal */
	assert_false(reads((struct bytes){ .size = 0 }));
	common.letters = "R";
	assert_false(reads((struct bytes){ .size = 0 }));
	usual(NULL);
	common.id = 1;
	assert_false(reads((struct bytes){ .size = 0 }));
	usual(NULL);
	common.version = 3;
	assert_false(reads((struct bytes){ .size = 0 }));
	usual(NULL);
	common.return_address = RBX;
	assert_false(reads((struct bytes){ .size = 0 }));
}

static void entries_that_are_wrong(void **state)
{
	const uint32_t other_format = 0xffffffff, too_short = 3;
	uint32_t length;

	(void)state;
	found = NULL;
	assert_false(read_at(0));

	make_table((struct bytes){ .size = 0 });
	memcpy(&length, table, 4);
	memcpy(table, &other_format, 4);
	assert_false(read_at(0));
	memcpy(table, &too_short, 4);
	assert_false(read_at(0));
	memcpy(table, &length, 4);
	assert_true(read_at(0));
	memcpy(table + (found - table), &other_format, 4);
	assert_false(read_at(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_end_of_the_frame, usual),
		cmocka_unit_test_setup(where_rbp_is, usual),
		cmocka_unit_test_setup(what_is_remembered, usual),
		cmocka_unit_test_setup(how_far_a_program_runs, usual),
		cmocka_unit_test_setup(nothing_has_called_the_outermost, usual),
		cmocka_unit_test_setup(frames_of_another_kind, usual),
		cmocka_unit_test_setup(programs_that_are_wrong, usual),
		cmocka_unit_test_setup(what_functions_have_in_common, usual),
		cmocka_unit_test_setup(entries_that_are_wrong, usual),
	};

	return RUN(tests);
}
