/* SPDX-License-Identifier: MIT */
/* Commands for plain memory: copy, fill, CRC-32. */
#include "operations.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "access.h"
#include "mutants.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Copies what lies together at both places, at most 'bytes', and stores how much that is. With
 * 'all', nothing unless it is all of them.
 */
static int copy_run(struct execution *execution, uint64_t destination, uint64_t source,
		    uint64_t bytes, bool all, uint64_t *run)
{
	struct page_table *table = execution->table;
	const void *from;
	void *to = NULL;

	softgpu_page_table_begin(table);
	from = softgpu_page_table_find(table, source, bytes, false, run, &execution->fault);
	if (from)
		to = softgpu_page_table_find(table, destination, *run, true, run,
					     &execution->fault);
	if (to && (*run == bytes || !all))
		memmove(to, from, *run);
	softgpu_page_table_end(table);
	return to ? 0 : -EFAULT;
}

static int copy_forwards(struct execution *execution, const struct softgpu_copy *copy)
{
	uint64_t done, run;
	int ret;

	for (done = 0; done < copy->bytes; done += run) {
		ret = copy_run(execution, copy->destination + done, copy->source + done,
			       least(copy->bytes - done, ACCESS_BYTES), false, &run);
		if (!ret)
			ret = execution->safe_point(execution);
		if (ret)
			return ret;
	}
	return 0;
}

/* How many of the bytes that end there are in one page. */
static uint64_t within_page(uint64_t end)
{
	return (end - 1) % SOFTGPU_PAGE_SIZE + 1;
}

/* What lies together is found from its beginning: so if it is not all, what is in the last page. */
static int copy_backwards(struct execution *execution, const struct softgpu_copy *copy)
{
	uint64_t left, bytes, run;
	int ret;

	for (left = copy->bytes; left; left -= bytes) {
		uint64_t destination_end = copy->destination + left;
		uint64_t source_end = copy->source + left;

		bytes = least(left, ACCESS_BYTES);
		ret = copy_run(execution, destination_end - bytes, source_end - bytes, bytes, true,
			       &run);
		if (!ret && run < bytes) {
			bytes = least(bytes,
				      least(within_page(destination_end), within_page(source_end)));
			ret = copy_run(execution, destination_end - bytes, source_end - bytes,
				       bytes, true, &run);
		}
		if (!ret)
			ret = execution->safe_point(execution);
		if (ret)
			return ret;
	}
	return 0;
}

/* How far apart the memory is, where the same buffer may be mapped at both addresses. */
static int memory_distance(struct execution *execution, const struct softgpu_copy *copy,
			   uint64_t *distance)
{
	struct page_table *table = execution->table;
	const char *from, *to = NULL;
	uint64_t run;

	softgpu_page_table_begin(table);
	from = softgpu_page_table_find(table, copy->source, 1, false, &run, &execution->fault);
	if (from)
		to = softgpu_page_table_find(table, copy->destination, 1, true, &run,
					     &execution->fault);
	softgpu_page_table_end(table);
	*distance = (uintptr_t)to - (uintptr_t)from;
	return to ? 0 : -EFAULT;
}

/* What would be overwritten before it was read must be read first: so some begin at the end. */
int softgpu_do_copy(struct execution *execution, const struct softgpu_copy *copy)
{
	uint64_t distance = copy->destination - copy->source;
	int ret;

	if (!copy->bytes)
		return 0;
	if (distance >= copy->bytes && -distance >= copy->bytes) {
		ret = memory_distance(execution, copy, &distance);
		if (ret)
			return ret;
	}
	if (distance && distance < copy->bytes && !MUTANT(COPY_ALWAYS_FORWARDS))
		return copy_backwards(execution, copy);
	return copy_forwards(execution, copy);
}

struct pattern {
	/* And enough to begin at any byte of the value. */
	uint32_t words[1024 + 1];
};

static void fill_run(char *to, uint64_t bytes, const struct pattern *pattern, uint64_t phase)
{
	const char *from = (const char *)pattern->words + phase % 4;

	while (bytes) {
		uint64_t some = least(bytes, sizeof(pattern->words) - 4);

		memcpy(to, from, some);
		to += some;
		bytes -= some;
	}
}

int softgpu_do_fill(struct execution *execution, const struct softgpu_fill *fill)
{
	struct page_table *table = execution->table;
	struct pattern pattern;
	uint64_t done, run;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(pattern.words) / sizeof(pattern.words[0]); i++)
		pattern.words[i] = htole32(fill->value);
	for (done = 0; done < fill->bytes; done += run) {
		char *to;

		softgpu_page_table_begin(table);
		to = softgpu_page_table_find(table, fill->destination + done,
					     least(fill->bytes - done, ACCESS_BYTES),
					     !MUTANT(FILL_ASKS_TO_READ), &run, &execution->fault);
		if (to)
			fill_run(to, run, &pattern, MUTANT(FILL_BEGINS_ANEW) ? 0 : done);
		softgpu_page_table_end(table);
		ret = to ? execution->safe_point(execution) : -EFAULT;
		if (MUTANT(FILL_WITHOUT_SAFE_POINT) && to)
			ret = 0;
		if (ret)
			return ret;
	}
	return 0;
}

int softgpu_do_crc32(struct execution *execution, const struct softgpu_crc32 *crc32)
{
	struct page_table *table = execution->table;
	uint64_t done, run;
	uLong sum = 0;
	uint32_t word;
	int ret;

	for (done = 0; done < crc32->bytes; done += run) {
		const Bytef *from;

		softgpu_page_table_begin(table);
		from = softgpu_page_table_find(table, crc32->source + done,
					       least(crc32->bytes - done, ACCESS_BYTES), false,
					       &run, &execution->fault);
		if (from)
			sum = crc32_z(sum, from, run);
		softgpu_page_table_end(table);
		ret = from ? execution->safe_point(execution) : -EFAULT;
		if (ret)
			return ret;
	}
	word = htole32((uint32_t)sum);
	return softgpu_write(execution, crc32->destination, &word, sizeof(word));
}
