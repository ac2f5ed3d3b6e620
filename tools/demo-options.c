/* SPDX-License-Identifier: MIT */
#include "demo-options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <softgpu/softgpu.h>

#include "commands.h"
#include "mutants.h"
#include "picture-sink.h"

static const char help[] =
	"usage: dmafence demo [option]...\n"
	"\n"
	"Sends frames through a GPU made of threads: each is uploaded, filtered in bands on "
	"several\n"
	"engines at once, converted and encoded, with several frames under way in a few buffers, "
	"and\n"
	"fences for everything that has to wait for something. Then does the same one after the "
	"other\n"
	"on one thread, and compares every byte.\n"
	"\n"
	"  --input FILE     a PNG, which is each frame, or a Y4M video of 8 bits; - is the "
	"standard\n"
	"                   input. Without it a test card is drawn.\n"
	"  --output OUTPUT  a Y4M video if the name ends in .y4m, else a folder for a PNG of each\n"
	"                   frame. Without it nothing is left.\n"
	"  --frames N       how many; otherwise the whole video, or 120\n"
	"  --size WxH       of the test card, 640x360\n"
	"  --pool N         frames that may be under way, 1 to 64; 4\n"
	"  --bands N        engines among which a frame is split, 1 to 16; 4\n"
	"  --encode FORMAT  png or y4m, where there is no output that says it; png\n"
	"  --level N        of PNG's compression, 0 to 9; 1\n"
	"  --no-fences      does not wait for anything, and shows what comes of it\n"
	"  --hang N         a job of frame N never ends; frames are counted from 0. This and "
	"--fault\n"
	"                   may be given several times.\n"
	"  --fault N        a job of frame N touches memory that is not mapped\n"
	"  --trace FILE     what happened, for ui.perfetto.dev or chrome://tracing\n"
	"  --report FILE    a page with a picture of it, for a browser\n"
	"  --quiet          only says what went wrong\n"
	"  --help           this\n"
	"\n"
	"Exit status: 0 if every frame is identical to that of the serial reference, but for those "
	"that\n"
	"were lost because of --hang or --fault; 3 if a frame is not, or was lost without that "
	"(so\n"
	"--no-fences ends with 3 when it has shown what it is for); 1 if anything else went "
	"wrong.\n";

enum {
	OPTION_INPUT = 1,
	OPTION_OUTPUT,
	OPTION_FRAMES,
	OPTION_SIZE,
	OPTION_POOL,
	OPTION_BANDS,
	OPTION_ENCODE,
	OPTION_LEVEL,
	OPTION_NO_FENCES,
	OPTION_HANG,
	OPTION_FAULT,
	OPTION_TRACE,
	OPTION_REPORT,
	OPTION_QUIET,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "input", required_argument, NULL, OPTION_INPUT },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "frames", required_argument, NULL, OPTION_FRAMES },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "pool", required_argument, NULL, OPTION_POOL },
	{ "bands", required_argument, NULL, OPTION_BANDS },
	{ "encode", required_argument, NULL, OPTION_ENCODE },
	{ "level", required_argument, NULL, OPTION_LEVEL },
	{ "no-fences", no_argument, NULL, OPTION_NO_FENCES },
	{ "hang", required_argument, NULL, OPTION_HANG },
	{ "fault", required_argument, NULL, OPTION_FAULT },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "report", required_argument, NULL, OPTION_REPORT },
	{ "quiet", no_argument, NULL, OPTION_QUIET },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

bool demo_injected_has(const struct demo_injected *injected, uint64_t frame)
{
	unsigned int i;

	for (i = 0; i < injected->num; i++) {
		if (injected->frames[i] == frame)
			return true;
	}
	return false;
}

/* Only digits. Stores it, and returns where they end; NULL if it is not in the range. */
static const char *parse_digits(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *number < least || *number > most ? NULL : end;
}

static int parse_number(const char *option, uint64_t least, uint64_t most, uint64_t *number)
{
	const char *end = parse_digits(optarg, least, most, number);

	if (end && !*end)
		return 0;
	misuse("demo", "--%s: '%s' is no number from %llu to %llu", option, optarg,
	       (unsigned long long)least, (unsigned long long)most);
	return -1;
}

static int parse_unsigned(const char *option, unsigned int least, unsigned int most,
			  unsigned int *stored)
{
	uint64_t number;

	if (parse_number(option, least, most, &number))
		return -1;
	*stored = (unsigned int)number;
	return 0;
}

static int parse_injected(const char *option, struct demo_injected *injected)
{
	if (injected->num == DEMO_MOST_INJECTED) {
		misuse("demo", "--%s: at most %d times", option, DEMO_MOST_INJECTED);
		return -1;
	}
	return parse_number(option, 0, INT64_MAX, &injected->frames[injected->num++]);
}

static int parse_size(struct demo_options *options)
{
	uint64_t width, height;
	const char *end = parse_digits(optarg, 1, SOFTGPU_MAX_EXTENT, &width);

	if (end && *end == 'x')
		end = parse_digits(end + 1, 1, SOFTGPU_MAX_EXTENT, &height);
	else
		end = NULL;
	if (!end || *end) {
		misuse("demo", "--size: '%s' is no size like 640x360, with up to %dx%d", optarg,
		       SOFTGPU_MAX_EXTENT, SOFTGPU_MAX_EXTENT);
		return -1;
	}
	options->width = (uint32_t)width;
	options->height = (uint32_t)height;
	return 0;
}

static int parse_encode(struct demo_options *options)
{
	options->video = !strcmp(optarg, "y4m");
	if (options->video || !strcmp(optarg, "png"))
		return 0;
	misuse("demo", "--encode: '%s' is neither png nor y4m", optarg);
	return -1;
}

static int parse_option(struct demo_options *options, int option)
{
	switch (option) {
	case OPTION_INPUT:
		options->input = optarg;
		return 0;
	case OPTION_OUTPUT:
		options->output = optarg;
		return 0;
	case OPTION_FRAMES:
		return parse_number("frames", 1, INT64_MAX, &options->frames);
	case OPTION_SIZE:
		return parse_size(options);
	case OPTION_POOL:
		return parse_unsigned("pool", 1, DEMO_MOST_POOL + MUTANT(POOL_TOO_LARGE),
				      &options->pool);
	case OPTION_BANDS:
		return parse_unsigned("bands", 1, SOFTGPU_MAX_ENGINES, &options->bands);
	case OPTION_ENCODE:
		return parse_encode(options);
	case OPTION_LEVEL:
		return parse_unsigned("level", 0, 9, &options->level);
	case OPTION_NO_FENCES:
		options->no_fences = true;
		return 0;
	case OPTION_HANG:
		return parse_injected("hang", &options->hangs);
	case OPTION_FAULT:
		return parse_injected("fault", &options->faults);
	case OPTION_TRACE:
		options->trace = optarg;
		return 0;
	case OPTION_REPORT:
		options->report = optarg;
		return 0;
	case OPTION_QUIET:
		options->quiet = true;
		return 0;
	case OPTION_HELP:
		fputs(help, stdout);
		return 1;
	default:
		return -1;
	}
}

static int look_injected(const struct demo_options *options, const char *option,
			 const struct demo_injected *injected)
{
	unsigned int i;

	for (i = 0; i < injected->num; i++) {
		if (options->frames && injected->frames[i] >= options->frames) {
			misuse("demo", "--%s: there is no frame %llu: they are counted from 0",
			       option, (unsigned long long)injected->frames[i]);
			return -1;
		}
	}
	return 0;
}

/* What does not go together. */
static int look(struct demo_options *options, int argc, char **argv)
{
	if (optind < argc) {
		misuse("demo", "there is nothing to be done with '%s'", argv[optind]);
		return -1;
	}
	if (options->no_fences && (options->hangs.num || options->faults.num)) {
		misuse("demo", "--no-fences does not see what --hang and --fault do");
		return -1;
	}
	if (options->width && options->input) {
		misuse("demo", "--size is that of the test card; with --input the file has one");
		return -1;
	}
	if (!options->input && !options->width) {
		options->width = 640;
		options->height = 360;
	}
	if (options->output)
		options->video = picture_sink_is_video(options->output);
	if (look_injected(options, "hang", &options->hangs))
		return -1;
	return look_injected(options, "fault", &options->faults);
}

static int refuse_unknown(char **argv, int option)
{
	if (option == ':')
		misuse("demo", "%s needs a value", argv[optind - 1]);
	else
		misuse("demo", "there is no option '%s'", argv[optind - 1]);
	return -1;
}

int demo_options_parse(struct demo_options *options, int argc, char **argv)
{
	int option, ret;

	*options = (struct demo_options){ .pool = 4, .bands = 4, .level = 1 };
	/* From the beginning, whatever has been parsed before. */
	optind = 0;
	while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		if (option == ':' || option == '?')
			return refuse_unknown(argv, option);
		ret = parse_option(options, option);
		if (ret)
			return ret;
	}
	return look(options, argc, argv);
}
