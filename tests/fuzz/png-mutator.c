// SPDX-License-Identifier: MIT
/*
 * How libFuzzer changes a PNG: each chunk of it has a checksum, and the pixels are packed, so that
 * of bytes that are just changed next to none come further than to the next checksum.
 */
#include <stdbool.h>
#include <zlib.h>

#include "fuzz.h"

#define SIGNATURE    8
#define MOST_CHUNKS  64
#define MOST_BYTES   65536
#define AROUND_BYTES 12 /* what a chunk has besides its data */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Of a file: the first and the last of its bytes, with length and checksum. */
struct chunk {
	size_t at, end;
};

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static uint32_t get(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void set(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* As many whole chunks as there are at the beginning. */
static unsigned int find_chunks(const uint8_t *data, size_t size, struct chunk *chunks)
{
	unsigned int num = 0;
	size_t at = SIGNATURE;

	while (num < MOST_CHUNKS && size >= AROUND_BYTES && at <= size - AROUND_BYTES &&
	       get(data + at) <= size - AROUND_BYTES - at) {
		chunks[num].at = at;
		at += get(data + at) + AROUND_BYTES;
		chunks[num++].end = at;
	}
	return num;
}

static void set_checksum(uint8_t *chunk)
{
	const uint32_t bytes = get(chunk);

	set(chunk + 8 + bytes, (uint32_t)crc32(0, chunk + 4, bytes + 4));
}

/* Puts other data into a chunk. Returns the new size of the file. */
static size_t put_data(uint8_t *file, size_t size, const struct chunk *chunk, const uint8_t *data,
		       size_t bytes)
{
	const size_t end = chunk->at + bytes + AROUND_BYTES;

	memmove(file + end, file + chunk->end, size - chunk->end);
	memcpy(file + chunk->at + 8, data, bytes);
	set(file + chunk->at, (uint32_t)bytes);
	set_checksum(file + chunk->at);
	return size - chunk->end + end;
}

/* Pixels, if they can be unpacked, are changed as they are, and packed again. */
static size_t change_data(uint8_t *file, size_t size, size_t max_size, const struct chunk *chunk,
			  bool unpacks)
{
	static uint8_t data[MOST_BYTES], packed[2 * MOST_BYTES];
	const size_t old = chunk->end - chunk->at - AROUND_BYTES;
	const size_t room = min(max_size - (size - old), MOST_BYTES);
	uLongf bytes = MOST_BYTES, num_packed = sizeof(packed);

	if (unpacks && uncompress(data, &bytes, file + chunk->at + 8, old) == Z_OK) {
		bytes = LLVMFuzzerMutate(data, bytes, MOST_BYTES);
		if (compress2(packed, &num_packed, data, bytes, 1) != Z_OK || num_packed > room)
			return size;
		return put_data(file, size, chunk, packed, num_packed);
	}
	if (old > room)
		return size;
	memcpy(data, file + chunk->at + 8, old);
	bytes = LLVMFuzzerMutate(data, old, room);
	return put_data(file, size, chunk, data, bytes);
}

/* Once more, behind another one. */
static size_t repeat(uint8_t *file, size_t size, size_t max_size, const struct chunk *chunk,
		     const struct chunk *behind)
{
	static uint8_t copy[MOST_BYTES];
	const size_t bytes = chunk->end - chunk->at;

	if (bytes > MOST_BYTES || bytes > max_size - size)
		return size;
	memcpy(copy, file + chunk->at, bytes);
	memmove(file + behind->end + bytes, file + behind->end, size - behind->end);
	memcpy(file + behind->end, copy, bytes);
	return size + bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct chunk chunks[MOST_CHUNKS];
	const unsigned int num = find_chunks(data, size, chunks);
	const struct chunk *chunk = num ? &chunks[seed / 16 % num] : NULL;
	unsigned int i;

	if (!num || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	switch (seed % 16) {
	case 1: /* whatever, with checksums */
		size = LLVMFuzzerMutate(data, size, max_size);
		for (i = find_chunks(data, size, chunks); i--;)
			set_checksum(data + chunks[i].at);
		return size;
	case 2: /* another name */
		LLVMFuzzerMutate(data + chunk->at + 4, 4, 4);
		set_checksum(data + chunk->at);
		return size;
	case 3:
		memmove(data + chunk->at, data + chunk->end, size - chunk->end);
		return size - (chunk->end - chunk->at);
	case 4:
	case 5:
		return repeat(data, size, max_size, chunk, &chunks[seed / 1024 % num]);
	default:
		return change_data(data, size, max_size, chunk, seed & 1);
	}
}
