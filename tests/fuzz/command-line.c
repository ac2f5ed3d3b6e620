// SPDX-License-Identifier: MIT
/*
 * Arguments of the dmafence command, one a line: what is understood is within its limits, and what is
 * not is told once, with the exit status that says so. Nothing is done: the subcommands stop there.
 */
#include <stdarg.h>

#include <softgpu/softgpu.h>

#include "commands.h"
#include "demo-options.h"
#include "fuzz.h"

#define MOST_ARGUMENTS 24

int dmafence_main(int argc, char **argv);

#define main dmafence_main
#include "dmafence.c"
#undef main

static unsigned int complaints, misuses;

int complain(const char *format, ...)
{
	(void)format;
	complaints++;
	return 1;
}

int misuse(const char *subcommand, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	fuzz_check(vsnprintf(line, sizeof(line), format, args) > 0);
	va_end(args);
	fuzz_check(!*subcommand || !strcmp(subcommand, "demo"));
	misuses++;
	return 2;
}

static void check_injected(const struct demo_options *options, const struct demo_injected *injected)
{
	unsigned int i;

	fuzz_check(injected->num <= DEMO_MOST_INJECTED);
	for (i = 0; i < injected->num; i++) {
		fuzz_check(!options->frames || injected->frames[i] < options->frames);
		fuzz_check(demo_injected_has(injected, injected->frames[i]));
	}
}

int demo_main(int argc, char **argv)
{
	struct demo_options options;
	int ret = demo_options_parse(&options, argc, argv);

	fuzz_check((ret < 0) == misuses);
	if (ret)
		return ret < 0 ? 2 : 0;
	fuzz_check(options.pool >= 1 && options.pool <= DEMO_MOST_POOL);
	fuzz_check(options.bands >= 1 && options.bands <= SOFTGPU_MAX_ENGINES);
	fuzz_check(options.level <= 9 && options.frames <= INT64_MAX);
	fuzz_check(!options.input == !!options.width && !options.width == !options.height);
	fuzz_check(options.width <= SOFTGPU_MAX_EXTENT && options.height <= SOFTGPU_MAX_EXTENT);
	check_injected(&options, &options.hangs);
	check_injected(&options, &options.faults);
	fuzz_check(!options.no_fences || (!options.hangs.num && !options.faults.num));
	return 0;
}

int info_main(int argc, char **argv)
{
	fuzz_check(argc >= 1 && !strcmp(argv[0], "info") && !argv[argc]);
	return 0;
}

/* Of just its size. */
static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	fuzz_check(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	char *arguments[MOST_ARGUMENTS + 2], *argv[MOST_ARGUMENTS + 2];
	int argc = 0, status, i;

	/* What help says. */
	if (!nowhere)
		nowhere = freopen("/dev/null", "w", stdout);
	fuzz_check(nowhere);
	arguments[argc++] = copy((const uint8_t *)"dmafence", 8);
	while (size && argc <= MOST_ARGUMENTS) {
		const uint8_t *end = memchr(data, '\n', size);
		const size_t length = end ? (size_t)(end - data) : size;

		arguments[argc++] = copy(data, length);
		data += length + !!end;
		size -= length + !!end;
	}
	arguments[argc] = NULL;
	/* Their order may be changed. */
	memcpy(argv, arguments, sizeof(argv));
	complaints = 0;
	misuses = 0;
	status = dmafence_main(argc, argv);
	fuzz_check(!complaints && misuses <= 1);
	fuzz_check(status == (misuses || argc < 2 ? 2 : 0));
	for (i = 0; i < argc; i++)
		free(arguments[i]);
	return 0;
}
