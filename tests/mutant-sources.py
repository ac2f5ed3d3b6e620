#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says which of the library's sources each mutant changes: what has to be compiled again for it.

usage: mutant-sources.py SOURCE_ROOT FOLDER SOURCE...

A line for each: its name, and the sources that mention it, themselves or in a header of FOLDER that
they include; without the folder SOURCE_ROOT, whose name may have spaces.
"""
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
SOURCE = ROOT / sys.argv[2]


@functools.lru_cache(maxsize=None)
def mentioned(path):
    text = path.read_text(encoding="utf-8")
    names = set(re.findall(r"\bMUTANT\((\w+)\)", text))
    for header in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
        if (SOURCE / header).exists():
            names |= mentioned(SOURCE / header)
    return names - {"name"}  # the macro's own


changed = {}
for argument in sys.argv[3:]:
    for name in mentioned(pathlib.Path(argument)):
        changed.setdefault(name, []).append(str(pathlib.Path(argument).relative_to(ROOT)))
for name, sources in sorted(changed.items()):
    print(name, *sources)
