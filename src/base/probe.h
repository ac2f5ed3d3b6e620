/* SPDX-License-Identifier: MIT */
/*
 * Probes: where a tracer outside (perf, bpftrace, SystemTap) can look into a program that runs.
 *
 * A probe is one instruction that does nothing, and a note in the file that says where that is and
 * where its arguments lie: registers, and fields of the fence, which nobody loads before a tracer
 * comes. So they are also on the ways on which no hook is asked. docs/diagnosis.md has their list.
 *
 * Where there is no <sys/sdt.h> there are none.
 */
#ifndef DMAFENCE_BASE_PROBE_H
#define DMAFENCE_BASE_PROBE_H

#if defined(HAVE_SYS_SDT_H) && !defined(DMAFENCE_MODEL)
#define SDT_USE_VARIADIC
#include <sys/sdt.h>

#define probe(name, ...) STAP_PROBEV(dmafence, name, __VA_ARGS__)
#else
#define probe(name, ...) ((void)0)
#endif

/* In place of inline: the compiler takes a note's text for instructions, and a probe for long. */
#define probed_inline inline __attribute__((always_inline))

#endif
