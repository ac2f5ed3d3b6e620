// SPDX-License-Identifier: MIT
/*
 * Command buffers: such as any program may submit, through the device's checks, and what passes those
 * is done. The engine's memory is some pages here, each a block of its own; one cannot be written to,
 * and one is not there.
 */
#include <errno.h>

#include "execute.h"
#include "fuzz.h"

#define PAGE	      SOFTGPU_PAGE_SIZE
#define FIRST	      UINT64_C(0x123456789000)
#define PAGES	      6
#define MISSING	      2
#define READ_ONLY     4
#define MOST_COMMANDS 8
/* How often it may be asked whether to stop, until it has to. */
#define MOST_LOOKS 3000

struct page_table {
	unsigned char *pages[PAGES];
	bool locked;
};

void softgpu_page_table_begin(struct page_table *table)
{
	fuzz_check(!table->locked);
	table->locked = true;
}

void softgpu_page_table_end(struct page_table *table)
{
	fuzz_check(table->locked);
	table->locked = false;
}

void *softgpu_page_table_find(struct page_table *table, uint64_t address, uint64_t bytes,
			      bool write, uint64_t *together, struct fault *fault)
{
	const uint64_t page = address / PAGE - FIRST / PAGE, left = PAGE - address % PAGE;

	fuzz_check(table->locked && bytes > 0);
	if (page >= PAGES || !table->pages[page] || (write && page == READ_ONLY)) {
		fault->public.kind =
			page == READ_ONLY ? SOFTGPU_FAULT_READ_ONLY : SOFTGPU_FAULT_NOT_MAPPED;
		fault->public.write = write;
		fault->public.address = address;
		return NULL;
	}
	*together = left < bytes ? left : bytes;
	return table->pages[page] + address % PAGE;
}

static unsigned int looks;

static int look(struct execution *execution)
{
	fuzz_check(!execution->table->locked);
	return ++looks < MOST_LOOKS ? 0 : -ETIME;
}

static int idle(struct execution *execution)
{
	looks += MOST_LOOKS / 4;
	return look(execution);
}

/* What makes sense more often than not. */

static uint64_t take_address(struct fuzz_input *input)
{
	const uint64_t value = fuzz_take(input, 2);

	return value < 65000 ? FIRST - 16 + value % (PAGES * PAGE + 32) : fuzz_take(input, 8);
}

static uint32_t take_size(struct fuzz_input *input)
{
	const uint8_t value = fuzz_take_byte(input);

	return value < 250 ? value % 40 : (uint32_t)fuzz_take(input, 4);
}

static struct softgpu_surface take_surface(struct fuzz_input *input)
{
	struct softgpu_surface surface = { 0 };
	int plane;

	surface.format = fuzz_take_byte(input) % 6;
	surface.width = take_size(input);
	surface.height = take_size(input);
	for (plane = 0; plane < 3; plane++) {
		surface.address[plane] = take_address(input);
		surface.pitch[plane] = surface.width * 4 + take_size(input);
	}
	return surface;
}

static void take_command(struct fuzz_input *input, struct softgpu_batch *batch)
{
	const uint8_t opcode = fuzz_take_byte(input) % 12;
	struct softgpu_surface to, from;
	uint64_t address[2];
	int16_t coefficients[25];

	switch (opcode) {
	case SOFTGPU_OP_COPY:
		address[0] = take_address(input);
		address[1] = take_address(input);
		softgpu_cmd_copy(batch, address[0], address[1], fuzz_take(input, 2));
		break;
	case SOFTGPU_OP_FILL:
		address[0] = take_address(input);
		softgpu_cmd_fill(batch, address[0], fuzz_take(input, 2),
				 (uint32_t)fuzz_take(input, 4));
		break;
	case SOFTGPU_OP_CONVOLVE:
		to = take_surface(input);
		from = take_surface(input);
		if (fuzz_take_byte(input) & 3) {
			from.format = to.format;
			from.width = to.width;
		}
		memset(coefficients, fuzz_take_byte(input), sizeof(coefficients));
		softgpu_cmd_convolve(batch, &to, &from, take_size(input),
				     3 + fuzz_take_byte(input) % 3, coefficients, take_size(input),
				     (int32_t)fuzz_take(input, 4), fuzz_take_byte(input) % 4);
		break;
	case SOFTGPU_OP_SCALE:
		to = take_surface(input);
		from = take_surface(input);
		if (fuzz_take_byte(input) & 3)
			from.format = to.format;
		softgpu_cmd_scale(batch, &to, &from, take_size(input), take_size(input),
				  fuzz_take_byte(input) % 3);
		break;
	case SOFTGPU_OP_BLEND:
		to = take_surface(input);
		from = take_surface(input);
		if (fuzz_take_byte(input) & 3) {
			from.width = to.width;
			from.height = to.height;
			from.format = to.format = SOFTGPU_RGBA8;
		}
		softgpu_cmd_blend(batch, &to, &from, take_size(input));
		break;
	case SOFTGPU_OP_CONVERT:
		to = take_surface(input);
		from = take_surface(input);
		if (fuzz_take_byte(input) & 3) {
			from.width = to.width;
			from.height = to.height;
		}
		softgpu_cmd_convert(batch, &to, &from);
		break;
	case SOFTGPU_OP_CRC32:
		address[0] = take_address(input);
		address[1] = take_address(input);
		softgpu_cmd_crc32(batch, address[0], address[1], fuzz_take(input, 2));
		break;
	case SOFTGPU_OP_STORE:
		softgpu_cmd_store(batch, take_address(input), fuzz_take(input, 8));
		break;
	case SOFTGPU_OP_WAIT:
		address[0] = take_address(input);
		softgpu_cmd_wait(batch, address[0], fuzz_take_byte(input) % 4, fuzz_take(input, 1));
		break;
	case SOFTGPU_OP_HANG:
		softgpu_cmd_hang(batch);
		break;
	case SOFTGPU_OP_ENCODE:
		address[0] = take_address(input);
		address[1] = take_address(input);
		from = take_surface(input);
		softgpu_cmd_encode(batch, address[0], fuzz_take(input, 2), address[1], &from,
				   fuzz_take_byte(input) % 3, take_size(input) % 11);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .data = data, .left = size };
	const uint8_t how = fuzz_take_byte(&input);
	struct page_table table = { .locked = false };
	struct execution execution = { .table = &table, .safe_point = look, .idle = idle };
	struct softgpu_batch batch = { 0 };
	int i, ret;

	looks = 0;
	for (i = 0; i < PAGES; i++) {
		table.pages[i] = i == MISSING ? NULL : malloc(PAGE);
		if (table.pages[i])
			memset(table.pages[i], i == READ_ONLY ? 0x5a : i, PAGE);
	}
	/* As they are, or made of what is there. */
	if (how & 1) {
		batch.size = input.left;
		batch.data = malloc(batch.size);
		if (batch.size)
			memcpy(batch.data, input.data, batch.size);
	} else {
		for (i = 0; i < MOST_COMMANDS && input.left; i++)
			take_command(&input, &batch);
	}
	ret = softgpu_check_commands((enum softgpu_class)(how / 2 % (SOFTGPU_NUM_CLASSES + 1)),
				     batch.data, batch.size);
	fuzz_check(!ret || ret == -EINVAL);
	if (!ret && batch.size) {
		ret = softgpu_execute(&execution, batch.data, batch.size);
		fuzz_check(!ret || ret == -EFAULT || ret == -ETIME || ret == -ENOSPC);
		fuzz_check(!table.locked);
	}
	for (i = 0; i < PAGE; i++)
		fuzz_check(table.pages[READ_ONLY][i] == 0x5a);
	for (i = 0; i < PAGES; i++)
		free(table.pages[i]);
	softgpu_batch_fini(&batch);
	return 0;
}
