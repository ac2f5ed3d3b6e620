#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documentation shows as output is what comes out.

usage: document.py DOCUMENT PROGRAM ...

Blocks that begin with "$ NAME=VALUE ... build/tests/faults/PROGRAM" are compared with what the program
writes to stderr. Numbers of threads and times differ from run to run; a last line "..." stands for the
rest.
"""
import os
import re
import subprocess
import sys


def alike(line):
    line = re.sub(r"thread \d+", "thread N", line)
    line = re.sub(r"\d+(\.\d+)? (us|ms|s)\b", "T", line)
    return line.rstrip()


def main():
    programs = {os.path.basename(path): path for path in sys.argv[2:]}
    with open(sys.argv[1], encoding="utf-8") as document:
        blocks = re.findall(r"((?:^    .*\n|^\n)+)", document.read(), re.MULTILINE)
    compared = 0
    for block in blocks:
        lines = [line[4:] for line in block.strip("\n").split("\n")]
        command = re.match(r"\$ ((?:\w+=\w+ )*)build/tests/faults/(\S+)$", lines[0])
        if not command:
            continue
        name = command.group(2)
        if name not in programs:
            sys.exit(f"{sys.argv[1]}: there is no program '{name}'")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DMA_FENCE_")}
        settings = dict(word.split("=", 1) for word in command.group(1).split())
        said = subprocess.run([programs[name]], env={**clean, **settings}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                              check=False).stderr.split("\n")
        shown = lines[1:]
        if shown[-1] == "...":
            shown = shown[:-1]
        elif len([line for line in said if line]) > len(shown):
            sys.exit(f"{name} says more than {sys.argv[1]} shows")
        for expected, line in zip(shown, said):
            if alike(expected) != alike(line):
                sys.exit(f"{sys.argv[1]} shows of {name}:\n{expected}\nbut it says:\n{line}")
        compared += 1
    if compared < 3:
        sys.exit(f"{sys.argv[1]}: {compared} programs were compared; there should be 3")


if __name__ == "__main__":
    main()
