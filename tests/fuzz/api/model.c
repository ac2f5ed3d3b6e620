/* SPDX-License-Identifier: MIT */
#include "model.h"

bool model_complete(const struct node *node)
{
	unsigned int i;

	switch (node->kind) {
	case LEAF:
		return node->state != PENDING;
	case PROMISED:
		return node->state == SIGNALED;
	case ARRAY:
	case LINK:
		break;
	}
	for (i = 0; i < node->num_parts; i++) {
		if (node->parts[i] && !model_complete(node->parts[i]))
			return false;
	}
	return true;
}

bool model_done(const struct node *node)
{
	unsigned int i;

	if (is_leaf(node))
		return node->state == SIGNALED;
	for (i = 0; i < node->num_parts; i++) {
		if (node->parts[i] && !model_done(node->parts[i]))
			return false;
	}
	return true;
}

void outcome_fold(struct outcome *outcome, const struct outcome *part)
{
	if (outcome->timestamp < part->timestamp)
		outcome->timestamp = part->timestamp;
	outcome->timestamp_unknown |= part->timestamp_unknown;
	outcome->error_unknown |= part->error_unknown;
	if (part->error &&
	    (!outcome->error || part->failed_timestamp < outcome->failed_timestamp)) {
		outcome->error = part->error;
		outcome->failed_timestamp = part->failed_timestamp;
	}
}

/* As one that others look at from outside: it failed when it signaled. */
static struct outcome seen_from_outside(struct outcome outcome)
{
	outcome.failed_timestamp = outcome.timestamp;
	return outcome;
}

struct outcome model_outcome(const struct node *node)
{
	struct outcome outcome = node->dropped, part;
	unsigned int i;

	if (is_leaf(node))
		return seen_from_outside(node->end);
	if (node->kind == ARRAY) {
		for (i = 0; i < node->num_parts; i++) {
			part = model_outcome(node->parts[i]);
			outcome_fold(&outcome, &part);
		}
		return seen_from_outside(outcome);
	}
	outcome = model_outcome(node->parts[0]);
	if (node->parts[1]) {
		part = model_outcome(node->parts[1]);
		if (part.timestamp > outcome.timestamp)
			outcome.timestamp = part.timestamp;
		outcome.timestamp_unknown |= part.timestamp_unknown;
		outcome.error_unknown |= part.error_unknown;
		if (part.error)
			outcome.error = part.error; /* the earliest point's */
	}
	return seen_from_outside(outcome);
}

/* Whether the work of a link has failed; or that before the first one. */
static bool failed(const struct node *work)
{
	return model_done(work) && model_outcome(work).error;
}

static bool may_have_failed(const struct node *work)
{
	return failed(work) || (model_done(work) && model_outcome(work).error_unknown);
}

bool model_failed_before(const struct node *link, bool certainly)
{
	const struct node *before;

	if (link->kind != LINK)
		return false;
	for (before = link->parts[1]; before; before = before->parts[1]) {
		const struct node *work = before->kind == LINK ? before->parts[0] : before;

		if (certainly ? failed(work) : may_have_failed(work))
			return true;
		if (before->kind != LINK)
			break;
	}
	return false;
}

unsigned int model_leaves(struct node *head, struct leaf_of *leaves, unsigned int room,
			  struct outcome *dropped)
{
	struct node *link = head, *work;
	unsigned int num = 0, i;
	bool optional;

	while (link) {
		work = link->kind == LINK ? link->parts[0] : link;
		/* The one that was asked about is there, whatever came before it. */
		optional = link != head && link->kind == LINK && failed(work) &&
			   model_failed_before(link, true);
		if (is_leaf(work) && num < room)
			leaves[num++] = (struct leaf_of){ work, optional };
		for (i = 0; work->kind == ARRAY && i < work->num_parts && num < room; i++)
			leaves[num++] = (struct leaf_of){ work->parts[i], optional };
		if (work->kind == ARRAY) {
			if (optional && work->dropped.error)
				dropped->error_unknown = true;
			outcome_fold(dropped, &work->dropped);
		}
		link = link->kind == LINK ? link->parts[1] : NULL;
	}
	return num;
}

static bool leads_to(struct node *node, const struct node *other, unsigned int mark)
{
	unsigned int i;

	if (node == other)
		return true;
	if (node->reached == mark)
		return false;
	node->reached = mark;
	for (i = 0; i < node->num_parts; i++) {
		if (node->parts[i] && leads_to(node->parts[i], other, mark))
			return true;
	}
	return false;
}

unsigned int model_new_mark(void)
{
	static unsigned int marks;

	return ++marks;
}

bool model_leads_to(struct node *node, const struct node *other)
{
	return leads_to(node, other, model_new_mark());
}
