#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each test that docs/security.md names exists, and is run; and each case of tests/hostile-*.c is named.

usage: security.py SOURCE_ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
tests = root / "tests"
text = (root / "docs" / "security.md").read_text()
build = (tests / "meson.build").read_text()
flaws = []

named = set(re.findall(r"`([a-z0-9-]+\.c)`: `(\w+)`", text))
for file, case in sorted(named):
    source = tests / file
    if not source.exists():
        flaws.append(f"{file} does not exist")
    elif not re.search(rf"^static void {case}\(void \*\*state\)", source.read_text(), re.MULTILINE):
        flaws.append(f"{file} has no case {case}")
    elif not re.search(rf"_test\w*\({case}\b", source.read_text()):
        flaws.append(f"{file} does not run {case}")
for file in sorted(set(re.findall(r"`([a-z0-9-]+\.(?:c|py))`", text))):
    if not (tests / file).exists():
        flaws.append(f"{file} does not exist")
    elif f"'{file.removesuffix('.c')}'" not in build:
        flaws.append(f"{file} is not in tests/meson.build")

# A row without a test is a claim.
for line in text.splitlines():
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if line.startswith("|") and len(cells) == 3 and cells[0] not in ("attack", "---"):
        if not re.search(r"`[a-z0-9-]+\.(c|py)`", cells[2]):
            flaws.append(f"no test for: {cells[0]}")

for source in [*tests.glob("hostile-*.c"), tests / "stuck-reader.c"]:
    for case in re.findall(r"^static void (\w+)\(void \*\*state\)", source.read_text(), re.MULTILINE):
        if (source.name, case) not in named:
            flaws.append(f"docs/security.md does not name {case} of {source.name}")

for flaw in flaws:
    print(flaw)
if not named:
    flaws.append("no test is named")
print(f"{len(named)} cases are named")
sys.exit(bool(flaws))
