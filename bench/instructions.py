#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The repeatable witness: how many instructions each path takes, counted by callgrind.

usage: instructions.py BUILD [BUILD-BEFORE] [--limit PERCENT] [--only TEXT]

BUILD is a build directory with the benchmarks in it. With a second one, of another version, each
row also has what that one takes, and the command fails if a path takes more by over PERCENT (2).
A path is run twice, with more operations the second time: the difference is that of the operations,
and what starting takes falls out.
"""
import argparse
import glob
import re
import subprocess
import sys
import tempfile

# Paths on which one thread works and nobody sleeps: the others have no number that can be repeated.
GROUPS = {
    "bench-fence": ["lifecycle", "reference", "query", "callback", "context"],
    "bench-containers": ["array", "no-clock", "phases", "chain", "merge"],
    "bench-resv": ["lock", "query", "job"],
    "bench-fds": ["passed"],
}
LEFT_OUT = r"^classical|^linux|chain-\d{6,}|^(chain|array)-.*-(walk|find|signal|put|release)$"

# What is deferred, and the heights of links, are never quite the same: the least of so many.
TIMES = 5


def fail(message):
    sys.exit(f"instructions.py: {message}")


def names(build, bench, only):
    csv = subprocess.run([f"{build}/bench/{bench}", "-r", "9", "-s", "0.001", "-o", "/dev/stderr"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    rows = [line.split(",") for line in csv.stderr.splitlines() if line.count(",") > 5]
    if not rows:
        fail(f"{build}/bench/{bench} does not run: is it built?")
    found = []
    for row in rows[1:]:
        wanted = row[0] in GROUPS[bench] and only in row[1]
        # What is compared with; and what is measured together with another one, in the same run.
        if wanted and not re.search(LEFT_OUT, row[1]) and row[1] not in found:
            found.append(row[1])
    return found


def run(build, bench, name, scale):
    """Returns the operations and the instructions of all of them, or None if it is not run alone."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes",
             f"--callgrind-out-file={folder}/out", f"{build}/bench/{bench}", "-1", name, "-s", str(scale)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        operations = re.search(r"(\d+) operations", done.stdout)
        # The first thread's: how often the others run for what is deferred is a matter of chance.
        counted = glob.glob(f"{folder}/out-01")
        if done.returncode or not operations or not counted:
            return None
        with open(counted[0], encoding="utf-8") as lines:
            totals = re.search(r"^(?:totals|summary): (\d+)", lines.read(), re.MULTILINE)
    return int(operations.group(1)), int(totals.group(1))


def per_operation(build, bench, name):
    scale = 0.002
    first = run(build, bench, name, scale)
    while first and first[0] < 2000 and scale < 1:
        scale *= 4
        first = run(build, bench, name, scale)
    second = first and run(build, bench, name, 3 * scale)
    if not second or second[0] <= first[0]:
        return None
    return (second[1] - first[1]) / (second[0] - first[0])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("build")
    parser.add_argument("before", nargs="?")
    parser.add_argument("--limit", type=float, default=2)
    parser.add_argument("--only", default="")
    options = parser.parse_args()

    over = rows = 0
    for bench in GROUPS:
        for name in names(options.build, bench, options.only):
            now = per_operation(options.build, bench, name)
            if now is None:
                continue
            rows += 1
            before = options.before and per_operation(options.before, bench, name)
            for _ in range(TIMES - 1):
                if not before or abs(now / before - 1) * 100 <= options.limit:
                    break
                now = min(now, per_operation(options.build, bench, name))
                before = min(before, per_operation(options.before, bench, name))
            line = f"{bench:18}{name:34}{now:12.1f}"
            if before:
                more = (now / before - 1) * 100
                over += more > options.limit
                line += f"{before:12.1f}{more:+8.1f} %" + ("  OVER" if more > options.limit else "")
            print(line, flush=True)
    if not rows:
        fail("there is nothing to count")
    if over:
        fail(f"{over} of {rows} paths take more than {options.limit:g} % more instructions")


if __name__ == "__main__":
    main()
