/* SPDX-License-Identifier: MIT */
/*
 * Folding: what an account that is full leaves out is counted, once, and what is to stay stays.
 *
 * FOLD_ROUNDS=<number> folds more random accounts, or fewer.
 */
#include "support.h"

#include "diag/fold.h"

/* What happened last stays in any case. */
#define NEWEST 16

struct account {
	struct account_head head;
	struct entry entries[ACCOUNT_MOST];
	uint32_t count;
};

/* Entries are told apart by their times. */
static struct entry *add(struct account *account, enum entry_kind kind)
{
	struct entry *entry = &account->entries[account->count];

	*entry = (struct entry){ .time = ++account->count, .kind = (uint8_t)kind };
	return entry;
}

static void add_many(struct account *account, enum entry_kind kind, uint32_t number)
{
	while (number--)
		add(account, kind);
}

/* From one place, by one thread. */
static void add_at(struct account *account, enum entry_kind kind, uint32_t place)
{
	struct entry *entry = add(account, kind);

	entry->stack = entry->caller = place;
	entry->thread = 1;
}

/* A reference that is taken, given to a container, and dropped by that. */
static void add_given(struct account *account, uint64_t container)
{
	struct entry *entry;

	add_at(account, ENTRY_GET, 1);
	entry = add(account, ENTRY_CONTAIN);
	entry->thread = 1;
	entry->value = container;
	entry->flags = ENTRY_GIVEN;
	entry = add(account, ENTRY_PUT);
	entry->thread = 2;
	entry->value = container;
}

/* With what is never left out. */
static void fill(struct account *account)
{
	add_many(account, ENTRY_SIGNAL, ACCOUNT_MOST - account->count);
}

static uint32_t fold(struct account *account)
{
	account->count = dma_fence_fold(&account->head, account->entries, account->count);
	return account->count;
}

static uint32_t kinds(const struct account *account, enum entry_kind kind)
{
	uint32_t i, number = 0;

	for (i = 0; i < account->count; i++)
		number += account->entries[i].kind == kind;
	return number;
}

/* Being given to a container is left out with the reference, and not again with the events. */
static void what_has_gone_is_not_counted_again(void **state)
{
	struct account account = { .count = 0 };
	uint32_t i;

	(void)state;
	add(&account, ENTRY_INIT);
	for (i = 0; i < 5; i++)
		add_given(&account, 0x1000 + i);
	add_many(&account, ENTRY_ENABLE, 10);
	fill(&account);
	assert_int_equal(fold(&account), ACCOUNT_MOST - 25);
	assert_int_equal(account.head.pairs, 5);
	assert_int_equal(account.head.events, 15);
}

/* The same random numbers on each machine. */
static uint32_t random_below(uint64_t *seed, uint32_t end)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % end;
}

static void add_random(struct account *account, uint64_t *seed)
{
	static const enum entry_kind often[] = { ENTRY_GET, ENTRY_PUT, ENTRY_CONTAIN };
	enum entry_kind kind = random_below(seed, 8) ? often[random_below(seed, 3)]
						     : random_below(seed, ENTRY_EXPORT + 1);
	struct entry *entry = add(account, kind);

	entry->stack = 1 + random_below(seed, 5);
	entry->caller = entry->stack / 2;
	entry->thread = (int32_t)random_below(seed, 3);
	if (kind == ENTRY_GET && !random_below(seed, 8))
		entry->value = random_below(seed, 3);
	if (kind == ENTRY_CONTAIN || (kind == ENTRY_PUT && !random_below(seed, 2)))
		entry->value = 0x1000 + random_below(seed, 4);
	if (kind == ENTRY_CONTAIN && random_below(seed, 4))
		entry->flags = ENTRY_GIVEN;
}

struct sums {
	uint64_t references; /* taken or dropped */
	uint64_t events;
	uint64_t others;
};

static struct sums sums_of(const struct account *account)
{
	const struct account_head *head = &account->head;
	struct sums sums = { 2 * head->pairs + head->lost, head->events, 0 };
	uint32_t i;

	for (i = 0; i < account->count; i++) {
		switch (account->entries[i].kind) {
		case ENTRY_GET:
			sums.references += 1 + account->entries[i].value;
			break;
		case ENTRY_PUT:
			sums.references++;
			break;
		case ENTRY_INIT:
		case ENTRY_SIGNAL:
		case ENTRY_RELEASE:
			sums.others++;
			break;
		default:
			sums.events++;
		}
	}
	return sums;
}

static void check_folded(const struct account *before, const struct account *after)
{
	const struct sums was = sums_of(before), is = sums_of(after);
	const struct entry *newest = after->entries + after->count - NEWEST;
	uint32_t i;

	assert_int_equal(was.references, is.references);
	assert_int_equal(was.events, is.events);
	assert_int_equal(was.others, is.others);
	assert_memory_equal(newest, before->entries + before->count - NEWEST,
			    NEWEST * sizeof(*newest));
	for (i = 1; i < after->count; i++)
		assert_true(after->entries[i].time > after->entries[i - 1].time);
}

/* What there was is what is left and what is said to be left out; again and again, as one goes on. */
static void what_is_left_out_is_counted(void **state)
{
	const char *wanted = getenv("FOLD_ROUNDS");
	const uint64_t rounds = wanted ? strtoull(wanted, NULL, 10) : 300;
	struct account account, before;
	uint64_t round, seed;
	uint32_t again;

	(void)state;
	for (round = 0; round < rounds; round++) {
		seed = round;
		memset(&account, 0, sizeof(account));
		for (again = 0; again < 4 && account.count < ACCOUNT_MOST; again++) {
			while (account.count < ACCOUNT_MOST) {
				add_random(&account, &seed);
				/* Entries that came before have kept their times. */
				account.entries[account.count - 1].time =
					(int64_t)again * ACCOUNT_MOST + account.count;
			}
			before = account;
			fold(&account);
			check_folded(&before, &account);
			if (kinds(&account, ENTRY_INIT) + kinds(&account, ENTRY_SIGNAL) +
				    kinds(&account, ENTRY_RELEASE) <
			    ACCOUNT_MOST / 2)
				assert_true(account.count <= ACCOUNT_MOST - ACCOUNT_MOST / 3);
		}
	}
}

/* An account that is short has nothing old. */
static void what_is_new_stays(void **state)
{
	struct account account = { .count = 0 };

	(void)state;
	add_many(&account, ENTRY_ENABLE, NEWEST);
	assert_int_equal(fold(&account), NEWEST);
	assert_int_equal(account.head.events, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_gone_is_not_counted_again),
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(what_is_new_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
