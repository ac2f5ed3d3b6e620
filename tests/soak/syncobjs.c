/* SPDX-License-Identifier: MIT */
/* Sync objects and promises: timelines with a model of what is in them, binary ones without. */
#include <sys/eventfd.h>

#include "soak.h"

#define ACTOR  "syncobjs"
#define POINTS 12
#define SHARED 4

/* A point that was added, and what it was made of. */
struct point {
	uint64_t number;
	struct dma_fence *fence;
};

struct timeline {
	struct dma_fence_syncobj *syncobj;
	struct point points[POINTS];
	unsigned int count;
	uint64_t last;
	struct dma_fence_promise *promise;
	int eventfd;
	uint64_t eventfd_point;
};

/* Binary ones, which all workers use, and timelines, to which anybody adds. */
static struct dma_fence_syncobj *shared[SHARED];

static void begin(struct worker *main)
{
	unsigned int i;

	(void)main;
	for (i = 0; i < SHARED; i++) {
		shared[i] = dma_fence_syncobj_create(i % 2 ? DMA_FENCE_SYNCOBJ_CREATE_SHARED : 0);
		CHECK(shared[i], "creating a sync object: %d", errno);
	}
}

static void end(struct worker *main)
{
	unsigned int i;

	(void)main;
	for (i = 0; i < SHARED; i++)
		dma_fence_syncobj_put(shared[i]);
}

static void forget_points(struct timeline *timeline)
{
	while (timeline->count)
		dma_fence_put(timeline->points[--timeline->count].fence);
	if (timeline->promise)
		dma_fence_promise_drop(timeline->promise);
	timeline->promise = NULL;
}

static void begin_anew(struct timeline *timeline)
{
	forget_points(timeline);
	if (timeline->eventfd >= 0)
		close(timeline->eventfd);
	timeline->eventfd = -1;
	CHECK(!dma_fence_syncobj_reset(timeline->syncobj));
	timeline->last = 0;
	TALLY("resets");
}

/* Takes the reference over. */
static void added(struct timeline *timeline, struct dma_fence *fence)
{
	timeline->points[timeline->count++] = (struct point){ timeline->last, fence };
}

static void add_point(struct worker *worker, struct timeline *timeline)
{
	struct dma_fence *fence = pool_get(worker);
	int ret;

	if (!fence)
		fence = fence_create(worker);
	ret = dma_fence_syncobj_add_point(timeline->syncobj, ++timeline->last, fence);
	CHECK(!ret, "adding a point: %d", ret);
	ret = dma_fence_syncobj_add_point(timeline->syncobj, timeline->last, fence);
	CHECK(ret == -ERANGE, "adding it again: %d", ret);
	added(timeline, fence);
	TALLY("points added");
}

/* What is promised is kept with what has nothing to do with it: nothing can wait for itself. */
static void promise_point(struct timeline *timeline)
{
	timeline->promise = dma_fence_syncobj_promise(timeline->syncobj, ++timeline->last);
	CHECK(timeline->promise, "promising a point: %d", errno);
	added(timeline, dma_fence_promise_fence(timeline->promise));
	TALLY("points promised");
}

static void end_promise(struct worker *worker, struct timeline *timeline)
{
	struct dma_fence *stands = dma_fence_promise_fence(timeline->promise), *fence;
	unsigned int how = below(worker, 4);
	int status;

	if (how == 0) {
		dma_fence_promise_drop(timeline->promise);
		CHECK(dma_fence_get_status(stands) == -ECANCELED);
		TALLY("promises dropped");
	} else if (how == 1) {
		CHECK(!dma_fence_promise_fail(timeline->promise, -ENODEV));
		CHECK(dma_fence_get_status(stands) == -ENODEV);
		TALLY("promises that failed");
	} else {
		fence = fence_create(worker);
		CHECK(!dma_fence_promise_keep(timeline->promise, fence));
		if (one_in(worker, 2)) {
			fence_signal_all(worker);
			status = fence_will_be(fence) ? fence_will_be(fence) : 1;
			CHECK(dma_fence_get_status(stands) == status,
			      "what stands for a promise has status %d, and not %d",
			      dma_fence_get_status(stands), status);
		}
		dma_fence_put(fence);
		TALLY("promises kept");
	}
	timeline->promise = NULL;
	dma_fence_put(stands);
}

/* The error of the earliest point that failed; 0: pending. */
static int model_status(struct timeline *timeline, unsigned int last)
{
	int error = 0, status;
	unsigned int i;

	for (i = 0; i <= last; i++) {
		status = dma_fence_get_status(timeline->points[i].fence);
		if (!status)
			return 0;
		if (status < 0 && !error)
			error = status;
	}
	return error ? error : 1;
}

/*
 * Of a chain a point gets what it is made of, and of that only the latest of each context: it may
 * tell another error, and does not know of those of fences that were left out.
 */
static bool is_same(struct timeline *timeline, unsigned int last, int status, int model)
{
	unsigned int i;

	for (i = 0; i <= last; i++)
		if (dma_fence_is_chain(timeline->points[i].fence))
			return !status == !model;
	return status == model;
}

static void check_points(struct worker *worker, struct timeline *timeline)
{
	uint64_t signaled, submitted;
	unsigned int i;
	int status, before, after;

	CHECK(dma_fence_syncobj_status(timeline->syncobj, timeline->last + 1) == -ENOENT);
	CHECK(!dma_fence_syncobj_query(timeline->syncobj, 0, &signaled));
	CHECK(!dma_fence_syncobj_query(timeline->syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED,
				       &submitted));
	CHECK(submitted == timeline->last && signaled <= submitted,
	      "%llu signaled, %llu submitted, %llu", (unsigned long long)signaled,
	      (unsigned long long)submitted, (unsigned long long)timeline->last);
	if (!timeline->count)
		return;
	i = below(worker, timeline->count);
	before = model_status(timeline, i);
	status = dma_fence_syncobj_status(timeline->syncobj, timeline->points[i].number);
	after = model_status(timeline, i);
	CHECK(is_same(timeline, i, status, before) || is_same(timeline, i, status, after),
	      "status %d of a point that went from %d to %d", status, before, after);
	if (signaled >= timeline->points[i].number)
		CHECK(after, "the last that has signaled is beyond one that is pending");
	TALLY("points compared");
}

static void wait_for_points(struct worker *worker, struct timeline *timeline)
{
	struct dma_fence_syncobj_point points[POINTS];
	unsigned int flags = 0, i, count = 0;
	uint32_t idx = UINT32_MAX;
	int64_t ret;

	for (i = 0; i < timeline->count; i++)
		points[count++] = (struct dma_fence_syncobj_point){ timeline->syncobj,
								    timeline->points[i].number };
	if (!count)
		return;
	if (one_in(worker, 2))
		flags |= DMA_FENCE_SYNCOBJ_WAIT_ALL;
	if (one_in(worker, 2))
		flags |= DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT;
	AT(worker, "waiting for points");
	ret = dma_fence_syncobj_wait(points, count, flags, one_in(worker, 2), some_time(worker),
				     &idx);
	CHECK(ret >= 0 || ret == -EINTR, "a wait for points: %lld", (long long)ret);
	if (ret > 0 && !(flags & DMA_FENCE_SYNCOBJ_WAIT_ALL)) {
		CHECK(idx < count && model_status(timeline, idx));
		TALLY("waits for any point");
	} else if (ret > 0) {
		CHECK(model_status(timeline, count - 1));
		TALLY("waits for all points");
	}
}

static void ask_for_eventfd(struct worker *worker, struct timeline *timeline)
{
	int64_t begun = scarcity_begin();
	int ret;

	timeline->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (timeline->eventfd < 0) {
		MAY_FAIL(-errno, begun);
		return;
	}
	timeline->eventfd_point = timeline->points[timeline->count - 1].number;
	AT(worker, "asking for an eventfd to be written to");
	ret = dma_fence_syncobj_eventfd_dup_fd(timeline->syncobj, timeline->eventfd_point,
					       timeline->eventfd, 0);
	if (ret) {
		MAY_FAIL(ret, begun);
		close(timeline->eventfd);
		timeline->eventfd = -1;
	}
}

static void look_at_eventfd(struct timeline *timeline)
{
	uint64_t count;

	if (read(timeline->eventfd, &count, sizeof(count)) == sizeof(count)) {
		CHECK(count == 1, "an eventfd was written to %llu times",
		      (unsigned long long)count);
		if (timeline->count &&
		    timeline->points[timeline->count - 1].number == timeline->eventfd_point)
			CHECK(model_status(timeline, timeline->count - 1),
			      "an eventfd was written to before its point has signaled");
		TALLY("eventfds written to");
	}
	close(timeline->eventfd);
	timeline->eventfd = -1;
}

static void take_out(struct worker *worker, struct timeline *timeline)
{
	struct dma_fence *fence;
	uint64_t number;
	int64_t begun = scarcity_begin();
	int fd;

	if (!timeline->count)
		return;
	number = timeline->points[below(worker, timeline->count)].number;
	if (one_in(worker, 2)) {
		fence = dma_fence_syncobj_find_fence(timeline->syncobj, number);
		CHECK(fence, "no fence of a point: %d", errno);
		fence_look(worker, fence);
		pool_add(worker, fence);
		TALLY("fences of points");
		return;
	}
	AT(worker, "exporting a point");
	fd = dma_fence_syncobj_export_sync_file(timeline->syncobj, number);
	if (fd < 0) {
		MAY_FAIL(fd, begun);
		return;
	}
	close(fd);
	TALLY("points exported");
}

/* What all do to the same objects: only that nothing breaks, and nobody hangs. */
static void use_shared(struct worker *worker)
{
	unsigned int which = below(worker, SHARED);
	struct dma_fence_syncobj *syncobj = shared[which];
	struct dma_fence_syncobj_point wanted = { syncobj, 0 };
	struct dma_fence *fence = NULL;
	int64_t begun = scarcity_begin();
	int64_t ret = 0;

	AT(worker, "using an object that others use");
	switch (below(worker, 6)) {
	case 0:
		/* A plain one: what depends on others could come to depend on itself. */
		fence = fence_create(worker);
		ret = dma_fence_syncobj_replace_fence(syncobj, fence);
		break;
	case 1:
		ret = dma_fence_syncobj_signal(syncobj);
		break;
	case 2:
		ret = one_in(worker, 4) ? dma_fence_syncobj_reset(syncobj) : 0;
		break;
	case 3:
		ret = dma_fence_syncobj_wait(&wanted, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT,
					     one_in(worker, 2), some_time(worker), NULL);
		CHECK(ret >= 0 || ret == -EINTR || ret == -EMFILE, "a wait: %lld", (long long)ret);
		if (ret > 0)
			TALLY("waits for others");
		ret = ret == -EMFILE ? ret : 0;
		break;
	case 4:
		fence = dma_fence_syncobj_find_fence(syncobj, 0);
		ret = fence || errno == ENOENT ? 0 : -errno;
		if (fence && fence_look(worker, fence))
			TALLY("fences of others");
		break;
	default:
		ret = dma_fence_syncobj_status(syncobj, 0);
		CHECK(ret == 0 || ret == 1 || ret == -EIO || ret == -ENOENT, "status %lld",
		      (long long)ret);
		ret = 0;
	}
	if (ret)
		MAY_FAIL((int)ret, begun);
	dma_fence_put(fence);
	TALLY("shared objects used");
}

static void enter(struct worker *worker)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));

	CHECK(timeline);
	timeline->syncobj = dma_fence_syncobj_create(0);
	CHECK(timeline->syncobj);
	timeline->eventfd = -1;
	worker->state = timeline;
}

static void turn(struct worker *worker)
{
	struct timeline *timeline = worker->state;

	if (timeline->count == POINTS)
		begin_anew(timeline);
	switch (below(worker, 10)) {
	case 0:
	case 1:
		add_point(worker, timeline);
		break;
	case 2:
		if (timeline->promise)
			end_promise(worker, timeline);
		else
			promise_point(timeline);
		break;
	case 3:
		wait_for_points(worker, timeline);
		break;
	case 4:
		if (timeline->eventfd >= 0)
			look_at_eventfd(timeline);
		else if (timeline->count)
			ask_for_eventfd(worker, timeline);
		break;
	case 5:
		take_out(worker, timeline);
		break;
	case 6:
		fence_signal_one(worker);
		break;
	case 7:
	case 8:
		use_shared(worker);
		break;
	default:
		check_points(worker, timeline);
	}
}

static void leave(struct worker *worker)
{
	struct timeline *timeline = worker->state;

	forget_points(timeline);
	if (timeline->eventfd >= 0)
		close(timeline->eventfd);
	dma_fence_syncobj_put(timeline->syncobj);
	free(timeline);
}

const struct actor actor_syncobjs = {
	.name = ACTOR,
	.threads = 2,
	.begin = begin,
	.end = end,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};
