#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sees to it that failure injection finds what is wrong with faulty.c, each thing by itself.

usage: faulty.py PROGRAM
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
# As in faulty.h; what has to be found, and that alone.
EXPECTED = {
    "nothing": set(),
    "leak": {"leaked"},
    "fd": {"leaked"},
    "thread": {"leaked"},
    "lost error": {"crashed"},
    "other error": {"failed"},
    "crash": {"crashed"},
    "hang": {"hung"},
    "half": {"failed"},
}
bad = 0


def inject(number, exceptions):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(exceptions)
        file.flush()
        result = subprocess.run(
            [HERE / "inject.py", "--lasts", "1", file.name, sys.argv[1]],
            env=dict(os.environ, FAULTY=str(number)), stdout=subprocess.PIPE, check=False, text=True)
    found = set(re.findall(r": \w+ fails with \w+: ([a-z]+): ", result.stdout))
    return result, found


# They mostly wait for what does not go.
with concurrent.futures.ThreadPoolExecutor(len(EXPECTED) + 1) as pool:
    jobs = [pool.submit(inject, number, "") for number in range(len(EXPECTED))]
    known = pool.submit(inject, list(EXPECTED).index("leak"),
                        "faulty fills * faulty_pair_fill leaked: as is known\n")
for job, (name, expected) in zip(jobs, EXPECTED.items()):
    result, found = job.result()
    if found != expected or result.returncode != bool(expected):
        bad += 1
        print(f"{name}: found {found}, status {result.returncode}, expected {expected}")
        print(result.stdout)

result, found = known.result()
if found or result.returncode:
    bad += 1
    print("an exception is not taken for one")
    print(result.stdout)
sys.exit(1 if bad else 0)
