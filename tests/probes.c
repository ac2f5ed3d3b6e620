/* SPDX-License-Identifier: MIT */
/* Probes are hit as often as what they stand for happens, with nothing switched on. */
#include <elf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "support.h"

/* More than there are places in the library. */
#define MOST_PLACES 64

struct place {
	const char *name;
	uint64_t offset; /* in the file */
	int counter;
};

static const char *file; /* this program, as it is on the disk */
static struct place places[MOST_PLACES];
static size_t num_places;

static uint64_t offset_of(uint64_t address)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *segment = (const void *)(file + header->e_phoff);
	int i;

	for (i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_LOAD && address >= segment[i].p_vaddr &&
		    address - segment[i].p_vaddr < segment[i].p_filesz)
			return address - segment[i].p_vaddr + segment[i].p_offset;
	}
	fail_msg("a probe is outside of the file");
	return 0;
}

/* Notes are written by the assembler: an owner, and where it is, and what it is called. */
static void read_notes(const char *note, const char *end)
{
	while (note < end) {
		const Elf64_Nhdr *header = (const void *)note;
		const char *owner = note + sizeof(*header);
		const char *data = owner + ((header->n_namesz + 3) & ~3u);
		const char *provider = data + 3 * sizeof(uint64_t);
		uint64_t address;

		if (!strcmp(owner, "stapsdt") && !strcmp(provider, "dmafence")) {
			assert_true(num_places < MOST_PLACES);
			memcpy(&address, data, sizeof(address));
			places[num_places].name = provider + strlen(provider) + 1;
			places[num_places].offset = offset_of(address);
			places[num_places++].counter = -1;
		}
		note = data + ((header->n_descsz + 3) & ~3u);
	}
}

static void find_places(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const Elf64_Shdr *section, *names;
	const Elf64_Ehdr *header;
	struct stat status;
	int i;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(file != MAP_FAILED);
	close(fd);

	header = (const void *)file;
	assert_int_equal(header->e_ident[EI_CLASS], ELFCLASS64);
	section = (const void *)(file + header->e_shoff);
	names = &section[header->e_shstrndx];
	for (i = 0; i < header->e_shnum; i++) {
		if (!strcmp(file + names->sh_offset + section[i].sh_name, ".note.stapsdt"))
			read_notes(file + section[i].sh_offset,
				   file + section[i].sh_offset + section[i].sh_size);
	}
}

/* Counts how often this thread comes by. Returns an fd, or -1. */
static int count_hits(uint64_t offset)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char type[16] = "";
	int fd = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (read(fd, type, sizeof(type) - 1) <= 0)
		type[0] = '\0';
	close(fd);
	attr.type = (uint32_t)atoi(type);
	attr.config1 = (uintptr_t) "/proc/self/exe";
	attr.config2 = offset;
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int hits(const char *name)
{
	uint64_t sum = 0, count;
	size_t i;

	for (i = 0; i < num_places; i++) {
		if (!strcmp(places[i].name, name)) {
			assert_int_equal(read(places[i].counter, &count, sizeof(count)),
					 sizeof(count));
			sum += count;
		}
	}
	return (int)sum;
}

/* What was hit since the last time that this was asked. */
static void assert_hits(int inits, int enables, int signals, int callbacks, int waits, int destroys)
{
	size_t i;

	assert_int_equal(hits("init"), inits);
	assert_int_equal(hits("enable"), enables);
	assert_int_equal(hits("signal"), signals);
	assert_int_equal(hits("callback"), callbacks);
	assert_int_equal(hits("wait_begin"), waits);
	assert_int_equal(hits("wait_end"), waits);
	assert_int_equal(hits("destroy"), destroys);
	assert_int_equal(hits("wait_any_begin"), hits("wait_any_end"));
	for (i = 0; i < num_places; i++)
		assert_int_equal(ioctl(places[i].counter, PERF_EVENT_IOC_RESET, 0), 0);
}

static struct dma_fence fences[4];

static void the_short_way(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		fence_init(&fences[0]);
		dma_fence_signal(&fences[0]);
		dma_fence_signal(&fences[0]); /* which it is already */
		dma_fence_put(&fences[0]);
	}
	assert_hits(100, 0, 100, 0, 0, 100);
}

static bool enabled(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static const struct dma_fence_ops enabled_ops = {
	.enable_signaling = enabled,
	.release = count_release,
};

static void enabled_and_called_back(void **state)
{
	struct counter counters[3] = { 0 };
	size_t i;

	(void)state;
	dma_fence_init(&fences[0], &enabled_ops, dma_fence_context_alloc(1), 1);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		assert_int_equal(dma_fence_add_callback(&fences[0], &counters[i].cb, count_call),
				 0);
	assert_true(dma_fence_remove_callback(&fences[0], &counters[1].cb));
	dma_fence_signal(&fences[0]);
	dma_fence_put(&fences[0]);
	assert_hits(1, 1, 1, 2, 0, 1);

	fence_init(&fences[0]);
	dma_fence_add_callback(&fences[0], &counters[0].cb, count_call);
	assert_int_equal(dma_fence_set_error(&fences[0], -EIO), 0);
	dma_fence_signal(&fences[0]);
	dma_fence_put(&fences[0]);
	assert_hits(1, 0, 1, 1, 0, 1);
}

static void members_of_an_array(void **state)
{
	struct dma_fence_array *array;
	struct counter counter = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fence_init(&fences[i]);
	array = array_of_fences(fences, ARRAY_SIZE(fences));
	dma_fence_add_callback(&array->base, &counter.cb, count_call);
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(calls(&counter), 1);
	/* The array's own callback is on the member that signals last. */
	assert_hits(5, 1, 5, 2, 0, 0);
	dma_fence_put(&array->base);
	assert_hits(0, 0, 0, 0, 0, 5);
}

static void waited_for(void **state)
{
	struct dma_fence *both[2];

	(void)state;
	fence_init(&fences[0]);
	assert_int_equal(dma_fence_wait_timeout(&fences[0], false, MS), 0);
	dma_fence_signal(&fences[0]);
	assert_int_equal(dma_fence_wait(&fences[0], false), 0); /* without a wait */
	dma_fence_put(&fences[0]);
	assert_hits(1, 0, 1, 0, 1, 1);

	both[0] = &fences[0];
	both[1] = &fences[1];
	fence_init(both[0]);
	fence_init(both[1]);
	assert_int_equal(dma_fence_wait_any_timeout(both, 2, false, MS, NULL), 0);
	assert_int_equal(hits("wait_any_begin"), 1);
	assert_hits(2, 0, 0, 0, 0, 0);
	dma_fence_signal(both[1]);
	assert_true(dma_fence_wait_any_timeout(both, 2, false, MS, NULL) > 0); /* at once */
	assert_int_equal(hits("wait_any_begin"), 0);
	dma_fence_signal(both[0]);
	dma_fence_put(both[0]);
	dma_fence_put(both[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_short_way),
		cmocka_unit_test(enabled_and_called_back),
		cmocka_unit_test(members_of_an_array),
		cmocka_unit_test(waited_for),
	};
	size_t i;

	find_places();
	for (i = 0; i < num_places; i++) {
		places[i].counter = count_hits(places[i].offset);
		if (places[i].counter < 0) {
			printf("1..0 # SKIP a counter at a probe: %s\n", strerror(errno));
			return 0;
		}
	}
	if (!num_places) {
		printf("1..0 # SKIP built without <sys/sdt.h>\n");
		return 0;
	}
	return RUN(tests);
}
