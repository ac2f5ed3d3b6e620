/* SPDX-License-Identifier: MIT */
/*
 * The role of a process that exports, imports and waits, as it is told (tests/processes.h). It has
 * numbered places for fences; most steps take a place as their first value.
 *
 * create		a fence of its own
 * create-at		the same; value 1, 2: context and seqno
 * export		answers the fd, or what was returned instead of one
 * export-many		value 1: how many places; creates the fences, answers their fds
 * import		makes a fence of the fd that it gets; answers 0 or -errno
 * merge		merges the fds that it gets; answers an fd, or what was returned instead
 * join			value 1: another place; puts what merges both fences at value 2
 * error		value 1: the error
 * signal		value 1: the error or 0; value 2: the timestamp, or -1 for now
 * signal-many		value 1: how many; value 2: a seed for the order
 * kill-in-callback	adds a callback that kills the process
 * wait			value 1: timeout in ns; answers the result, the status, the timestamp, and
 *			when it was woken
 * status		answers the status and the timestamp
 * poll, select, epoll	waits for the fd that it gets, at most 10 seconds; answers 1 if something
 *			happened; what, as in poll(); and when
 * info			of the fd that it gets; answers the result, the status, the timestamp, and
 *			the number of fences
 * put			drops the fence
 * exit			ends the process at once, by exit()
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include "processes.h"

#define PEER_PLACES 200000

extern const struct role peer_role;

/* A peer's place 0, exported by it: an fd of another process. */
int peer_exports(struct process *peer, int place);

/* Signals a peer's fence. */
void peer_signals(struct process *peer, int place, int error, int64_t timestamp);

#endif
