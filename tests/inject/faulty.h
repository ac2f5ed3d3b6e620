/* SPDX-License-Identifier: MIT */
/* A library of one function, to see whether failure injection sees what is wrong with it. */
#ifndef TESTS_INJECT_FAULTY_H
#define TESTS_INJECT_FAULTY_H

enum faulty {
	FAULTY_NOTHING,
	FAULTY_LEAK,	    /* what was allocated before a failure stays */
	FAULTY_FD,	    /* what was opened before a failure stays open */
	FAULTY_THREAD,	    /* what was started before a failure goes on */
	FAULTY_LOST_ERROR,  /* success is returned, and nothing is there */
	FAULTY_OTHER_ERROR, /* another one than that of the call */
	FAULTY_CRASH,	    /* what is not there is used */
	FAULTY_HANG,	    /* a lock is kept */
	FAULTY_HALF,	    /* what was changed before a failure stays so */
};

struct faulty_pair {
	char *name;
	int *fds;
	int count; /* of pairs that were made */
};

/* Fills in the pair; returns 0 or -errno. */
int faulty_pair_fill(struct faulty_pair *pair, enum faulty what);

void faulty_pair_empty(struct faulty_pair *pair);

#endif
