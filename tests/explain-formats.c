/* SPDX-License-Identifier: MIT */
/*
 * Writes an explanation in which every kind of node is, with names of every kind of byte, as the
 * format that is asked for: for explain-formats.py, which reads it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/dmafence.h>

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "text", "json", "dot" };
	char hostile[256 + 64];
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_context *context;
	struct dma_fence_promise *promise;
	struct dma_fence_explanation *explanation;
	struct dma_fence *fences[3], **members = malloc(2 * sizeof(struct dma_fence *));
	struct dma_fence_array *array;
	struct dma_fence_cb cb;
	int i, format, length = 0;

	for (format = 0; format < 3 && argc > 1 && strcmp(argv[1], names[format]); format++)
		;
	if (argc < 2 || format == 3)
		return 2;
	/* All bytes; and then what looks like UTF-8 and is not, and what is. */
	for (i = 1; i < 256; i++)
		hostile[length++] = (char)i;
	strcpy(hostile + length, "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82|&quot;<b>|"
				 "\xc2\x85|\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x90\xa7|\xf0\x9f\x90");
	dma_fence_debug("records");
	context = dma_fence_context_create("driver \"\\\n", hostile, NULL, 1);
	for (i = 0; i < 3; i++) {
		fences[i] = malloc(sizeof(*fences[i]));
		dma_fence_context_emit(context, fences[i]);
	}
	for (i = 0; i < 2; i++)
		members[i] = dma_fence_get(fences[i]);
	array = dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1);
	promise = dma_fence_syncobj_promise(syncobj, 1);
	dma_fence_promise_keep(promise, fences[2]);
	dma_fence_syncobj_add_point(syncobj, 2, &array->base);
	dma_fence_add_callback(fences[1], &cb, called);
	dma_fence_annotate_signaler(dma_fence_context_id(context));
	dma_fence_annotate_dependency(fences[1], fences[0]);
	/* A cycle, too. */
	dma_fence_annotate_dependency(fences[0], fences[1]);
	explanation = dma_fence_explanation_of_point(syncobj, 2);
	if (!explanation)
		return 2;
	dma_fence_explanation_print(explanation, (enum dma_fence_explanation_format)format, stdout);
	dma_fence_explanation_free(explanation);
	dma_fence_context_signal_until(context, 3);
	for (i = 0; i < 3; i++)
		dma_fence_put(fences[i]);
	dma_fence_put(&array->base);
	dma_fence_context_destroy(context);
	dma_fence_syncobj_put(syncobj);
	return 0;
}
