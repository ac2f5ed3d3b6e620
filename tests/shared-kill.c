/* SPDX-License-Identifier: MIT */
/*
 * Processes that share a timeline and are killed, between any two instructions, and ones that write
 * nonsense into its memory. Nobody hangs, nothing has succeeded that nobody has completed, what had
 * been signaled stays so, and others can go on.
 *
 * Run again by itself, with arguments: run_again().
 */
#include <limits.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "shared.h"
#include "single-step.h"

#define complete dma_fence_shared_timeline_complete

static int state_of(struct shared_timeline *timeline, uint64_t point)
{
	struct shared_outcome outcome = { 0 };
	uint64_t serial;
	int ret = dma_fence_shared_timeline_point(timeline, point, &serial, &outcome);

	return ret == 1 && outcome.error ? outcome.error : ret;
}

/* Memory that a process that is killed leaves its notes in. */
static void *notes_in(int fd, size_t size)
{
	void *notes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	assert_true(notes != MAP_FAILED);
	return notes;
}

/*
 * Between any two instructions
 */

enum step {
	APPEND_TWO, /* point 2, of which the first is there */
	APPEND_THREE,
	COMPLETE_THREE, /* with an error, and before 2 */
	COMPLETE_TWO,	/* ends both */
	RESET,
	APPEND_BINARY,
	COMPLETE_BINARY,
	RESET_BINARY,
	LET_GO, /* the mapping goes */
	STEPS,
};

/* Steps are begun, and later done; what is in between may have happened or not. */
struct notes {
	uint32_t begun, done;
	uint64_t serials[STEPS];
};

#ifdef SINGLE_STEP

static void do_step(struct shared_timeline *timeline, enum step step, struct notes *notes)
{
	uint64_t *serials = notes->serials;

	switch (step) {
	case APPEND_TWO:
		dma_fence_shared_timeline_append(timeline, 2, &serials[step]);
		break;
	case APPEND_THREE:
		dma_fence_shared_timeline_append(timeline, 3, &serials[step]);
		break;
	case COMPLETE_THREE:
		complete(timeline, serials[APPEND_THREE], -EIO, 3);
		break;
	case COMPLETE_TWO:
		complete(timeline, serials[APPEND_TWO], 0, 2);
		break;
	case APPEND_BINARY:
		dma_fence_shared_timeline_append(timeline, 0, &serials[step]);
		break;
	case COMPLETE_BINARY:
		complete(timeline, serials[APPEND_BINARY], 0, 5);
		break;
	case LET_GO:
		dma_fence_shared_timeline_put(timeline);
		break;
	default:
		dma_fence_shared_timeline_reset(timeline);
	}
}

static void do_steps(struct shared_timeline *timeline, struct notes *notes)
{
	enum step step;

	for (step = 0; step < STEPS; step++) {
		atomic_store_release(&notes->begun, step + 1);
		do_step(timeline, step, notes);
		atomic_store_release(&notes->done, step + 1);
	}
}

#define NONE -ENOENT
#define DEAD -EOWNERDEAD

/* What there is, asked by state_of(), if so many steps were taken before the owner died. */
static const struct {
	int binary, two, three;
	uint64_t last; /* that has ended, for there is nobody left who could have it pending */
} expected[STEPS + 1] = {
	{ -EINVAL, NONE, NONE, 1 },    { -EINVAL, DEAD, NONE, 2 }, { -EINVAL, DEAD, DEAD, 3 },
	{ -EINVAL, DEAD, DEAD, 3 },    { -EINVAL, 1, -EIO, 3 },	   { NONE, NONE, NONE, 0 },
	{ DEAD, -EINVAL, -EINVAL, 0 }, { 1, -EINVAL, -EINVAL, 0 }, { NONE, NONE, NONE, 0 },
	{ NONE, NONE, NONE, 0 },
};

static bool as_expected(struct shared_timeline *timeline, uint32_t steps)
{
	return state_of(timeline, 0) == expected[steps].binary &&
	       state_of(timeline, 2) == expected[steps].two &&
	       state_of(timeline, 3) == expected[steps].three &&
	       dma_fence_shared_timeline_signaled(timeline) == expected[steps].last &&
	       dma_fence_shared_timeline_submitted(timeline) == expected[steps].last;
}

static void check_rest(struct shared_timeline *timeline, const struct notes *notes, bool owners)
{
	enum step step;

	/* Whoever comes first finds out, be it who looks after owners. */
	if (!owners)
		state_of(timeline, 100);
	assert_int_equal(check_owners_now(timeline), 0);
	assert_true(as_expected(timeline, notes->done) || as_expected(timeline, notes->begun));
	for (step = 0; step < notes->done; step++) {
		if (notes->serials[step])
			assert_int_equal(dma_fence_shared_timeline_wait_serial(
						 timeline, notes->serials[step], false, 0),
					 0);
	}

	/* And can go on. */
	assert_int_equal(dma_fence_shared_timeline_reset(timeline), 0);
	complete(timeline, append(timeline, 7), 0, 1);
	assert_int_equal(state_of(timeline, 7), 1);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 7);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 7);
	assert_int_equal(timeline->memory->tail, timeline->memory->next);
}

/* What is left of who is killed is what is in the memory. Only its beginning is ever used here. */
#define USED (offsetof(struct shared_memory, ring) + 16 * sizeof(struct entry))

#define SNAPSHOTS 1000

static struct {
	struct shared_memory *of;
	struct notes notes;
	int count, instructions;
	struct {
		struct notes notes;
		char memory[USED];
	} snapshots[SNAPSHOTS];
} watched;

static void take_snapshot(const uint8_t *instruction)
{
	int last = watched.count - 1;

	(void)instruction;
	watched.instructions++;
	if (last >= 0 && !memcmp(watched.snapshots[last].memory, watched.of, USED) &&
	    !memcmp(&watched.snapshots[last].notes, &watched.notes, sizeof(watched.notes)))
		return;
	if (watched.count == SNAPSHOTS)
		abort();
	memcpy(watched.snapshots[watched.count].memory, watched.of, USED);
	watched.snapshots[watched.count++].notes = watched.notes;
}

static void killed_between_any_two_instructions(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	int i;

	(void)state;
	complete(timeline, append(timeline, 1), 0, 1);
	watched.of = timeline->memory;
	step_begin(take_snapshot);
	do_steps(other, &watched.notes);
	step_end();
	assert_true(watched.instructions > 500);
	assert_true(watched.count > 50);
	assert_int_equal(timeline->peer.id, 1);
	dma_fence_shared_timeline_put(timeline);

	for (i = 0; i < 2 * watched.count; i++) {
		timeline = create();
		/* With the id of the one that was alive, and without that of the other. */
		assert_int_equal(timeline->peer.id, 1);
		memcpy(timeline->memory, watched.snapshots[i / 2].memory, USED);
		check_rest(timeline, &watched.snapshots[i / 2].notes, i % 2);
		dma_fence_shared_timeline_put(timeline);
	}
}

static int step_now, step_last;

static void die_at_last(const uint8_t *instruction)
{
	(void)instruction;
	if (++step_now == step_last)
		syscall(SYS_kill, getpid(), SIGKILL);
}

/* The same with processes that do die, some of those times. */
static void killed_between_some_instructions(void **state)
{
	struct notes *notes = notes_in(-1, sizeof(*notes));
	int status = -1;

	(void)state;
	for (step_last = 1; status; step_last += SLOWED_BY_SANITIZER > 1 ? 1999 : 53) {
		struct shared_timeline *timeline = create();
		pid_t pid;

		memset(notes, 0, sizeof(*notes));
		complete(timeline, append(timeline, 1), 0, 1);
		step_now = 0;
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			step_begin(die_at_last);
			do_steps(timeline, notes);
			step_end();
			_exit(0);
		}
		status = ended_within(pid, 20 * SECOND);
		assert_true(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		check_rest(timeline, notes, step_last % 2);
		dma_fence_shared_timeline_put(timeline);
	}
	assert_true(step_last > 500);
	assert_int_equal(munmap(notes, sizeof(*notes)), 0);
}
#endif

/*
 * A scripted exchange
 */

#define WAITERS 8

/* What a process that waits ends with. */
enum found {
	FOUND_SUCCESS,
	FOUND_OWNER_DEAD,  /* the point has ended with that */
	FOUND_NOBODY_LEFT, /* the wait has */
	FOUND_OTHER,
};

/* Where the producer stops, to be killed. */
enum stop {
	APPENDED_ONE,
	COMPLETED_ONE,
	APPENDED_TWO_AND_THREE,
	COMPLETED_THREE,
	KEEPS_THE_LOCK,
	COMPLETED_TWO_BUT_DID_NOT_END_IT,
	ENDED_TWO_BUT_DID_NOT_SAY_SO,
	STOPS,
};

static const char *number(int value)
{
	static char texts[8][16];
	static int next;
	char *text = texts[next++ % 8];

	snprintf(text, sizeof(texts[0]), "%d", value);
	return text;
}

/* From here on a process cannot be told from one that is asleep, bar that it is there. */
static void ready(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(100);
}

static void await_ready(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

static int wait_again(int handle, int ready_fd)
{
	struct shared_timeline *timeline;
	int ret;

	if (dma_fence_shared_timeline_import(handle, &timeline))
		return FOUND_OTHER;
	ready(ready_fd);
	ret = wait_until(timeline, 3, SHARED_WAIT_FOR_SUBMIT, 30 * SECOND);
	if (ret)
		return ret == -EOWNERDEAD ? FOUND_NOBODY_LEFT : FOUND_OTHER;
	ret = state_of(timeline, 3);
	dma_fence_shared_timeline_put(timeline);
	if (ret == 1)
		return FOUND_SUCCESS;
	return ret == -EOWNERDEAD ? FOUND_OWNER_DEAD : FOUND_OTHER;
}

static void stop_here(int ready_fd)
{
	ready(ready_fd);
	for (;;)
		pause();
}

static void set_word(struct shared_timeline *timeline, uint64_t serial, enum entry_state state)
{
	atomic_store_release(&timeline->memory->ring[serial].word, ENTRY_WORD(serial, state));
}

static int produce_again(int handle, int ready_fd, enum stop stop)
{
	struct shared_timeline *timeline;
	uint64_t serials[4];
	int i;

	if (dma_fence_shared_timeline_import(handle, &timeline))
		return 1;
	dma_fence_shared_timeline_append(timeline, 1, &serials[1]);
	if (stop == APPENDED_ONE)
		stop_here(ready_fd);
	complete(timeline, serials[1], 0, 1);
	if (stop == COMPLETED_ONE)
		stop_here(ready_fd);
	for (i = 2; i <= 3; i++)
		dma_fence_shared_timeline_append(timeline, (uint64_t)i, &serials[i]);
	if (stop == APPENDED_TWO_AND_THREE)
		stop_here(ready_fd);
	complete(timeline, serials[3], 0, 3);
	if (stop == COMPLETED_THREE)
		stop_here(ready_fd);
	dma_fence_shared_lock(&timeline->memory->lock, &timeline->peer, SECOND);
	if (stop == KEEPS_THE_LOCK)
		stop_here(ready_fd);
	set_word(timeline, serials[2], ENTRY_COMPLETED);
	if (stop == COMPLETED_TWO_BUT_DID_NOT_END_IT)
		stop_here(ready_fd);
	set_word(timeline, serials[2], ENTRY_ENDED);
	set_word(timeline, serials[3], ENTRY_ENDED);
	stop_here(ready_fd);
	return 1;
}

static pid_t begin_again(const char *role, int handle, int ready_fd, int number_)
{
	const char *const arguments[] = { "shared-kill",   role, number(handle), number(ready_fd),
					  number(number_), NULL };

	return run_again(arguments);
}

/* All wake within a second, and none is told that something was done which was not. */
static void killed_at_each_step(void **state)
{
	enum stop stop;

	(void)state;
	for (stop = 0; stop < STOPS; stop++) {
		struct shared_timeline *timeline = create();
		int exported = dma_fence_shared_timeline_export(timeline), handle = dup(exported);
		int i, ready_fds[2], status, found;
		pid_t waiters[WAITERS], producer;
		int64_t killed;

		/* Who exports counts as one who could promise something. */
		close(exported);
		dma_fence_shared_timeline_put(timeline);

		assert_int_equal(pipe(ready_fds), 0);
		for (i = 0; i < WAITERS; i++)
			waiters[i] = begin_again("wait", handle, ready_fds[1], 0);
		for (i = 0; i < WAITERS; i++)
			await_ready(ready_fds[0]);
		producer = begin_again("produce", handle, ready_fds[1], (int)stop);
		await_ready(ready_fds[0]);
		let_it_sleep();

		killed = clock_now();
		assert_int_equal(kill(producer, SIGKILL), 0);
		status = ended_within(producer, 10 * SECOND);
		assert_true(WIFSIGNALED(status));
		if (stop <= COMPLETED_ONE)
			found = FOUND_NOBODY_LEFT;
		else
			found = stop <= KEEPS_THE_LOCK ? FOUND_OWNER_DEAD : FOUND_SUCCESS;
		for (i = 0; i < WAITERS; i++) {
			status = ended_within(waiters[i], 20 * SECOND);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), found);
		}
		assert_true(clock_now() - killed < SECOND * (SLOWED_BY_SANITIZER > 1 ? 3 : 1));

		timeline = import(handle);
		assert_int_equal(state_of(timeline, 1), stop < COMPLETED_ONE ? -EOWNERDEAD : 1);
		complete(timeline, append(timeline, 4), 0, 4);
		assert_int_equal(state_of(timeline, 4),
				 stop == COMPLETED_ONE || found == FOUND_SUCCESS ? 1 : -EOWNERDEAD);
		dma_fence_shared_timeline_put(timeline);
		close(handle);
		close(ready_fds[0]);
		close(ready_fds[1]);
	}
}

/*
 * At any time
 */

#define POINTS (1 << 20)

struct busy_notes {
	uint64_t signaled;    /* what somebody has seen to be so */
	uint64_t wrong;	      /* a point that was a success too early */
	uint8_t done[POINTS]; /* what was completed, or is just being */
};

static int produce_busily(int handle, int ready_fd, int notes_fd)
{
	struct busy_notes *notes = notes_in(notes_fd, sizeof(*notes));
	struct shared_timeline *timeline;

	if (dma_fence_shared_timeline_import(handle, &timeline))
		return 1;
	ready(ready_fd);
	for (;;) {
		uint64_t point = dma_fence_shared_timeline_submitted(timeline) + 1, serial;
		int ret;

		if (point >= POINTS)
			pause();
		ret = dma_fence_shared_timeline_append(timeline, point, &serial);
		if (ret && ret != -ERANGE && ret != -EAGAIN)
			return -ret;
		if (ret)
			continue;
		atomic_store_release(&notes->done[point], 1);
		ret = complete(timeline, serial, 0, 1);
		if (ret)
			return -ret;
	}
}

static bool told_too_early(struct shared_timeline *timeline, struct busy_notes *notes,
			   uint64_t point)
{
	if (state_of(timeline, point) != 1 || atomic_load_acquire(&notes->done[point % POINTS]))
		return false;
	atomic_store_relaxed(&notes->wrong, point);
	return true;
}

static int consume_busily(int handle, int ready_fd, int notes_fd)
{
	struct busy_notes *notes = notes_in(notes_fd, sizeof(*notes));
	struct shared_timeline *timeline;

	if (dma_fence_shared_timeline_import(handle, &timeline))
		return 1;
	ready(ready_fd);
	for (;;) {
		uint64_t point = dma_fence_shared_timeline_signaled(timeline) + 1;

		if (wait_until(timeline, point, SHARED_WAIT_FOR_SUBMIT, SECOND / 10) == 0 &&
		    told_too_early(timeline, notes, point))
			return 2;
		atomic_store_relaxed(&notes->signaled,
				     dma_fence_shared_timeline_signaled(timeline));
	}
}

static void end_by_kill(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	status = ended_within(pid, 10 * SECOND);
	assert_true(WIFSIGNALED(status));
}

static void killed_at_any_time(void **state)
{
	unsigned int seed = 1, round;

	(void)state;
	for (round = 0; round < (SLOWED_BY_SANITIZER > 1 ? 10 : 50); round++) {
		struct shared_timeline *timeline = create();
		int exported = dma_fence_shared_timeline_export(timeline), handle = dup(exported);
		int i, ready_fds[2], notes_fd = memfd_create("notes", 0);
		pid_t producers[2], consumers[2];
		struct busy_notes *notes;
		uint64_t point, signaled;

		close(exported);
		assert_int_equal(ftruncate(notes_fd, sizeof(*notes)), 0);
		notes = notes_in(notes_fd, sizeof(*notes));
		assert_int_equal(pipe(ready_fds), 0);
		for (i = 0; i < 2; i++) {
			producers[i] =
				begin_again("produce-busily", handle, ready_fds[1], notes_fd);
			consumers[i] =
				begin_again("consume-busily", handle, ready_fds[1], notes_fd);
		}
		for (i = 0; i < 4; i++)
			await_ready(ready_fds[0]);
		sleep_ns(rand_r(&seed) % (4 * MS));
		end_by_kill(producers[0]);

		/* The other one goes on, and is not held up for long. */
		point = dma_fence_shared_timeline_submitted(timeline) + 10;
		if (point > POINTS - 1)
			point = POINTS - 1; /* it was at the end before this process got on */
		assert_int_equal(wait_until(timeline, point, SHARED_WAIT_FOR_SUBMIT, 10 * SECOND),
				 0);
		sleep_ns(rand_r(&seed) % (2 * MS));
		end_by_kill(consumers[0]);
		end_by_kill(producers[1]);
		end_by_kill(consumers[1]);

		assert_int_equal(check_owners_now(timeline), 0);
		signaled = dma_fence_shared_timeline_signaled(timeline);
		assert_true(signaled >= notes->signaled);
		assert_int_equal(signaled, dma_fence_shared_timeline_submitted(timeline));
		for (point = 1; point <= signaled; point++)
			assert_false(told_too_early(timeline, notes, point));
		assert_int_equal(notes->wrong, 0);
		complete(timeline, append(timeline, signaled + 1), 0, 1);
		assert_int_equal(wait_until(timeline, signaled + 1, 0, 0), 0);

		dma_fence_shared_timeline_put(timeline);
		munmap(notes, sizeof(*notes));
		close(notes_fd);
		close(handle);
		close(ready_fds[0]);
		close(ready_fds[1]);
	}
}

/*
 * Nonsense
 */

static uint64_t random_word(unsigned int *seed)
{
	return (uint64_t)rand_r(seed) << 48 ^ (uint64_t)rand_r(seed) << 24 ^ (uint64_t)rand_r(seed);
}

/* Half of it where there are few words on which much depends. */
static void scribble(struct shared_memory *memory, unsigned int *seed)
{
	const size_t words = offsetof(struct shared_memory, ring) / sizeof(uint32_t);
	const size_t all_words = sizeof(*memory) / sizeof(uint32_t);
	const size_t lock = offsetof(struct shared_memory, lock) / sizeof(uint32_t);
	const size_t used = words + 32 * sizeof(struct entry) / sizeof(uint32_t);
	uint32_t *where = (uint32_t *)(void *)memory, value;
	size_t word;

	switch (rand_r(seed) % 4) {
	case 0:
		word = random_word(seed) % all_words;
		break;
	case 1:
		word = random_word(seed) % used;
		break;
	default:
		word = random_word(seed) % words;
	}
	switch (rand_r(seed) % 4) {
	case 0:
		value = (uint32_t)rand_r(seed) % 16;
		break;
	case 1:
		value = atomic_load_relaxed(&where[word]) + (uint32_t)rand_r(seed) % 3 - 1;
		break;
	case 2:
		value = atomic_load_relaxed(&where[random_word(seed) % used]);
		break;
	default:
		value = (uint32_t)random_word(seed);
	}
	/* Not the id of one who lives: that takes seconds, and has a test of its own. */
	if (word == lock)
		value |= 1 << 20;
	atomic_store_relaxed(&where[word], value);
}

/* Anything, with any arguments; what it returns is as it may be. */
static void do_anything(struct shared_timeline *timeline, unsigned int *seed)
{
	uint64_t point = (uint64_t)rand_r(seed) % 20, serial;
	struct shared_outcome outcome;
	int ret = 0;

	switch (rand_r(seed) % 8) {
	case 0:
	case 1:
		ret = dma_fence_shared_timeline_append(timeline, point, &serial);
		if (!ret)
			complete(timeline, serial, -(rand_r(seed) % 2), 1);
		break;
	case 2:
		/* Left to others. */
		ret = dma_fence_shared_timeline_append(timeline, point, &serial);
		if (!ret)
			dma_fence_shared_timeline_put(timeline);
		break;
	case 3:
		ret = dma_fence_shared_timeline_point(timeline, point, &serial, &outcome);
		assert_true(ret != 1 || (outcome.error <= 0 && outcome.error >= -4095));
		break;
	case 4:
		serial = random_word(seed) % 30;
		ret = dma_fence_shared_timeline_outcome(timeline, serial, &outcome);
		assert_true(ret != 1 || (outcome.error <= 0 && outcome.error >= -4095));
		break;
	case 5:
		ret = wait_until(timeline, point, (unsigned int)rand_r(seed) % 4,
				 rand_r(seed) % (MS / 10));
		break;
	case 6:
		if (rand_r(seed) % 4 == 0)
			ret = dma_fence_shared_timeline_reset(timeline);
		break;
	default:
		dma_fence_shared_timeline_arm(timeline);
		check_owners_now(timeline);
	}
	assert_true(ret >= -4095 && ret <= 1);
}

static struct {
	struct shared_timeline *mine, *his;
	int over;
} bad;

static void *use(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	while (!atomic_load_acquire(&bad.over))
		do_anything(bad.mine, &seed);
	return NULL;
}

static void *write_nonsense(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	while (!atomic_load_acquire(&bad.over))
		scribble(bad.his->memory, &seed);
	return NULL;
}

static void all_at_once(void **state)
{
	unsigned int round, i;

	(void)state;
	alarm(100);
	for (round = 1; round <= 100; round++) {
		pthread_t threads[4];

		bad.mine = create();
		bad.his = another(bad.mine);
		bad.over = 0;
		for (i = 0; i < 3; i++)
			threads[i] = start(use, (void *)(uintptr_t)(round * 4 + i));
		threads[3] = start(write_nonsense, (void *)(uintptr_t)(round * 4 + 3));
		sleep_ns(round % 2 ? 2 * MS : MS / 5);
		set_flag(&bad.over);
		for (i = 0; i < 4; i++)
			join(threads[i]);
		dma_fence_shared_timeline_put(bad.his);
		dma_fence_shared_timeline_put(bad.mine);
	}
	alarm(0);
}

/* Word by word, so that one at a time is what is wrong. */
static void one_after_the_other(void **state)
{
	unsigned int round, i;

	(void)state;
	alarm(100);
	for (round = 1; round <= 10000 / SLOWED_BY_SANITIZER; round++) {
		struct shared_timeline *timeline = create();
		unsigned int seed = round;

		for (i = 0; i < 10; i++)
			do_anything(timeline, &seed);
		for (i = 0; i < 20; i++) {
			if (i % 7 == 0)
				scribble(timeline->memory, &seed);
			do_anything(timeline, &seed);
		}
		dma_fence_shared_timeline_put(timeline);
	}
	alarm(0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#ifdef SINGLE_STEP
		shared_test(killed_between_any_two_instructions),
		shared_test(killed_between_some_instructions),
#endif
		shared_test(killed_at_each_step),
		shared_test(killed_at_any_time),
		shared_test(all_at_once),
		shared_test(one_after_the_other),
	};

	if (argc == 5) {
		const int handle = atoi(argv[2]), ready_fd = atoi(argv[3]), last = atoi(argv[4]);

		alarm(60);
		if (!strcmp(argv[1], "wait"))
			return wait_again(handle, ready_fd);
		if (!strcmp(argv[1], "produce"))
			return produce_again(handle, ready_fd, (enum stop)last);
		if (!strcmp(argv[1], "produce-busily"))
			return produce_busily(handle, ready_fd, last);
		return consume_busily(handle, ready_fd, last);
	}
	return RUN(tests);
}
