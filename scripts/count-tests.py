#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up the logs of 'meson test' in the given build folders.

A unit-test program counts once for each test case in it. Says why something was skipped, also where
it was a part of a program (a line '# SKIP in part: why'), names what failed, and ends in 'N passed, N failed'. Exits with 1 if anything failed, or if there was nothing
to count.
"""
import json
import os
import re
import sys

CASE = re.compile(r"^(ok|not ok)\b(?!.*# SKIP)", re.MULTILINE)
SKIPPED = re.compile(r"# SKIP ?(.*)")
IN_PART = re.compile(r"^# SKIP in part: (.*)$", re.MULTILINE)
GOOD = {"OK", "EXPECTEDFAIL"}


def count(folder):
    """Yields (name, passed, failed, skipped, why) for each test."""
    path = os.path.join(folder, "meson-logs", "testlog.json")
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except OSError:
        yield f"{folder}: no log of its tests", 0, 1, 0, ""
        return
    for test in tests:
        name = f"{folder}: {test['name']}"
        output = test.get("stdout") or ""
        if test["result"] == "SKIP":
            why = SKIPPED.search(output)
            yield name, 0, 0, 1, why.group(1) if why else output.strip()
            continue
        for why in IN_PART.findall(output):
            print(f"skipped in part: {name}: {why}")
        cases = CASE.findall(output)
        passed = cases.count("ok")
        failed = cases.count("not ok")
        if test["result"] in GOOD and not cases:
            passed = 1
        if test["result"] not in GOOD and not failed:
            failed = 1  # it crashed, or ran out of time
        yield name, passed, failed, 0, test["result"]


def main(folders):
    total = [0, 0, 0]
    for folder in folders:
        for name, passed, failed, skipped, why in count(folder):
            total[0] += passed
            total[1] += failed
            total[2] += skipped
            if failed:
                print(f"failed: {name} ({why})")
            if skipped:
                print(f"skipped: {name}: {why}")
    line = f"{total[0]} passed, {total[1]} failed"
    if total[2]:
        line += f", {total[2]} skipped"
    print(line)
    return 1 if total[1] or not total[0] else 0


sys.exit(main(sys.argv[1:]))
