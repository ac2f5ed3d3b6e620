/* SPDX-License-Identifier: MIT */
/* Algorithms whose verdicts are known: tests of the scheduler itself. */
#include <stdlib.h>
#include <string.h>

#include <dmafence/rcu.h>

#include "base/park.h"
#include "model.h"

static int x, y, flag;
static int seen[4];

#define store(p, v)	    atomic_store_relaxed(p, v)
#define load(p)		    atomic_load_relaxed(p)
#define store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define load_seq_cst(p)	    __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define full_fence()	    __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* Store buffering: both load what was before the other's store, unless there are fences. */

static void sb_first(void)
{
	store(&x, 1);
	seen[0] = load(&y);
}

static void sb_second(void)
{
	store(&y, 1);
	seen[1] = load(&x);
}

static void sb_fence_first(void)
{
	store(&x, 1);
	full_fence();
	seen[0] = load(&y);
}

static void sb_fence_second(void)
{
	store(&y, 1);
	full_fence();
	seen[1] = load(&x);
}

static void sb_acq_rel_first(void)
{
	atomic_store_release(&x, 1);
	seen[0] = atomic_load_acquire(&y);
}

static void sb_acq_rel_second(void)
{
	atomic_store_release(&y, 1);
	seen[1] = atomic_load_acquire(&x);
}

static void sb_seq_cst_first(void)
{
	store_seq_cst(&x, 1);
	seen[0] = load_seq_cst(&y);
}

static void sb_seq_cst_second(void)
{
	store_seq_cst(&y, 1);
	seen[1] = load_seq_cst(&x);
}

static void one_has_seen_the_other(void)
{
	model_assert(seen[0] || seen[1]);
}

/* Message passing: who sees the flag sees the message, with release and acquire. */

static void mp_send_relaxed(void)
{
	x = 1;
	store(&flag, 1);
}

static void mp_send(void)
{
	x = 1;
	atomic_store_release(&flag, 1);
}

static void mp_receive_relaxed(void)
{
	if (load(&flag))
		model_assert(x == 1);
}

static void mp_receive(void)
{
	if (atomic_load_acquire(&flag))
		model_assert(x == 1);
}

/* The message itself is atomic: no race, but an old value. */

static void mp_send_atomic_relaxed(void)
{
	store(&x, 1);
	store(&flag, 1);
}

static void mp_send_atomic(void)
{
	store(&x, 1);
	atomic_store_release(&flag, 1);
}

static void mp_receive_atomic_relaxed(void)
{
	if (load(&flag))
		model_assert(load(&x) == 1);
}

static void mp_receive_atomic(void)
{
	if (atomic_load_acquire(&flag))
		model_assert(load(&x) == 1);
}

static void mp_send_fence(void)
{
	x = 1;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(&flag, 1);
}

static void mp_receive_fence(void)
{
	if (!load(&flag))
		return;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	model_assert(x == 1);
}

/* A read-modify-write by somebody else in between does not break what the release began... */
static void mp_pass_on(void)
{
	atomic_fetch_add_relaxed(&flag, 2);
}

static void mp_receive_passed_on(void)
{
	if (atomic_load_acquire(&flag) == 3)
		model_assert(x == 1);
}

/* ... but another's store does. */
static void mp_overwrite(void)
{
	if (load(&flag) == 1)
		store(&flag, 3);
}

/* Coherence: of one location nobody sees values go back. */

static void coherence_write(void)
{
	store(&x, 1);
	store(&x, 2);
}

static void coherence_read(void)
{
	int first = load(&x), second = load(&x);

	model_assert(second >= first);
}

/* Independent reads of independent writes: two readers may see two stores in different orders. */

static void iriw_write_x(void)
{
	atomic_store_release(&x, 1);
}

static void iriw_write_y(void)
{
	atomic_store_release(&y, 1);
}

static void iriw_read_xy(void)
{
	seen[0] = atomic_load_acquire(&x);
	seen[1] = atomic_load_acquire(&y);
}

static void iriw_read_yx(void)
{
	seen[2] = atomic_load_acquire(&y);
	seen[3] = atomic_load_acquire(&x);
}

static void iriw_read_xy_fence(void)
{
	seen[0] = atomic_load_acquire(&x);
	full_fence();
	seen[1] = atomic_load_acquire(&y);
}

static void iriw_read_yx_fence(void)
{
	seen[2] = atomic_load_acquire(&y);
	full_fence();
	seen[3] = atomic_load_acquire(&x);
}

static void readers_agree(void)
{
	model_assert(!(seen[0] && !seen[1] && seen[2] && !seen[3]));
}

/* Write to read causality: what one has seen of another is passed on. */

static void wrc_pass_on(void)
{
	if (atomic_load_acquire(&x))
		atomic_store_release(&y, 1);
}

static void wrc_read(void)
{
	if (atomic_load_acquire(&y))
		model_assert(load(&x));
}

/* Load buffering: would need a value from the future, and is not explored; see verification.md. */

/* Peterson's lock. */

static int wants[2], turn, counter;

/* One fence behind the first store, or the second, is not enough: each has its part. */
static void peterson(int me, bool first_fence, bool second_fence)
{
	store(&wants[me], 1);
	if (first_fence)
		full_fence();
	store(&turn, 1 - me);
	if (second_fence)
		full_fence();
	while (atomic_load_acquire(&wants[1 - me]) && atomic_load_acquire(&turn) == 1 - me)
		cpu_relax();
	counter++;
	atomic_store_release(&wants[me], 0);
}

static void peterson_0(void)
{
	peterson(0, false, false);
}

static void peterson_1(void)
{
	peterson(1, false, false);
}

static void peterson_fences_0(void)
{
	peterson(0, true, true);
}

static void peterson_fences_1(void)
{
	peterson(1, true, true);
}

static void peterson_first_fence_0(void)
{
	peterson(0, true, false);
}

static void peterson_first_fence_1(void)
{
	peterson(1, true, false);
}

static void peterson_second_fence_0(void)
{
	peterson(0, false, true);
}

static void peterson_second_fence_1(void)
{
	peterson(1, false, true);
}

static void both_counted(void)
{
	model_assert(counter == 2);
}

/* Dekker without a turn: each waits for the other to give in. */

static void stubborn(int me)
{
	store_seq_cst(&wants[me], 1);
	while (load_seq_cst(&wants[1 - me]))
		cpu_relax();
	store_seq_cst(&wants[me], 0);
}

static void stubborn_first(void)
{
	stubborn(0);
}

static void stubborn_second(void)
{
	stubborn(1);
}

/* Double-checked lock. */

static int *object;
static int lock;

static int *get_object(bool ordered)
{
	int *made = ordered ? atomic_load_acquire(&object) : load(&object);

	if (made)
		return made;
	while (atomic_exchange_acquire(&lock, 1))
		cpu_relax();
	made = load(&object);
	if (!made) {
		made = malloc(sizeof(*made));
		*made = 42;
		if (ordered)
			atomic_store_release(&object, made);
		else
			store(&object, made);
	}
	atomic_store_release(&lock, 0);
	return made;
}

static void use_object_broken(void)
{
	model_assert(*get_object(false) == 42);
}

static void use_object(void)
{
	model_assert(*get_object(true) == 42);
}

static void free_object(void)
{
	free(object);
}

/* A test-and-set lock, and one that is none. */

static void spin_lock(void)
{
	while (atomic_exchange_acquire(&lock, 1))
		cpu_relax();
	counter++;
	atomic_store_release(&lock, 0);
}

static void spin_lock_relaxed(void)
{
	while (atomic_exchange_acquire(&lock, 1))
		cpu_relax();
	counter++;
	store(&lock, 0);
}

static void test_then_set(void)
{
	while (atomic_load_acquire(&lock))
		cpu_relax();
	store(&lock, 1);
	counter++;
	atomic_store_release(&lock, 0);
}

static void three_counted(void)
{
	model_assert(counter == 3);
}

/* Two locks in two orders. */

static int locks[2];

static void lock_both(int first, int second)
{
	while (atomic_exchange_acquire(&locks[first], 1))
		cpu_relax();
	while (atomic_exchange_acquire(&locks[second], 1))
		cpu_relax();
	atomic_store_release(&locks[second], 0);
	atomic_store_release(&locks[first], 0);
}

static void lock_in_order(void)
{
	lock_both(0, 1);
}

static void lock_in_reverse(void)
{
	lock_both(1, 0);
}

/* A counter that is read and stored apart loses; one that is added to does not. */

static void add_apart(void)
{
	store(&x, load(&x) + 1);
}

static void add_at_once(void)
{
	atomic_fetch_add_relaxed(&x, 1);
}

static void two_added(void)
{
	model_assert(load(&x) == 2);
}

static void add_by_cas(void)
{
	int old = load(&x);

	while (!atomic_cas_relaxed(&x, &old, old + 1))
		;
}

static void three_added(void)
{
	model_assert(load(&x) == 3);
}

/* Memory */

static int *block;

static void make_block(void)
{
	block = malloc(sizeof(*block));
	*block = 1;
}

static void free_block(void)
{
	free(block);
}

static void read_block_if_flag(void)
{
	if (!atomic_load_acquire(&flag))
		seen[0] = *block;
}

static void free_block_and_flag(void)
{
	atomic_store_release(&flag, 1);
	free(block);
}

/* Of which the compiler does not know what it does. */
static void (*volatile release)(void *memory) = free;

static void use_after_end(void)
{
	release(block);
	*block = 2;
}

static void free_twice(void)
{
	release(block);
	release(block);
}

static void forget(void)
{
	*(volatile int *)malloc(sizeof(int)) = 1;
}

/* What races, whichever of the two is atomic, and whichever comes first. */

static void store_then_plain_store(void)
{
	store(&flag, 1);
	x = 1;
	store(&y, 1);
}

static void load_x(void)
{
	load(&x);
	store(&lock, 1);
}

static void store_x(void)
{
	store(&x, 1);
}

static void plain_load_x(void)
{
	store(&y, 1);
	seen[0] = x;
}

/* An access to a part of what another access has written as a whole. */

static uint64_t whole;

static void store_whole(void)
{
	whole = 1;
	store(&flag, 1);
}

static void load_half(void)
{
	load(&flag);
	seen[0] = ((int *)&whole)[1];
}

/* To free is to store, also if the load has come before. */

static void read_block_and_flag(void)
{
	seen[0] = *block;
	store(&flag, 1);
}

static void free_block_if_flag(void)
{
	if (load(&flag))
		free(block);
}

static void free_block_unless_flag(void)
{
	if (!load(&flag))
		free(block);
}

/* What a release sequence passes on is also what must not be seen older. */

static void mp_receive_atomic_passed_on(void)
{
	if (atomic_load_acquire(&flag) == 3)
		model_assert(load(&x) == 1);
}

/* A compare-and-swap that fails acquires what its failure says, which is nothing. */
static void mp_receive_failure(void)
{
	int expected = 0;

	if (!__atomic_compare_exchange_n(&flag, &expected, 5, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		seen[0] = x;
}

/* Sleep: one is woken, whoever of two comes first, and nobody else's store is lost. */

static uint32_t word;

static void add_and_wake(void)
{
	atomic_fetch_add_relaxed(&word, 2);
	dma_fence_park_wake(&word);
}

static void sleep_and_store(void)
{
	while (atomic_load_acquire(&word) == 0)
		dma_fence_park_wait(&word, 0, INT64_MAX);
	atomic_fetch_add_relaxed(&word, 1);
}

static void sleep_only(void)
{
	dma_fence_park_wait(&word, 0, INT64_MAX);
}

static void wake_only(void)
{
	dma_fence_park_wake(&word);
}

/* Who sleeps is woken by one of two, and goes on before the other. */

static void sleep_store_and_wake(void)
{
	dma_fence_park_wait(&word, 0, INT64_MAX);
	store(&word, 2);
	dma_fence_park_wake(&word);
}

static void word_is_not_4(void)
{
	model_assert(word != 4);
}

static void word_is_3(void)
{
	model_assert(word == 3);
}

/* A section that a grace period has not waited for sees what was before that. */

static void write_synchronize_flag(void)
{
	x = 1;
	dma_fence_rcu_synchronize();
	store(&flag, 1);
}

static void read_in_section(void)
{
	dma_fence_rcu_read_lock();
	if (load(&flag))
		model_assert(x == 1);
	dma_fence_rcu_read_unlock();
}

static int *on_stack;

static void __attribute__((noinline)) publish_variable(void)
{
	int variable = 1;

	atomic_store_release(&on_stack, &variable);
	atomic_store_release(&flag, 1); /* and returns */
}

static void leave_variable(void)
{
	publish_variable();
	load(&flag);
}

static void use_variable(void)
{
	int *variable = atomic_load_acquire(&on_stack);

	if (variable)
		seen[0] = *variable;
}

/* Who is told by a flag in a variable that it is not needed any more uses it still. */

struct handed_over {
	int flag, data;
};

static struct handed_over *handed_over;

static void hand_over(void)
{
	struct handed_over variable = { 0, 0 };

	atomic_store_release(&handed_over, &variable);
	while (!atomic_load_acquire(&variable.flag))
		cpu_relax();
}

static void take_over(bool too_late)
{
	struct handed_over *taken = atomic_load_acquire(&handed_over);

	if (!taken) {
		while (!(taken = atomic_load_acquire(&handed_over)))
			cpu_relax();
	}
	if (!too_late)
		seen[0] = taken->data;
	atomic_store_release(&taken->flag, 1);
	if (too_late)
		seen[0] = taken->data;
}

static void take_over_in_time(void)
{
	take_over(false);
}

static void take_over_too_late(void)
{
	take_over(true);
}

/* Two of three references are dropped by one: only the last put knows what the others did. */

static uint32_t references = 3;

static void write_and_put_two(void)
{
	x = 1;
	atomic_fetch_sub_acq_rel(&references, 1);
	atomic_fetch_sub_acq_rel(&references, 1);
}

static void put_and_read(void)
{
	atomic_fetch_sub_acq_rel(&references, 1);
	seen[0] = x;
}

static void put_and_read_if_last(void)
{
	if (atomic_fetch_sub_acq_rel(&references, 1) == 1)
		seen[0] = x;
}

/* Library functions are seen to use memory. */

static void set_block(void)
{
	memset(block, 0, sizeof(*block));
}

static void nothing(void)
{
}

const struct scenario classic_scenarios[] = {
	{ .name = "store-buffering",
	  .threads = { sb_first, sb_second },
	  .end = one_has_seen_the_other,
	  .expect = VERDICT_ASSERTION },
	{ .name = "store-buffering-acq-rel",
	  .threads = { sb_acq_rel_first, sb_acq_rel_second },
	  .end = one_has_seen_the_other,
	  .expect = VERDICT_ASSERTION },
	{ .name = "store-buffering-fences",
	  .threads = { sb_fence_first, sb_fence_second },
	  .end = one_has_seen_the_other },
	{ .name = "store-buffering-one-fence",
	  .threads = { sb_fence_first, sb_second },
	  .end = one_has_seen_the_other,
	  .expect = VERDICT_ASSERTION },
	{ .name = "store-buffering-seq-cst",
	  .threads = { sb_seq_cst_first, sb_seq_cst_second },
	  .end = one_has_seen_the_other },
	{ .name = "message-relaxed",
	  .threads = { mp_send_relaxed, mp_receive_relaxed },
	  .expect = VERDICT_RACE },
	{ .name = "message-release-only",
	  .threads = { mp_send, mp_receive_relaxed },
	  .expect = VERDICT_RACE },
	{ .name = "message-acquire-only",
	  .threads = { mp_send_relaxed, mp_receive },
	  .expect = VERDICT_RACE },
	{ .name = "message", .threads = { mp_send, mp_receive } },
	{ .name = "message-fences", .threads = { mp_send_fence, mp_receive_fence } },
	{ .name = "message-atomic-relaxed",
	  .threads = { mp_send_atomic_relaxed, mp_receive_atomic_relaxed },
	  .expect = VERDICT_ASSERTION },
	{ .name = "message-atomic-release-only",
	  .threads = { mp_send_atomic, mp_receive_atomic_relaxed },
	  .expect = VERDICT_ASSERTION },
	{ .name = "message-atomic", .threads = { mp_send_atomic, mp_receive_atomic } },
	{ .name = "message-passed-on", .threads = { mp_send, mp_pass_on, mp_receive_passed_on } },
	{ .name = "message-overwritten",
	  .threads = { mp_send, mp_overwrite, mp_receive_passed_on },
	  .expect = VERDICT_RACE },
	{ .name = "coherence", .threads = { coherence_write, coherence_read, coherence_read } },
	{ .name = "iriw",
	  .threads = { iriw_write_x, iriw_write_y, iriw_read_xy, iriw_read_yx },
	  .end = readers_agree,
	  .expect = VERDICT_ASSERTION },
	{ .name = "iriw-fences",
	  .threads = { iriw_write_x, iriw_write_y, iriw_read_xy_fence, iriw_read_yx_fence },
	  .end = readers_agree },
	{ .name = "write-read-causality", .threads = { iriw_write_x, wrc_pass_on, wrc_read } },
	{ .name = "peterson",
	  .threads = { peterson_0, peterson_1 },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "peterson-fences",
	  .threads = { peterson_fences_0, peterson_fences_1 },
	  .end = both_counted },
	{ .name = "peterson-first-fence",
	  .threads = { peterson_first_fence_0, peterson_first_fence_1 },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "peterson-second-fence",
	  .threads = { peterson_second_fence_0, peterson_second_fence_1 },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "peterson-fences-of-one",
	  .threads = { peterson_fences_0, peterson_1 },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "stubborn",
	  .threads = { stubborn_first, stubborn_second },
	  .expect = VERDICT_LIVELOCK },
	{ .name = "double-checked-broken",
	  .threads = { use_object_broken, use_object_broken },
	  .end = free_object,
	  .expect = VERDICT_RACE },
	{ .name = "double-checked", .threads = { use_object, use_object }, .end = free_object },
	{ .name = "double-checked-3",
	  .threads = { use_object, use_object, use_object },
	  .end = free_object },
	{ .name = "spin-lock",
	  .threads = { spin_lock, spin_lock, spin_lock },
	  .end = three_counted },
	{ .name = "spin-lock-relaxed",
	  .threads = { spin_lock_relaxed, spin_lock_relaxed },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "test-then-set",
	  .threads = { test_then_set, test_then_set },
	  .end = both_counted,
	  .expect = VERDICT_RACE },
	{ .name = "locks-in-order", .threads = { lock_in_order, lock_in_order } },
	{ .name = "locks-in-two-orders",
	  .threads = { lock_in_order, lock_in_reverse },
	  .expect = VERDICT_LIVELOCK },
	{ .name = "add-apart",
	  .threads = { add_apart, add_apart },
	  .end = two_added,
	  .expect = VERDICT_ASSERTION },
	{ .name = "add-at-once", .threads = { add_at_once, add_at_once }, .end = two_added },
	{ .name = "add-by-cas",
	  .threads = { add_by_cas, add_by_cas, add_by_cas },
	  .end = three_added },
	{ .name = "freed-while-read",
	  .begin = make_block,
	  .threads = { free_block_and_flag, read_block_if_flag },
	  .expect = VERDICT_USE_AFTER_FREE },
	{ .name = "used-after-free",
	  .begin = make_block,
	  .threads = { use_after_end, nothing },
	  .expect = VERDICT_USE_AFTER_FREE },
	{ .name = "freed-twice",
	  .begin = make_block,
	  .threads = { free_twice, nothing },
	  .expect = VERDICT_BAD_FREE },
	{ .name = "not-freed", .threads = { forget, nothing }, .expect = VERDICT_LEAK },
	{ .name = "freed",
	  .begin = make_block,
	  .threads = { nothing, nothing },
	  .end = free_block },
	{ .name = "race-atomic-load-plain-store",
	  .threads = { store_then_plain_store, load_x },
	  .expect = VERDICT_RACE },
	{ .name = "race-atomic-store-plain-load",
	  .threads = { store_x, plain_load_x },
	  .expect = VERDICT_RACE },
	{ .name = "race-with-a-part",
	  .threads = { store_whole, load_half },
	  .expect = VERDICT_RACE },
	{ .name = "freed-after-it-was-read",
	  .begin = make_block,
	  .threads = { read_block_and_flag, free_block_if_flag },
	  .end = free_block_unless_flag,
	  .expect = VERDICT_USE_AFTER_FREE },
	{ .name = "message-atomic-passed-on",
	  .threads = { mp_send_atomic, mp_pass_on, mp_receive_atomic_passed_on } },
	{ .name = "message-to-a-failure",
	  .threads = { mp_send, mp_receive_failure },
	  .expect = VERDICT_RACE },
	{ .name = "sleep", .threads = { sleep_and_store, add_and_wake }, .end = word_is_3 },
	{ .name = "sleep-woken-by-one-of-two",
	  .threads = { add_and_wake, sleep_store_and_wake, wake_only },
	  .end = word_is_not_4,
	  .expect = VERDICT_ASSERTION },
	{ .name = "section-after-a-grace-period",
	  .threads = { write_synchronize_flag, read_in_section } },
	{ .name = "sleep-without-a-change",
	  .threads = { sleep_only, wake_only },
	  .expect = VERDICT_DEADLOCK },
	{ .name = "frame-handed-over", .threads = { hand_over, take_over_in_time } },
	{ .name = "frame-used-too-late",
	  .threads = { hand_over, take_over_too_late },
	  .expect = VERDICT_USE_AFTER_FREE },
	{ .name = "put-tells-the-last", .threads = { write_and_put_two, put_and_read_if_last } },
	{ .name = "put-tells-nobody-else",
	  .threads = { write_and_put_two, put_and_read },
	  .expect = VERDICT_RACE },
	{ .name = "set-after-free",
	  .begin = make_block,
	  .threads = { free_block, set_block },
	  .expect = VERDICT_USE_AFTER_FREE },
	{ .name = "stack-frame-left",
	  .threads = { leave_variable, use_variable },
	  .expect = VERDICT_USE_AFTER_FREE },
	{ 0 },
};
