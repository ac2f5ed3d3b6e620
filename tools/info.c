/* SPDX-License-Identifier: MIT */
/* dmafence info: which library this is, and what the machine has that matters to it. */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <dmafence/dmafence.h>
#include <softgpu/softgpu.h>

#include "commands.h"
#include "escape.h"

/* Where the items go, in one of two forms. */
struct sheet {
	bool json;
	bool section_is_open;
	bool item_was_written;
};

static void begin_section(struct sheet *sheet, const char *key, const char *heading)
{
	if (!sheet->json)
		printf("%s%s\n", sheet->section_is_open ? "\n" : "", heading);
	else
		printf("%s\"%s\": {", sheet->section_is_open ? "\n  },\n  " : "{\n  ", key);
	sheet->section_is_open = true;
	sheet->item_was_written = false;
}

static void end_sheet(const struct sheet *sheet)
{
	if (sheet->json)
		puts("\n  }\n}");
}

/* What comes before a value. */
static void begin_item(struct sheet *sheet, const char *key, const char *name)
{
	if (sheet->json) {
		printf("%s\n    ", sheet->item_was_written ? "," : "");
		write_json(stdout, key);
		fputs(": ", stdout);
	} else {
		printf("  %-26s  ", name);
	}
	sheet->item_was_written = true;
}

static void write_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
}

static void item_text(struct sheet *sheet, const char *key, const char *name, const char *value)
{
	begin_item(sheet, key, name);
	if (sheet->json) {
		write_json(stdout, value);
		return;
	}
	write_text(value);
	putchar('\n');
}

static void item_number(struct sheet *sheet, const char *key, const char *name, uint64_t value,
			const char *unit)
{
	begin_item(sheet, key, name);
	printf("%llu", (unsigned long long)value);
	if (!sheet->json)
		printf("%s%s\n", *unit ? " " : "", unit);
}

/* @note: what there is to add for a reader, or "" */
static void item_yes(struct sheet *sheet, const char *key, const char *name, bool value,
		     const char *note)
{
	begin_item(sheet, key, name);
	if (sheet->json) {
		fputs(value ? "true" : "false", stdout);
		return;
	}
	printf("%s%s%s\n", value ? "yes" : "no", *note ? ": " : "", note);
}

static bool has_feature(const char *feature)
{
	const char *features = dma_fence_features();
	size_t length;

	for (; *features; features += length + (features[length] == ' ')) {
		length = strcspn(features, " ");
		if (length == strlen(feature) && !memcmp(features, feature, length))
			return true;
	}
	return false;
}

static bool can_load(const char *library)
{
	void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);

	if (!handle)
		return false;
	dlclose(handle);
	return true;
}

static void library(struct sheet *sheet)
{
	bool built = has_feature("libdw");
	bool loads = built && can_load("libdw.so.1");

	begin_section(sheet, "library", "Library");
	item_text(sheet, "version", "version", dma_fence_version());
	if (strcmp(dma_fence_version(), DMA_FENCE_VERSION))
		item_text(sheet, "headers", "this command is for", DMA_FENCE_VERSION);
	item_yes(sheet, "lines_in_reports", "lines of code in reports", loads,
		 !built	  ? "built without libdw"
		 : !loads ? "libdw.so.1 is not installed"
			  : "libdw");
	item_yes(sheet, "probes", "probes for tracers (USDT)", has_feature("probes"),
		 has_feature("probes") ? "" : "built without <sys/sdt.h>");
}

/* What the environment switches on in every program. */
static void environment(struct sheet *sheet)
{
	static const char *const names[] = {
		"DMA_FENCE_DEBUG",     "DMA_FENCE_HANG_MS",  "DMA_FENCE_LEAKS_EXIT",
		"DMA_FENCE_LEDGER_MB", "DMA_FENCE_ON_FAULT", "DMA_FENCE_TRACE",
		"LINUX_LOG_LEVEL",     "SOFTGPU_CHECK",
	};
	bool any = false;
	size_t i;

	begin_section(sheet, "environment", "Environment");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (!value)
			continue;
		any = true;
		item_text(sheet, names[i], names[i], value);
		/*
		 * All that it switches on is on already: this only asks whether it knows the words.
		 */
		if (!strcmp(names[i], "DMA_FENCE_DEBUG"))
			item_yes(sheet, "debug_words_known", "  all of its words known",
				 !dma_fence_debug(value), "");
	}
	if (!any && !sheet->json)
		puts("  nothing is set");
}

/*
 * The first line of a file; of one that has "name : value" lines the value of the first of @name.
 */
static void read_line(const char *path, const char *name, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool found = false;

	while (file && !found && fgets(line, (int)size, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (name && !strncmp(line, name, strlen(name))) {
			const char *value = strchr(line, ':');

			value = value ? value + 1 + strspn(value + 1, " ") : "";
			memmove(line, value, strlen(value) + 1);
			found = true;
		}
		found |= !name;
	}
	if (!found)
		snprintf(line, size, "unknown");
	if (file)
		fclose(file);
}

static unsigned int usable_cpus(void)
{
	cpu_set_t set;

	/* Fails on machines with more than 1024: then all of them. */
	if (sched_getaffinity(0, sizeof(set), &set))
		return (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned int)CPU_COUNT(&set);
}

static bool has_membarrier(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED;
}

static bool has_memfd(void)
{
	int fd = memfd_create("dmafence info", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* The call is refused for want of parameters, if it is not for want of the call. */
static bool has_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 0, NULL) < 0 && (errno == EFAULT || errno == EINVAL);
}

static unsigned int render_nodes(void)
{
	unsigned int count = 0;
	glob_t found;

	if (!glob("/dev/dri/renderD*", 0, NULL, &found))
		count = (unsigned int)found.gl_pathc;
	globfree(&found);
	return count;
}

static void machine(struct sheet *sheet)
{
	char line[256];
	struct utsname name;
	struct rlimit fds;

	begin_section(sheet, "machine", "Machine");
	if (!uname(&name)) {
		snprintf(line, sizeof(line), "%s %s (%s)", name.sysname, name.release,
			 name.machine);
		item_text(sheet, "kernel", "kernel", line);
	}
	read_line("/proc/cpuinfo", "model name", line, sizeof(line));
	item_text(sheet, "cpu", "CPU", line);
	item_number(sheet, "cpus", "CPUs that can be used", usable_cpus(), "");
	item_number(sheet, "memory_mib", "memory",
		    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20,
		    "MiB");
	item_number(sheet, "page_size", "page size", (uint64_t)sysconf(_SC_PAGESIZE), "bytes");
	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL, line,
		  sizeof(line));
	item_text(sheet, "clock_source", "clock source", line);
	/* A sync file that has not signaled costs two. */
	if (!getrlimit(RLIMIT_NOFILE, &fds)) {
		if (fds.rlim_cur == RLIM_INFINITY)
			item_text(sheet, "max_fds", "open fds, at most", "unlimited");
		else
			item_number(sheet, "max_fds", "open fds, at most", fds.rlim_cur, "");
	}
	item_yes(sheet, "membarrier", "membarrier", has_membarrier(), "");
	item_yes(sheet, "memfd", "memfd", has_memfd(), "");
	item_yes(sheet, "io_uring", "io_uring", has_io_uring(), "");
	item_number(sheet, "render_nodes", "GPUs (render nodes)", render_nodes(), "");
	item_yes(sheet, "sw_sync", "sync files of sw_sync",
		 !access("/sys/kernel/debug/sync/sw_sync", R_OK | W_OK), "");
}

/* Engines of a class. */
static void item_engines(struct sheet *sheet, struct softgpu_device *device,
			 enum softgpu_class class, const char *class_name)
{
	unsigned int num_engines = softgpu_device_num_engines(device), count = 0, i;
	unsigned int on_tile[SOFTGPU_NUM_TILES] = { 0 };
	char name[32], key[32];

	for (i = 0; i < num_engines; i++) {
		struct softgpu_engine_info info;

		if (softgpu_device_engine_info(device, i, &info) || info.engine_class != class)
			continue;
		count++;
		on_tile[info.tile % SOFTGPU_NUM_TILES]++;
	}
	snprintf(name, sizeof(name), "%s engines", class_name);
	snprintf(key, sizeof(key), "%s_engines", class_name);
	begin_item(sheet, key, name);
	printf("%u", count);
	if (sheet->json)
		return;
	for (i = 0; i < SOFTGPU_NUM_TILES; i++)
		printf("%s%u on tile %u", i ? ", " : ": ", on_tile[i], i);
	putchar('\n');
}

static int softgpu(struct sheet *sheet)
{
	static const char *const names[SOFTGPU_NUM_CLASSES] = {
		[SOFTGPU_CLASS_COPY] = "copy",
		[SOFTGPU_CLASS_COMPUTE] = "compute",
		[SOFTGPU_CLASS_ENCODE] = "encode",
		[SOFTGPU_CLASS_BIND] = "bind",
	};
	struct softgpu_device *device = softgpu_device_create(NULL);
	unsigned int class;

	begin_section(sheet, "softgpu", "softgpu");
	if (!device) {
		int error = errno;

		item_yes(sheet, "works", "works", false, strerror(error));
		end_sheet(sheet);
		return complain("no device can be made: %s", strerror(error));
	}
	for (class = 0; class < SOFTGPU_NUM_CLASSES; class ++)
		item_engines(sheet, device, class, names[class]);
	item_number(sheet, "page_size", "page size", SOFTGPU_PAGE_SIZE, "bytes");
	end_sheet(sheet);
	softgpu_device_destroy(device);
	return 0;
}

static void usage(void)
{
	fputs("usage: dmafence info [--json]\n\n"
	      "Says which library this is, what it was built with, what the environment switches "
	      "on,\n"
	      "and what this machine has that matters to it.\n\n"
	      "  -j, --json  as an object of JSON, for programs\n"
	      "  -h, --help  this\n",
	      stdout);
}

int info_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct sheet sheet = { .json = false };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			sheet.json = true;
			break;
		case 'h':
			usage();
			return 0;
		default:
			/* Of several letters in one word it is one. */
			if (strncmp(argv[optind - 1], "--", 2))
				return misuse("info", "there is no option '-%c'", optopt);
			return misuse("info", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return misuse("info", "there is nothing to be done with '%s'", argv[optind]);
	library(&sheet);
	environment(&sheet);
	machine(&sheet);
	return softgpu(&sheet);
}
