/* SPDX-License-Identifier: MIT */
/* Nothing hangs: a test that takes too long is ended, and says where it was. */
#ifndef TESTS_WATCHDOG_H
#define TESTS_WATCHDOG_H

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

/*
 * By how much everything may take longer under a sanitizer, on a machine that others use as well.
 */
#define PATIENCE (UNDER_SANITIZER ? 5 : 1)

/* From now on this process has so many seconds; 0: as many as it likes. */
void watchdog_begin(unsigned int seconds);

/* What its first thread is about to do, for the message. */
void watchdog_at(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
