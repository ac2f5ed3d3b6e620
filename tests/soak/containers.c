/* SPDX-License-Identifier: MIT */
/* Arrays, merges and chains of whatever is in the pool. */
#include "soak.h"

#define ACTOR	"containers"
#define WATCHED 12
#define MEMBERS 20
#define LINKS	32

/* A container, and what it was made of. */
struct watched {
	struct dma_fence *fence;
	struct dma_fence *members[MEMBERS];
	unsigned int count;
	/* Its members are leaves, each of a context of its own: how it ends is known. */
	bool exact;
};

/* A link, and its work. */
struct link {
	struct dma_fence *fence, *work;
};

struct containers {
	struct watched watched[WATCHED];
	unsigned int count;
	struct dma_fence *head;
	struct link links[LINKS];
	unsigned int num_links;
	uint64_t point;
};

static bool all_signaled(struct watched *watched)
{
	unsigned int i;

	for (i = 0; i < watched->count; i++)
		if (!dma_fence_is_signaled(watched->members[i]))
			return false;
	return true;
}

/* Of the member that failed first, the latest time of all. */
static void check_outcome(struct watched *watched)
{
	int64_t latest = 0, first = INT64_MAX;
	int error = 0, status;
	unsigned int i;

	for (i = 0; i < watched->count; i++) {
		int64_t timestamp = dma_fence_timestamp(watched->members[i]);

		status = dma_fence_get_status(watched->members[i]);
		CHECK(status && timestamp >= 0);
		latest = timestamp > latest ? timestamp : latest;
		if (status < 0 && timestamp < first) {
			first = timestamp;
			error = status;
		}
	}
	status = dma_fence_get_status(watched->fence);
	CHECK(status == (error ? error : 1), "status %d, and of its members %d", status, error);
	CHECK(dma_fence_timestamp(watched->fence) == latest,
	      "time %lld, and of its members the latest %lld",
	      (long long)dma_fence_timestamp(watched->fence), (long long)latest);
}

static bool look_at(struct worker *worker, struct watched *watched)
{
	unsigned int i;

	if (one_in(worker, 4))
		dma_fence_enable_signaling(watched->fence);
	if (!dma_fence_is_signaled(watched->fence)) {
		if (all_signaled(watched))
			CHECK(dma_fence_is_signaled(watched->fence),
			      "pending, and all of its members have signaled");
		return false;
	}
	for (i = 0; i < watched->count; i++)
		CHECK(dma_fence_is_signaled(watched->members[i]),
		      "signaled, and its member %u of %u has not", i, watched->count);
	CHECK(dma_fence_poll(watched->fence));
	fence_check_done(watched->fence);
	if (watched->exact)
		check_outcome(watched);
	return true;
}

static void forget(struct containers *containers, unsigned int i)
{
	struct watched *watched = &containers->watched[i];

	dma_fence_put(watched->fence);
	while (watched->count)
		dma_fence_put(watched->members[--watched->count]);
	*watched = containers->watched[--containers->count];
}

static void look_at_one(struct worker *worker, struct containers *containers)
{
	unsigned int i;

	if (!containers->count)
		return;
	i = below(worker, containers->count);
	if (look_at(worker, &containers->watched[i])) {
		TALLY("containers found done");
		forget(containers, i);
	} else if (one_in(worker, 8)) {
		TALLY("containers dropped pending");
		forget(containers, i);
	}
}

static struct watched *new_watched(struct worker *worker, struct containers *containers)
{
	if (containers->count == WATCHED)
		forget(containers, below(worker, WATCHED));
	return memset(&containers->watched[containers->count], 0, sizeof(struct watched));
}

static void collect(struct worker *worker, struct watched *watched, unsigned int most, bool leaves)
{
	unsigned int num = 1 + below(worker, most);

	while (watched->count < num) {
		struct dma_fence *fence = leaves ? pool_get_leaf(worker) : pool_get(worker);

		if (!fence)
			fence = fence_create(worker);
		watched->members[watched->count++] = fence;
	}
}

static void make_array(struct worker *worker, struct containers *containers)
{
	struct watched *watched = new_watched(worker, containers);
	struct dma_fence_array *array;
	struct dma_fence **vector;
	unsigned int i;

	collect(worker, watched, MEMBERS, true);
	vector = malloc(watched->count * sizeof(*vector));
	CHECK(vector);
	for (i = 0; i < watched->count; i++)
		vector[i] = dma_fence_get(watched->members[i]);
	array = dma_fence_array_create((int)watched->count, vector, dma_fence_context_alloc(1), 1);
	CHECK(array);
	watched->fence = &array->base;
	watched->exact = true;
	containers->count++;
	pool_add(worker, dma_fence_get(watched->fence));
	TALLY_ADD("members of arrays", watched->count);
	TALLY("arrays");
}

static bool is_exact(const struct watched *watched)
{
	unsigned int i, k;

	for (i = 0; i < watched->count; i++) {
		if (dma_fence_is_container(watched->members[i]))
			return false;
		for (k = 0; k < i; k++)
			if (watched->members[i]->context == watched->members[k]->context)
				return false;
	}
	return true;
}

static void make_merge(struct worker *worker, struct containers *containers)
{
	struct watched *watched = new_watched(worker, containers);

	collect(worker, watched, 6, false);
	watched->exact = is_exact(watched);
	watched->fence = dma_fence_unwrap_merge_many(watched->count, watched->members);
	CHECK(watched->fence);
	/* One that is left alone is that one, with its own time. */
	if (!dma_fence_is_array(watched->fence))
		watched->exact = false;
	containers->count++;
	pool_add(worker, dma_fence_get(watched->fence));
	TALLY("merges");
}

static void unwrap(struct worker *worker)
{
	struct dma_fence *head = pool_get(worker), *fence;
	struct dma_fence_unwrap cursor;
	unsigned int count = 0, i;

	dma_fence_unwrap_for_each (fence, &cursor, head) {
		CHECK(!dma_fence_is_container(fence));
		count++;
		if (one_in(worker, 50)) {
			dma_fence_unwrap_end(&cursor);
			break;
		}
	}
	dma_fence_array_for_each (fence, i, head)
		CHECK(fence);
	TALLY_ADD("leaves unwrapped", count);
	dma_fence_put(head);
}

static void forget_chain(struct containers *containers)
{
	while (containers->num_links) {
		struct link *link = &containers->links[--containers->num_links];

		dma_fence_put(link->fence);
		dma_fence_put(link->work);
	}
	dma_fence_put(containers->head);
	containers->head = NULL;
	containers->point = 0;
}

/* Only what is not a link: the work of a link is not one. */
static void add_link(struct worker *worker, struct containers *containers)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();
	struct dma_fence *work = pool_get(worker);
	struct link *link;

	CHECK(chain);
	if (!work || dma_fence_is_chain(work)) {
		dma_fence_put(work);
		work = fence_create(worker);
	}
	if (containers->num_links == LINKS)
		forget_chain(containers);
	containers->point += 1 + below(worker, 3);
	dma_fence_chain_init(chain, containers->head, dma_fence_get(work), containers->point);
	link = &containers->links[containers->num_links++];
	link->fence = dma_fence_get(&chain->base);
	link->work = work;
	containers->head = &chain->base;
	if (one_in(worker, 4))
		dma_fence_enable_signaling(containers->head);
	if (one_in(worker, 4))
		pool_add(worker, dma_fence_get(containers->head));
	TALLY("links");
}

/* All work of links up to that one. */
static void check_reached(struct containers *containers, unsigned int last)
{
	unsigned int i;

	for (i = 0; i <= last; i++)
		CHECK(dma_fence_is_signaled(containers->links[i].work),
		      "link %u has signaled, and the work of link %u has not", last, i);
}

static void look_at_chain(struct worker *worker, struct containers *containers)
{
	struct dma_fence *fence;
	unsigned int i;
	int error = 0, status;

	if (!containers->num_links)
		return;
	i = below(worker, containers->num_links);
	if (dma_fence_is_signaled(containers->links[i].fence)) {
		unsigned int k;

		check_reached(containers, i);
		fence_check_done(containers->links[i].fence);
		for (k = 0; k <= i && !error; k++) {
			status = dma_fence_get_status(containers->links[k].work);
			error = status < 0 ? status : 0;
		}
		status = dma_fence_get_status(containers->links[i].fence);
		CHECK(status == (error ? error : 1), "link %u has status %d, and its work %d", i,
		      status, error);
		TALLY("links found done");
	}
	fence = dma_fence_get(containers->head);
	CHECK(!dma_fence_chain_find_seqno(&fence, containers->links[i].fence->seqno));
	if (!fence || dma_fence_is_signaled(fence))
		check_reached(containers, i);
	dma_fence_put(fence);
	fence = dma_fence_get(containers->head);
	CHECK(dma_fence_chain_find_seqno(&fence, containers->point + 1) == -EINVAL);
	TALLY("points looked for");
	dma_fence_put(fence);
}

static void walk(struct containers *containers)
{
	struct dma_fence *fence;
	uint64_t before = UINT64_MAX;
	unsigned int count = 0;

	dma_fence_chain_for_each (fence, containers->head) {
		CHECK(fence->seqno < before, "the walk goes upwards");
		before = fence->seqno;
		count++;
	}
	TALLY_ADD("links walked", count);
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct containers));
	CHECK(worker->state);
}

static void turn(struct worker *worker)
{
	struct containers *containers = worker->state;

	switch (below(worker, 10)) {
	case 0:
		make_array(worker, containers);
		break;
	case 1:
		make_merge(worker, containers);
		break;
	case 2:
	case 3:
		add_link(worker, containers);
		break;
	case 4:
		look_at_chain(worker, containers);
		break;
	case 5:
		walk(containers);
		break;
	case 6:
		unwrap(worker);
		break;
	case 7:
		fence_signal_one(worker);
		fence_signal_one(worker);
		break;
	default:
		look_at_one(worker, containers);
	}
}

static void leave(struct worker *worker)
{
	struct containers *containers = worker->state;

	forget_chain(containers);
	while (containers->count)
		forget(containers, 0);
	free(containers);
}

const struct actor actor_containers = {
	.name = ACTOR,
	.threads = 2,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};
