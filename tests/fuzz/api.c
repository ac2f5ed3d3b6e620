/* SPDX-License-Identifier: MIT */
/*
 * The API as a program in bytes: what three actors do with fences, arrays, chains, merges,
 * promises, contexts, reservation objects, sync objects and sync files, one instruction after the
 * other, and callbacks that do any of it, too. After each instruction all that can be seen is
 * compared with a plain model (api/model.h); at the end everything is signaled and dropped, and
 * nothing may be left.
 */
#include <fcntl.h>

#include "api/operations.h"

static const struct operations *const all[] = {
	&fence_operations,
	&container_operations,
	&object_operations,
};

void run_instruction(const struct instruction *instruction)
{
	const unsigned int pins = world.num_pins;
	unsigned int operation, i;

	if (!world.length || !world_has_room(NODES_PER_INSTRUCTION))
		return;
	operation = instruction->operation;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (operation < all[i]->num) {
			all[i]->list[operation](instruction);
			world_unpin(pins);
			return;
		}
		operation -= all[i]->num;
	}
}

static bool all_can_be_said(void)
{
	unsigned int i, num = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		num += all[i]->num;
	return num <= OPERATIONS;
}

static int lowest_fd(void)
{
	int fd = fcntl(0, F_DUPFD, 3);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = lowest_fd();

	fuzz_check(all_can_be_said());
	world_begin(data, size);
	for (world.at = 0; world.at < world.length; world.at++) {
		const struct instruction instruction = program_at(data, world.at);

		world.began = world_clock();
		run_instruction(&instruction);
		world_look();
	}
	world_end();
	fuzz_check(lowest_fd() == fd);
	return 0;
}
