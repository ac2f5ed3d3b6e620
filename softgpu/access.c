/* SPDX-License-Identifier: MIT */
/* Reading and writing memory through the page table. */
#include "access.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

int softgpu_read(struct execution *execution, void *to, uint64_t address, uint64_t bytes)
{
	struct page_table *table = execution->table;
	char *next = to;
	uint64_t run;
	int ret = 0;

	softgpu_page_table_begin(table);
	while (bytes) {
		const void *memory = softgpu_page_table_find(table, address, bytes, false, &run,
							     &execution->fault);

		if (!memory) {
			ret = -EFAULT;
			break;
		}
		memcpy(next, memory, run);
		next += run;
		address += run;
		bytes -= run;
	}
	softgpu_page_table_end(table);
	return ret;
}

int softgpu_write(struct execution *execution, uint64_t address, const void *from, uint64_t bytes)
{
	struct page_table *table = execution->table;
	const char *next = from;
	uint64_t run;
	int ret = 0;

	softgpu_page_table_begin(table);
	while (bytes) {
		void *memory = softgpu_page_table_find(table, address, bytes, true, &run,
						       &execution->fault);

		if (!memory) {
			ret = -EFAULT;
			break;
		}
		memcpy(memory, next, run);
		next += run;
		address += run;
		bytes -= run;
	}
	softgpu_page_table_end(table);
	return ret;
}

/* Such words lie within a page, for their addresses are multiples of 8. */
int softgpu_write_release(struct execution *execution, uint64_t address, uint64_t value)
{
	struct page_table *table = execution->table;
	uint64_t run, *word;

	softgpu_page_table_begin(table);
	word = softgpu_page_table_find(table, address, sizeof(*word), true, &run,
				       &execution->fault);
	if (word)
		__atomic_store_n(word, htole64(value), __ATOMIC_RELEASE);
	softgpu_page_table_end(table);
	return word ? 0 : -EFAULT;
}

int softgpu_read_acquire(struct execution *execution, uint64_t address, uint64_t *value)
{
	struct page_table *table = execution->table;
	uint64_t run, *word;

	softgpu_page_table_begin(table);
	word = softgpu_page_table_find(table, address, sizeof(*word), false, &run,
				       &execution->fault);
	if (word)
		*value = le64toh(__atomic_load_n(word, __ATOMIC_ACQUIRE));
	softgpu_page_table_end(table);
	return word ? 0 : -EFAULT;
}
