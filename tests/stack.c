/* SPDX-License-Identifier: MIT */
/* Call stacks: the same one has the same number, and each frame has the name and line it should. */
#include <alloca.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unwind.h>

#include "support.h"

#include "failing-malloc.h"
#include "left-behind.h"
#include "single-step.h"

#include "diag/stack.h"
#include "diag/symbols.h"
#include "diag/unwind-rule.h"

#if defined(__clang__)
#define SITE __attribute__((noinline)) /* it makes no clones */
#else
#define SITE __attribute__((noinline, noclone))
#endif

/* What was called before it was called here, and not jumped to; different ones are not merged. */
#define NOT_A_TAIL_CALL(number) __asm__ __volatile__("" : : "i"(number) : "memory")

/* libdw can be made to be missing. */
static bool without_libdw;

void *__real_dlopen(const char *file, int mode);
void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
	if (without_libdw && strstr(file, "libdw"))
		return NULL;
	return __real_dlopen(file, mode);
}

/* One of its functions can be made to be missing, or to be another. */
static const char *replaced;
static void *replacement;
static int times_replaced;

/* The how manieth of them is missing; 0: none. */
static int missing_in;

void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);

void *__wrap_dlsym(void *library, const char *name)
{
	if (missing_in > 0 && !--missing_in)
		return NULL;
	if (!replaced || strcmp(name, replaced))
		return __real_dlsym(library, name);
	times_replaced++;
	return replacement;
}

/* How often libgcc's unwinder was asked by the library. */
static int asked;

_Unwind_Reason_Code __real__Unwind_Backtrace(_Unwind_Trace_Fn step, void *arg);
_Unwind_Reason_Code __wrap__Unwind_Backtrace(_Unwind_Trace_Fn step, void *arg);

_Unwind_Reason_Code __wrap__Unwind_Backtrace(_Unwind_Trace_Fn step, void *arg)
{
	atomic_fetch_add_relaxed(&asked, 1);
	return __real__Unwind_Backtrace(step, arg);
}

/* What func() returns in a child, which begins with nothing that a report has looked up. */
static int in_child(int (*func)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(10 * PATIENCE);
		status = func();
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* In a child, where an assertion can jump nowhere. */
#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			return 1; \
		} \
	} while (0)

/* What is printed of a stack, to be freed. */
static char *printed(uint32_t stack)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	dma_fence_stack_print(out, stack, "\t");
	fclose(out);
	return text;
}

static SITE uint32_t one_place(void)
{
	uint32_t stack = dma_fence_stack_here();

	NOT_A_TAIL_CALL(1);
	return stack;
}

static SITE uint32_t two_calls(int which)
{
	uint32_t stack;

	if (which) {
		stack = one_place();
		NOT_A_TAIL_CALL(1);
	} else {
		stack = one_place();
		NOT_A_TAIL_CALL(2);
	}
	return stack;
}

static void same_stack_same_number(void **state)
{
	const void *frames[2][STACK_FRAMES];
	uint32_t stack[4], i, count;
	volatile uint32_t times = 4; /* one call, not four of them */

	(void)state;
	for (i = 0; i < times; i++)
		stack[i] = two_calls(0);
	assert_true(stack[0]);
	for (i = 1; i < 4; i++)
		assert_int_equal(stack[i], stack[0]);
	count = dma_fence_stack_frames(stack[0], frames[0]);
	assert_in_range(count, 4, STACK_FRAMES);
	assert_int_equal(dma_fence_stack_frames(stack[1], frames[1]), count);
	assert_memory_equal(frames[0], frames[1], count * sizeof(void *));
}

/* The loop is in one function, so that the stacks differ where they should only. */
static void other_line_other_number(void **state)
{
	const void *frames[2][STACK_FRAMES];
	uint32_t stack[2], i, count;

	(void)state;
	for (i = 0; i < 2; i++)
		stack[i] = i ? one_place() : two_calls(0);
	assert_int_not_equal(stack[0], stack[1]);
	for (i = 0; i < 2; i++)
		stack[i] = two_calls((int)i);
	assert_true(stack[0] && stack[1]);
	assert_int_not_equal(stack[0], stack[1]);
	count = dma_fence_stack_frames(stack[0], frames[0]);
	assert_true(count > 2);
	assert_int_equal(dma_fence_stack_frames(stack[1], frames[1]), count);
	assert_ptr_equal(frames[0][0], frames[1][0]);
	assert_ptr_not_equal(frames[0][1], frames[1][1]);
}

static void what_is_no_stack(void **state)
{
	const void *frames[STACK_FRAMES];
	char text[64];

	(void)state;
	assert_int_equal(dma_fence_stack_frames(0, frames), 0);
	assert_int_equal(dma_fence_stack_frames(dma_fence_stack_count() + 1, frames), 0);
	assert_int_equal(dma_fence_stack_frames(UINT32_MAX, frames), 0);
	dma_fence_stack_site(0, text, sizeof(text));
	assert_string_equal(text, "somewhere");
}

/* The stack as libgcc sees it, from the function that calls this one. */
struct seen {
	const void *frames[STACK_FRAMES + 2];
	unsigned int count;
};

static _Unwind_Reason_Code see(struct _Unwind_Context *context, void *arg)
{
	struct seen *seen = arg;
	const void *address = (const void *)_Unwind_GetIP(context);

	if (!address || seen->count == ARRAY_SIZE(seen->frames))
		return _URC_END_OF_STACK;
	seen->frames[seen->count++] = address;
	return _URC_NO_REASON;
}

/* Twice: the first time the way may be new, and the second time it is known. */
static SITE void check_here(void)
{
	const void *frames[STACK_FRAMES];
	unsigned int i, count, expected;
	struct seen seen;

	for (i = 0; i < 2; i++) {
		uint32_t stack = dma_fence_stack_here();

		assert_true(stack);
		count = dma_fence_stack_frames(stack, frames);
		memset(&seen, 0, sizeof(seen));
		__real__Unwind_Backtrace(see, &seen);
		/* The first one is in here, but at another call. */
		expected = seen.count < STACK_FRAMES ? seen.count : STACK_FRAMES;
		assert_int_equal(count, expected);
		assert_true(!memcmp(&frames[1], &seen.frames[1], (count - 1) * sizeof(void *)));
	}
	NOT_A_TAIL_CALL(3);
}

static SITE void recurse(int depth)
{
	if (depth)
		recurse(depth - 1);
	else
		check_here();
	NOT_A_TAIL_CALL(4);
}

static SITE void with_much_on_stack(int depth)
{
	volatile char much[100000];

	much[0] = much[99999] = 1;
	recurse(depth);
	(void)much[0];
	NOT_A_TAIL_CALL(12);
}

static SITE void with_variable_stack(size_t size)
{
	volatile char *some = alloca(size);

	some[0] = 1;
	recurse((int)size % 3);
	(void)some[0];
	NOT_A_TAIL_CALL(12);
}

static SITE void with_aligned_stack(size_t size)
{
	_Alignas(128) volatile char aligned[128];
	volatile char *some = alloca(size);

	some[0] = aligned[0] = 1;
	recurse(1);
	(void)some[0];
	NOT_A_TAIL_CALL(12);
}

static SITE void with_many_arguments(int a, int b, int c, int d, int e, int f, int g, int h, int i)
{
	recurse(a + b + c + d + e + f + g - h - i);
	(void)h;
	NOT_A_TAIL_CALL(12);
}

static int compare(const void *a, const void *b)
{
	(void)a;
	(void)b;
	check_here();
	return 0;
}

static void all_shapes(void)
{
	int numbers[3] = { 1, 2, 3 }, i;

	check_here();
	for (i = 0; i < 40; i++)
		recurse(i);
	for (i = 0; i < 10; i++) {
		with_much_on_stack(i);
		with_variable_stack(1 + 16 * (size_t)i);
		with_aligned_stack(1 + 40 * (size_t)i);
		with_many_arguments(1, 1, 1, 1, 1, 1, 1, i < 3 ? i : 3, 3);
	}
	qsort(numbers, 3, sizeof(int), compare);
}

static void *shapes_in_thread(void *arg)
{
	all_shapes();
	return arg;
}

static void on_signal(int number)
{
	(void)number;
	all_shapes();
}

static void as_libgcc_sees_it(void **state)
{
	static char other_stack[1 << 20];
	stack_t alternate = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	struct sigaction action = { .sa_handler = on_signal };
	int i;

	(void)state;
	all_shapes();
	join(start(shapes_in_thread, NULL));
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	all_shapes();
	assert_int_equal(sigaltstack(&alternate, NULL), 0);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < 3; i++) {
		raise(SIGUSR1);
		all_shapes();
	}
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, NULL);
	signal(SIGUSR1, SIG_DFL);
}

#if UNWIND_RULES

static int take_in_compare(const void *a, const void *b)
{
	(void)a;
	(void)b;
	one_place();
	return 0;
}

/* As often as a fence is got and put: the unwinder is asked for what is new, and no more. */
static void known_ways_are_not_asked_for(void **state)
{
	volatile int times = 1000;
	int i, before = 0;

	(void)state;
	for (i = 0; i < times; i++) {
		if (i == 2)
			before = asked;
		two_calls(i % 2);
		qsort((int[]){ 1, 2 }, 2, sizeof(int), take_in_compare);
	}
	assert_int_equal(asked, before);
}

/* Its table has rbx saved further away, in units of eight bytes, than a number can say. */
__asm__(".pushsection .text\n"
	".type saved_far_away, @function\n"
	"saved_far_away:\n"
	".cfi_startproc\n"
	".cfi_escape 0x05, 0x03, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f\n"
	".cfi_escape 0x11, 0x03, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f\n"
	"ret\n"
	".cfi_endproc\n"
	".size saved_far_away, .-saved_far_away\n"
	".popsection\n");

void saved_far_away(void);

/* Numbers that are too large; that rbx is of no interest makes them no less so to a sanitizer. */
static void tables_may_say_anything(void **state)
{
	struct unwind_rule rule;

	(void)state;
	assert_true(dma_fence_unwind_rule((uintptr_t)saved_far_away + 1, &rule));
	assert_int_equal(rule.size, 1);
	assert_int_equal(rule.rbp_saved, 0);
}

#endif

/* As many stacks as there are numbers of 'digits' digits to the base 3. */
static SITE uint32_t by_digits(int digits, uint32_t number)
{
	uint32_t stack;

	if (!digits) {
		stack = one_place();
		NOT_A_TAIL_CALL(5);
		return stack;
	}
	switch (number % 3) {
	case 0:
		stack = by_digits(digits - 1, number / 3);
		NOT_A_TAIL_CALL(5);
		break;
	case 1:
		stack = by_digits(digits - 1, number / 3);
		NOT_A_TAIL_CALL(6);
		break;
	default:
		stack = by_digits(digits - 1, number / 3);
		NOT_A_TAIL_CALL(7);
	}
	return stack;
}

static void innermost_are_kept(void **state)
{
	const void *frames[STACK_FRAMES];

	(void)state;
	assert_int_equal(dma_fence_stack_frames(by_digits(30, 0), frames), STACK_FRAMES);
	/* What is further out makes no difference. */
	assert_int_equal(by_digits(30, 0), by_digits(31, 0));
}

enum { DIGITS = 8, NUMBERS = 6561, THREADS = 2 };

static uint32_t stack_of[NUMBERS];
static int arrived;

/* All at once, and each for the first time. */
static void *take_all(void *arg)
{
	uint32_t i;

	for (i = 0; i < NUMBERS; i++) {
		uint32_t stack, none = 0;

		atomic_fetch_add_release(&arrived, 1);
		while (atomic_load_acquire(&arrived) < (int)(i + 1) * THREADS)
			sched_yield();
		stack = by_digits(DIGITS, i);
		in_thread(stack);
		in_thread(atomic_cas_acq_rel(&stack_of[i], &none, stack) || none == stack);
	}
	return arg;
}

static void threads_agree(void **state)
{
	static bool taken[STACK_MOST + 1];
	pthread_t threads[THREADS];
	uint32_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		threads[i] = start(take_all, NULL);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	for (i = 0; i < NUMBERS; i++) {
		assert_false(taken[stack_of[i]]);
		taken[stack_of[i]] = true;
	}
}

#ifdef SINGLE_STEP

/* Another thread is faster, and stores the same stack while this one is at it. */
static int goes, has_gone;
static uint32_t number_to_take, taken_by_other;

static void *take_when_told(void *arg)
{
	await_flag(&goes);
	taken_by_other = by_digits(14, number_to_take);
	set_flag(&has_gone);
	return arg;
}

static void let_other_go(const uint8_t *instruction)
{
	if (!is_atomic_rmw(instruction) || atomic_load_acquire(&has_gone))
		return;
	set_flag(&goes);
	await_flag(&has_gone);
}

static void another_is_faster(void **state)
{
	int i, ways = 0;

	(void)state;
	for (i = 0; i < 4; i++) {
		pthread_t thread;
		uint32_t mine;

		number_to_take = 200000 + (uint32_t)i;
		goes = has_gone = 0;
		thread = start(take_when_told, NULL);
		step_begin(let_other_go);
		mine = by_digits(14, number_to_take);
		step_end();
		ways += atomic_load_acquire(&has_gone);
		set_flag(&goes);
		join(thread);
		assert_true(mine);
		assert_int_equal(taken_by_other, mine);
	}
	/* First while it takes a number; that is left over, so that later it has one. */
	assert_int_equal(ways, 4);
}

#endif

/* With 14 digits the caller of by_digits() is further out than what is kept. */
static int fill(void)
{
	enum { MANY = 177147 }; /* 3 to the power of 11; another test has had number 0 */
	static uint32_t all[MANY];
	uint32_t before, i, stored = 0;
	uint64_t lost = dma_fence_stack_lost();

	EXPECT(by_digits(14, 300000)); /* no number is left over */
	before = dma_fence_stack_count();
	for (i = 0; i < MANY; i++) {
		all[i] = by_digits(14, i + 1);
		stored += all[i] != 0;
		EXPECT(all[i] <= STACK_MOST);
	}
	EXPECT(stored == STACK_MOST - before);
	EXPECT(dma_fence_stack_count() == STACK_MOST);
	EXPECT(dma_fence_stack_lost() - lost == MANY - stored);
	/* What is there is found, and what is not is not. */
	for (i = 0; i < MANY; i += 97)
		EXPECT(by_digits(14, i + 1) == all[i]);
	return 0;
}

static void full_is_survived(void **state)
{
	(void)state;
	assert_int_equal(in_child(fill), 0);
}

static int no_memory(void)
{
	uint32_t i, block;

	EXPECT(by_digits(14, 300000)); /* no number is left over */
	block = 1024 - dma_fence_stack_count() % 1024;
	for (i = 0; i < block; i++)
		EXPECT(by_digits(14, i + 1));
	EXPECT(dma_fence_stack_count() % 1024 == 0);
	failing_malloc_in = 1;
	EXPECT(!by_digits(14, i + 1));
	EXPECT(failing_malloc_in < 0);
	EXPECT(dma_fence_stack_lost() == 1);
	EXPECT(by_digits(14, i + 1));
	return 0;
}

static void no_memory_is_survived(void **state)
{
	(void)state;
	assert_int_equal(in_child(no_memory), 0);
}

/* What functions an address is in. */
struct names {
	int count;
	struct {
		char function[100], file[100];
		int line;
		bool inlined, own;
	} of[8];
};

static void keep_name(const struct symbol *symbol, void *arg)
{
	struct names *names = arg;

	if (names->count == 8)
		return;
	snprintf(names->of[names->count].function, 100, "%s",
		 symbol->function ? symbol->function : "?");
	snprintf(names->of[names->count].file, 100, "%s", symbol->file ? symbol->file : "?");
	names->of[names->count].line = symbol->line;
	names->of[names->count].inlined = symbol->inlined;
	names->of[names->count].own = symbol->own;
	names->count++;
}

#ifdef HAVE_LIBDW

static uint32_t taken_at;
static int line_of_take, line_of_inlined;

static inline __attribute__((always_inline)) void take_inlined(void)
{
	taken_at = dma_fence_stack_here(), line_of_take = __LINE__;
	NOT_A_TAIL_CALL(8);
}

static SITE void take_with_inlined(void)
{
	take_inlined(), line_of_inlined = __LINE__;
	NOT_A_TAIL_CALL(9);
}

static void names_and_lines(void **state)
{
	const void *frames[STACK_FRAMES];
	struct names names = { 0 };
	char text[300], expected[300], *lines;

	(void)state;
	take_with_inlined();
	assert_true(dma_fence_stack_frames(taken_at, frames) > 2);
	dma_fence_symbolise(frames[0], keep_name, &names);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.of[0].function, "take_inlined");
	assert_string_equal(names.of[0].file, "stack.c");
	assert_int_equal(names.of[0].line, line_of_take);
	assert_true(names.of[0].inlined);
	assert_string_equal(names.of[1].function, "take_with_inlined");
	assert_string_equal(names.of[1].file, "stack.c");
	assert_int_equal(names.of[1].line, line_of_inlined);
	assert_false(names.of[1].inlined);
	assert_false(names.of[0].own || names.of[1].own);

	dma_fence_stack_site(taken_at, text, sizeof(text));
	snprintf(expected, sizeof(expected), "take_inlined (stack.c:%d)", line_of_take);
	assert_string_equal(text, expected);

	lines = printed(taken_at);
	snprintf(expected, sizeof(expected),
		 "\t#0 take_inlined (stack.c:%d) inlined\n\t#1 take_with_inlined (stack.c:%d)\n"
		 "\t#2 names_and_lines (stack.c:",
		 line_of_take, line_of_inlined);
	if (strncmp(lines, expected, strlen(expected)))
		printf("# %s", lines);
	assert_false(strncmp(lines, expected, strlen(expected)));
	/* It ends with the one that all have in common, if it is among the innermost. */
	assert_non_null(strstr(lines, " main (stack.c:"));
	assert_null(strstr(lines, "libc_start"));
	assert_null(strstr(lines, "_start"));
	free(lines);
}

static jmp_buf back;

static SITE __attribute__((noreturn)) void take_and_leave(void)
{
	taken_at = dma_fence_stack_here();
	longjmp(back, 1);
}

/* The return address is not in it any more. */
static SITE __attribute__((noreturn)) void ends_in_a_call(void)
{
	line_of_take = __LINE__ + 1;
	take_and_leave();
}

static void last_call_of_a_function(void **state)
{
	char expected[300], *lines;

	(void)state;
	if (!setjmp(back))
		ends_in_a_call();
	lines = printed(taken_at);
	snprintf(expected, sizeof(expected), "\t#1 ends_in_a_call (stack.c:%d)\n", line_of_take);
	assert_non_null(strstr(lines, expected));
	free(lines);
}

enum { LINE_OF_CALLBACK = __LINE__ + 2 };

static SITE void a_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	taken_at = one_place();
	NOT_A_TAIL_CALL(10);
}

static void functions_have_names(void **state)
{
	char text[300], expected[300];

	(void)state;
	snprintf(expected, sizeof(expected), "a_callback (stack.c:%d)", LINE_OF_CALLBACK);
	dma_fence_symbol_of_function(__extension__(void *) a_callback, text, sizeof(text));
	assert_string_equal(text, expected);
	dma_fence_symbol_of_function(__extension__(void *) dma_fence_get, text, sizeof(text));
	assert_false(strncmp(text, "dma_fence_get (fence.c:", 23));
}

/* Only the innermost of the library's are left out: between others they explain something. */
static void own_between_others(void **state)
{
	struct dma_fence_cb cb;
	struct dma_fence fence;
	char text[300], *lines;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, a_callback), 0);
	dma_fence_signal(&fence);
	lines = printed(taken_at);
	assert_non_null(strstr(lines, "\t#0 one_place (stack.c:"));
	assert_non_null(strstr(lines, "\t#1 a_callback (stack.c:"));
	assert_non_null(strstr(lines, " (signal.c:"));
	assert_non_null(strstr(lines, " own_between_others (stack.c:"));
	free(lines);
	dma_fence_stack_site(taken_at, text, sizeof(text));
	assert_false(strncmp(text, "one_place (stack.c:", 19));
	dma_fence_put(&fence);
}

/*
 * The hook is dma_fence_stack_here() itself: it is called where a hook of the library's would be,
 * which is in a static function. The program's has a name like the library's.
 */
static SITE void dma_fence_of_program(struct dma_fence *fence, void (*take)(void))
{
	static struct hooks hooks;

	hooks.callback = __extension__(void (*)(struct dma_fence *, struct dma_fence_cb *)) take;
	dma_fence_hooks_add(&hooks);
	dma_fence_signal(fence), line_of_take = __LINE__;
	dma_fence_hooks_remove(&hooks);
}

static void own_innermost_left_out(void **state)
{
	const void *frames[STACK_FRAMES];
	struct names names = { 0 };
	char text[300], expected[300], *lines;
	struct dma_fence_cb cb;
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, a_callback), 0);
	dma_fence_of_program(&fence, __extension__(void (*)(void)) dma_fence_stack_here);
	taken_at = dma_fence_stack_count() - 1; /* the last one is the callback's */
	dma_fence_stack_frames(taken_at, frames);
	dma_fence_symbolise(frames[0], keep_name, &names);
	assert_true(names.of[0].own);
	assert_false(!strncmp(names.of[0].function, "dma_", 4));
	snprintf(expected, sizeof(expected), "dma_fence_of_program (stack.c:%d)", line_of_take);
	dma_fence_stack_site(taken_at, text, sizeof(text));
	assert_string_equal(text, expected);
	lines = printed(taken_at);
	assert_non_null(strstr(lines, "\t#0 dma_fence_of_program (stack.c:"));
	assert_null(strstr(lines, "(signal.c:"));
	free(lines);
	dma_fence_put(&fence);
}

/* It is loaded after the first look-up. */
static void library_loaded_later(void **state)
{
	void *library;
	char text[300];

	(void)state;
	dma_fence_symbol_of_function(__extension__(void *) a_callback, text, sizeof(text));
	assert_null(dlopen("libuv.so.1", RTLD_NOW | RTLD_NOLOAD));
	library = dlopen("libuv.so.1", RTLD_NOW);
	assert_non_null(library);
	dma_fence_symbol_of_function(dlsym(library, "uv_version_string"), text, sizeof(text));
	assert_false(strncmp(text, "uv_version_string (", 19));
	dlclose(library);
}

#endif

static void whatever_the_address(void **state)
{
	static const uintptr_t addresses[] = {
		0,	    1, 2, 4096, 0x1234567, UINTPTR_MAX / 2, ~UINTPTR_MAX, UINTPTR_MAX - 1,
		UINTPTR_MAX
	};
	char on_stack[300], *on_heap = malloc(100);
	uint64_t random = 1;
	struct names names;
	size_t i;

	(void)state;
	dma_fence_symbols_begin();
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		names.count = 0;
		dma_fence_symbolise((void *)addresses[i], keep_name, &names);
		assert_int_equal(names.count, 1);
		assert_string_equal(names.of[0].function, "?");
		dma_fence_symbol_of_function((void *)addresses[i], on_stack, sizeof(on_stack));
		assert_false(strncmp(on_stack, "0x", 2));
	}
	dma_fence_symbol_of_function(on_stack, on_stack, sizeof(on_stack));
	dma_fence_symbol_of_function(on_heap, on_stack, sizeof(on_stack));
	free(on_heap);
	/* Anywhere around the code, also in the middle of an instruction, and in data. */
	for (i = 0; i < 2000; i++) {
		intptr_t away;

		random = random * 6364136223846793005u + 1442695040888963407u;
		away = (intptr_t)(random >> 44) - (1 << 19);
		names.count = 0;
		dma_fence_symbolise((void *)((uintptr_t)one_place + (uintptr_t)away), keep_name,
				    &names);
		assert_true(names.count >= 1);
	}
	dma_fence_symbols_end();
	/* A buffer that is too small has an end. */
	dma_fence_symbol_of_function(__extension__(void *) dma_fence_put, on_stack, 4);
	assert_int_equal(strlen(on_stack), 3);
}

static void no_fd_stays_open(void **state)
{
	int before = count_fds();

	(void)state;
	free(printed(two_calls(0)));
	assert_int_equal(count_fds(), before);
	dma_fence_symbols_begin();
	dma_fence_symbols_begin();
	free(printed(two_calls(1)));
	dma_fence_symbols_end();
	dma_fence_symbols_end();
	assert_int_equal(count_fds(), before);
}

/* Exported, so that the dynamic loader knows it. */
uint32_t exported_place(void);

SITE __attribute__((visibility("default"))) uint32_t exported_place(void)
{
	uint32_t stack = one_place();

	NOT_A_TAIL_CALL(11);
	return stack;
}

static int loader_alone(void)
{
	char text[300], *lines;

	without_libdw = true;
	lines = printed(exported_place());
	/* That of a function that is not exported says at least where it is. */
	EXPECT(!strncmp(lines, "\t#0 ", 4));
	EXPECT(strstr(lines, "\t#1 exported_place+0x"));
	EXPECT(strstr(lines, program_invocation_short_name));
	free(lines);
	dma_fence_symbol_of_function(__extension__(void *) exported_place, text, sizeof(text));
	EXPECT(!strncmp(text, "exported_place (", 16));
	return 0;
}

/* The first of all, when nothing has been looked up. */
static void without_debug_information(void **state)
{
	(void)state;
	assert_int_equal(in_child(loader_alone), 0);
}

#ifdef HAVE_LIBDW

/* In place of functions that return a pointer, or a number that is not negative. */
static void *nothing_found(void)
{
	return NULL;
}

static int fails(void)
{
	return -1;
}

static int library_is_replaced(void)
{
	char text[300], *lines = printed(exported_place());

	EXPECT(times_replaced == 1);
	EXPECT(!strncmp(lines, "\t#0 ", 4));
	/* If not from the one, then from the other. */
	EXPECT(strstr(lines, "\t#1 exported_place"));
	free(lines);
	dma_fence_symbol_of_function(__extension__(void *) exported_place, text, sizeof(text));
	EXPECT(!strncmp(text, "exported_place (", 16));
	return 0;
}

/* Of another version, say; or it does not find something, or the files are not in order. */
static void whatever_libdw_does_not_tell(void **state)
{
	static const char *const pointers[] = {
		"dwarf_attr_integrate", "dwarf_decl_file",     "dwarf_filesrc",
		"dwarf_getsrc_die",	"dwarf_linesrc",       "dwfl_addrmodule",
		"dwfl_begin",		"dwfl_module_addrdie", "dwfl_module_addrinfo",
		"dwfl_module_getelf",	"dwfl_module_info",    "dwfl_module_nextcu",
	};
	static const char *const numbers[] = {
		"dwarf_decl_line",	  "dwarf_formudata",   "dwarf_getscopes",
		"dwarf_getscopes_die",	  "dwarf_getsrcfiles", "dwarf_lineno",
		"dwfl_linux_proc_report", "dwfl_report_end",
	};
	size_t i;

	(void)state;
	replacement = __extension__(void *) nothing_found;
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		replaced = pointers[i];
		assert_int_equal(in_child(library_is_replaced), 0);
	}
	replacement = __extension__(void *) fails;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		replaced = numbers[i];
		assert_int_equal(in_child(library_is_replaced), 0);
	}
	replaced = NULL;
}

static int looked_further;

static int look_further(void)
{
	looked_further++;
	return -1;
}

/* The C library, of which there is no debug information in it. */
static int further_is_looked_without_servers(void)
{
	char text[300];

	setenv("DEBUGINFOD_URLS", "http://localhost:1", 1);
	dma_fence_symbol_of_function(__extension__(void *) getpid, text, sizeof(text));
	EXPECT(times_replaced == 1 && !looked_further);
	setenv("DEBUGINFOD_URLS", "", 1);
	dma_fence_symbol_of_function(__extension__(void *) getpid, text, sizeof(text));
	EXPECT(looked_further);
	return 0;
}

static void no_server_is_asked(void **state)
{
	(void)state;
	replaced = "dwfl_standard_find_debuginfo";
	replacement = __extension__(void *) look_further;
	assert_int_equal(in_child(further_is_looked_without_servers), 0);
	replaced = NULL;
}

static int loader_is_asked(void)
{
	char text[300], *lines = printed(exported_place());

	/* It does not know functions that are not exported. */
	EXPECT(missing_in || !strstr(lines, "one_place"));
	EXPECT(strstr(lines, "\t#1 exported_place"));
	free(lines);
	dma_fence_symbol_of_function(__extension__(void *) exported_place, text, sizeof(text));
	EXPECT(!strncmp(text, "exported_place (", 16));
	return missing_in ? 2 : 0;
}

static void of_another_libdw_nothing_is_used(void **state)
{
	int functions = 0, status = 0;

	(void)state;
	while (!status) {
		missing_in = ++functions;
		status = in_child(loader_is_asked);
	}
	missing_in = 0;
	assert_int_equal(status, 2);
	assert_true(functions > 20);
}

#endif

/*
 * A sanitizer's malloc() does not let go of its locks in the child of a fork: one that another
 * thread had stays locked there for ever.
 */
#if !UNDER_SANITIZER

static int over;

static void *print_all_the_time(void *arg)
{
	while (!atomic_load_acquire(&over))
		free(printed(two_calls(0)));
	return arg;
}

static int takes_and_prints(void)
{
	char *lines = printed(exported_place());

	EXPECT(strstr(lines, "exported_place"));
	free(lines);
	return 0;
}

static void child_takes_and_prints(void **state)
{
	pthread_t thread = start(print_all_the_time, NULL);
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		assert_int_equal(in_child(takes_and_prints), 0);
	set_flag(&over);
	join(thread);
}

#endif

static void *print_some(void *arg)
{
	int i;

	for (i = 0; i < 20; i++) {
		char *lines = printed(two_calls(i % 2));

		in_thread(strstr(lines, "#0 "));
		free(lines);
	}
	return arg;
}

static void threads_print(void **state)
{
	pthread_t threads[4];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		threads[i] = start(print_some, NULL);
	for (i = 0; i < 4; i++)
		join(threads[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_debug_information),
#ifdef HAVE_LIBDW
		cmocka_unit_test(whatever_libdw_does_not_tell),
		cmocka_unit_test(of_another_libdw_nothing_is_used),
		cmocka_unit_test(no_server_is_asked),
#endif
		cmocka_unit_test(same_stack_same_number),
		cmocka_unit_test(other_line_other_number),
		cmocka_unit_test(what_is_no_stack),
		cmocka_unit_test(as_libgcc_sees_it),
#if UNWIND_RULES
		cmocka_unit_test(known_ways_are_not_asked_for),
		cmocka_unit_test(tables_may_say_anything),
#endif
		cmocka_unit_test(innermost_are_kept),
		cmocka_unit_test(threads_agree),
#ifdef SINGLE_STEP
		cmocka_unit_test(another_is_faster),
#endif
		cmocka_unit_test(full_is_survived),
		cmocka_unit_test(no_memory_is_survived),
#ifdef HAVE_LIBDW
		cmocka_unit_test(names_and_lines),
		cmocka_unit_test(last_call_of_a_function),
		cmocka_unit_test(functions_have_names),
		cmocka_unit_test(own_between_others),
		cmocka_unit_test(own_innermost_left_out),
		cmocka_unit_test(library_loaded_later),
#endif
		cmocka_unit_test(whatever_the_address),
		cmocka_unit_test(no_fd_stays_open),
#if !UNDER_SANITIZER
		cmocka_unit_test(child_takes_and_prints),
#endif
		cmocka_unit_test(threads_print),
	};

	dma_fence_stack_init();
	return RUN(tests);
}
