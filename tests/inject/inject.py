#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has calls of the library fail, one at a time, in the cases of tests, and judges what comes of it.

usage: inject.py [options] EXCEPTIONS PROGRAM...

The programs are those of tests/inject/meson.build; inject.h says what they do. In each program the
first call from each place in the library fails; with --all all those of inject.h. --most N: what
a program has not come to after N seconds, 30 if it is not --all, is only counted. --lasts N: after N
seconds, and more if it takes longer anyway, a case hangs. --case PATTERN: only these cases. --jobs N:
programs at a time. --some: these are not all programs, so there may be lines that nothing needs.
Each outcome that is not in order is told with its way, as functions and lines, unless a line of
EXCEPTIONS has it. The status is 1 if there was any.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import os
import re
import subprocess
import sys
import time

# What is as it should be. (not-reached: threads may take another way.)
FINE = {"refused", "absorbed", "not-reached"}
# What is no finding, either.
COUNTED = {"excepted", "now and then", "listed in part", "calls left out", "cases left out"}
# Twice more, and it is one of these each time: an outcome that depends on who else is running is
# no finding, but is counted.
AGAIN = 2

arguments = argparse.ArgumentParser()
arguments.add_argument("--all", action="store_true")
arguments.add_argument("--some", action="store_true")
arguments.add_argument("--most", type=int)
arguments.add_argument("--jobs", type=int, default=2)
arguments.add_argument("--lasts", type=int)
arguments.add_argument("--case")
arguments.add_argument("exceptions")
arguments.add_argument("programs", nargs="+")
options = arguments.parse_args()
if options.most is None:
    options.most = 0 if options.all else 30

Failure = collections.namedtuple("Failure", "case call error outcome details way")


class Exceptions:
    """Lines 'PROGRAM CASE CALL FUNCTION OUTCOME: REASON', the first five being patterns."""

    def __init__(self, path):
        self.lines = []
        self.used = set()
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                patterns, colon, reason = line.partition(":")
                if len(patterns.split()) != 5 or not colon or not reason.strip():
                    sys.exit(f"{path}:{number}: not 'PROGRAM CASE CALL FUNCTION OUTCOME: REASON'")
                self.lines.append((number, patterns.split()))

    def has(self, program, failure, functions):
        for number, (*patterns, function, outcome) in self.lines:
            known = zip((program, failure.case, failure.call, failure.outcome),
                        patterns + [outcome])
            if (all(fnmatch.fnmatch(a, b) for a, b in known) and
                    any(fnmatch.fnmatch(name, function) for name in functions or [""])):
                self.used.add(number)
                return True
        return False


def places(program, addresses):
    """Functions and lines of return addresses: the calls before them."""
    wanted = [f"{int(a, 16) - 1:x}" for a in addresses if a != "0"]
    if not wanted:
        return []
    told = subprocess.run(["addr2line", "-f", "-i", "-e", program, *wanted], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.split("\n")
    return [(re.sub(r"^plain_", "", name), os.path.basename(line.split(" ")[0]))
            for name, line in zip(told[::2], told[1::2])]


def run(program, more):
    environment = dict(os.environ, INJECT="all" if options.all else "each", **more)
    environment.setdefault("MALLOC_PERTURB_", "219")
    if options.lasts:
        environment["INJECT_LASTS"] = str(options.lasts)
    if options.case:
        environment["INJECT_CASE"] = options.case
    if options.most:
        environment["INJECT_SECONDS"] = str(options.most)
    return subprocess.run([program], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def failures(output):
    """Each line of words, and the lines of output that follow it."""
    for line in output.decode(errors="replace").split("\n"):
        words = line.split("\t")
        if len(words) == 6:
            yield Failure(*words), []
        elif line.startswith("#") and "left out" not in line:
            yield None, [line]


def lasts(program, failure):
    """Whether the same comes of it again, each time."""
    way = re.match(r"way (\w+), (\d+) before", failure.details)
    if not way or not failure.way:
        return True
    for _ in range(AGAIN):
        output = run(program, {"INJECT_CASE": failure.case, "INJECT_WAY": way[1]}).stdout
        again = [f for f, _ in failures(output) if f and f.call == failure.call and
                 f", {way[2]} before" in f.details]
        if again and all(f.outcome in FINE for f in again):
            return False
    return True


def judge(program):
    name = re.sub(r"^inject-", "", os.path.basename(program))
    begin = time.monotonic()
    result = run(program, {})
    count = collections.Counter()
    text, told = [], False
    if result.returncode or b"left out for want" not in result.stdout:
        text.append(f"{name}: ends with status {result.returncode}")
        count["ended"] += 1
    for failure, lines in failures(result.stdout):
        if not failure:
            if told:
                text += lines
            continue
        told = False
        count[failure.outcome] += 1
        if failure.outcome in FINE | COUNTED:
            continue
        way = places(program, failure.way.split())
        if exceptions.has(name, failure, [function for function, _ in way]):
            count[failure.outcome] -= 1
            count["excepted"] += 1
            continue
        if not lasts(program, failure):
            count[failure.outcome] -= 1
            count["now and then"] += 1
            continue
        told = True
        details = re.sub(r"@(\w+)", lambda m: " < ".join(
            f"{f} {line}" for f, line in places(program, [m[1]])), failure.details)
        text.append(f"{name}: {failure.case}: {failure.call} fails with {failure.error}: "
                    f"{failure.outcome}: {details}")
        text += [f"      {function} {line}" for function, line in way]
    late = re.search(rb"# (\d+) calls and (\d+) cases left out", result.stdout)
    count["calls left out"] += int(late[1]) if late else 0
    count["cases left out"] += int(late[2]) if late else 0
    return name, count, text, time.monotonic() - begin


exceptions = Exceptions(options.exceptions)
total = collections.Counter()
bad = 0
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    jobs = [pool.submit(judge, program) for program in options.programs]
    for job in concurrent.futures.as_completed(jobs):
        name, count, text, seconds = job.result()
        print(f"{name}: {seconds:.1f} s:",
              ", ".join(f"{n} {what}" for what, n in sorted(count.items()) if n), flush=True)
        print("".join(f"{line}\n" for line in text), end="", flush=True)
        total += count
        bad += sum(n for what, n in count.items()
                   if what not in FINE | COUNTED)
if not total:
    sys.exit("no case, and no call: nothing could fail")
print(f"{len(options.programs)} programs:",
      ", ".join(f"{n} {what}" for what, n in sorted(total.items()) if n))
if not (options.case or options.some or total["calls left out"] or total["cases left out"]):
    for number, patterns in exceptions.lines:
        if number not in exceptions.used:
            print(f"{options.exceptions}:{number}: nothing needs it: {' '.join(patterns)}")
print(f"{bad} findings")
sys.exit(1 if bad else 0)
