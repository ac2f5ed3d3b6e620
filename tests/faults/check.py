#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program with a fault in it, and one without, and looks at what is reported.

usage: check.py SOURCE FAULTY CORRECT

The head of the source says how: "run with: NAME=VALUE ...", for the environment; "says: REGULAR
EXPRESSION" and "then: ..." for what is to be found in stderr, each after the one before; "blames: ..."
the same, but in one line or in the ten after it the line of the source that ends in "the fault" is
to be named; "names: FUNCTION" for what is to be named anywhere. The correct program says nothing.
"""
import os
import re
import subprocess
import sys

CONTEXT = 10


def fail(message, said=""):
    sys.exit(f"{sys.argv[1]}: {message}" + (f"; it said:\n{said}" if said else ""))


def run(program, settings):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DMA_FENCE_")}
    done = subprocess.run([program], env={**clean, **settings}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False)
    if done.returncode:
        fail(f"{program} ended with {done.returncode}", done.stderr)
    return done.stderr


def main():
    source, faulty, correct = sys.argv[1:]
    with open(source, encoding="utf-8") as lines:
        text = lines.read()
    directives = re.findall(r"^ \* (run with|says|then|blames|names):[ \t]*(.*)$", text, re.MULTILINE)
    fault = [i + 1 for i, line in enumerate(text.split("\n")) if "/* the fault */" in line]
    if len(fault) != 1 or len(directives) < 3:
        fail("it does not say what is to be looked for")
    where = f"{os.path.basename(source)}:{fault[0]}"
    settings = dict(word.split("=", 1) for kind, value in directives if kind == "run with"
                    for word in value.split())

    said = run(faulty, settings)
    at = 0
    for kind, value in directives:
        if kind == "names":
            if not re.search(rf"\b{value}\b \({re.escape(os.path.basename(source))}:\d+\)", said):
                fail(f"'{value}' is not named", said)
        elif kind != "run with":
            found = re.search(value, said[at:])
            if not found:
                fail(f"'{value}' is not said", said)
            at += found.end()
            if kind == "blames" and where not in "\n".join(said[at:].split("\n")[:CONTEXT]):
                fail(f"{where} is not blamed", said)
    if where not in said:
        fail(f"{where} is not named", said)

    said = run(correct, settings)
    if said:
        fail("without the fault, there is nothing to report", said)


if __name__ == "__main__":
    main()
