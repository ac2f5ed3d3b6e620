/* SPDX-License-Identifier: MIT */
/* One command of a batch after the other. */
#include "execute.h"

#include <errno.h>
#include <string.h>

#include "operations.h"

static int execute(struct execution *execution, const union command *command)
{
	switch (command->head.opcode) {
	case SOFTGPU_OP_COPY:
		return softgpu_do_copy(execution, &command->copy);
	case SOFTGPU_OP_FILL:
		return softgpu_do_fill(execution, &command->fill);
	case SOFTGPU_OP_CONVOLVE:
		return softgpu_do_convolve(execution, &command->convolve);
	case SOFTGPU_OP_SCALE:
		return softgpu_do_scale(execution, &command->scale);
	case SOFTGPU_OP_BLEND:
		return softgpu_do_blend(execution, &command->blend);
	case SOFTGPU_OP_CONVERT:
		return softgpu_do_convert(execution, &command->convert);
	case SOFTGPU_OP_CRC32:
		return softgpu_do_crc32(execution, &command->crc32);
	case SOFTGPU_OP_STORE:
		return softgpu_do_store(execution, &command->store);
	case SOFTGPU_OP_WAIT:
		return softgpu_do_wait(execution, &command->wait);
	case SOFTGPU_OP_HANG:
		return softgpu_do_hang(execution);
	default: /* SOFTGPU_OP_ENCODE */
		return softgpu_do_encode(execution, &command->encode);
	}
}

int softgpu_execute(struct execution *execution, const void *commands, size_t size)
{
	const char *next = commands, *end = next + size;
	unsigned int index;
	int ret;

	for (index = 0; next < end; index++) {
		union command command;

		/* However many commands there are that do little. */
		ret = execution->safe_point(execution);
		if (ret)
			return ret;
		memcpy(&command.head, next, sizeof(command.head));
		memcpy(&command, next, command.head.size);
		execution->fault.public.command = index;
		execution->fault.public.opcode = command.head.opcode;
		ret = execute(execution, &command);
		if (ret)
			return ret;
		next += command.head.size;
	}
	return 0;
}
