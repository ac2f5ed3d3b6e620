#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the table in docs/porting.md with the kernel's headers, the library's and compat's.

usage: table.py KERNEL_FOLDER SOURCE_ROOT

Every function and function-like macro of the kernel's five headers is in the table, and what the
table has for that version is in the headers; what the table calls the same in the library or in
compat is there, and what it calls gone is not. In TAP.
"""
import os
import re
import subprocess
import sys
import tempfile

HEADERS = ["dma-fence", "dma-fence-array", "dma-fence-chain", "dma-fence-unwrap", "dma-resv"]
ROW = re.compile(r"^\| `([A-Za-z_]\w*)` \| (both|6\.12|7\.x) \| ([^|]+) \| ([^|]+) \|",
                 re.MULTILINE)
WITHOUT_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(", re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
NOT_NAMES = {"__attribute__", "__printf", "__counted_by", "typeof", "sizeof"}


def names_of(path):
    """The functions and function-like macros that a header declares."""
    with open(path, encoding="utf-8") as file:
        text = WITHOUT_COMMENTS.sub(" ", file.read())
    names = set(MACRO.findall(text))
    text = DIRECTIVE.sub("", text)
    # What is in braces is a body; what is left are declarations.
    previous = None
    while previous != text:
        previous, text = text, re.sub(r"\{[^{}]*\}", ";", text)
    for declaration in text.split(";"):
        if re.match(r"\s*(typedef|struct\s+\w+\s*$|enum\b)", declaration):
            continue
        for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", declaration):
            if name not in NOT_NAMES:
                names.add(name)
                break
    return names


def there(names, source, includes):
    """Those of the names that these headers have."""
    lines = [f"#include <{header}>" for header in includes]
    lines += [f'#ifdef {name}\n"+{name}"\n#endif' for name in names]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "names.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        text = subprocess.run(
            [os.environ.get("CC", "cc"), "-E", "-P", "-D_GNU_SOURCE", f"-I{source}/compat",
             f"-I{source}/include", path], check=True, capture_output=True, text=True).stdout
    macros = set(re.findall(r'^"\+(\w+)"$', text, re.MULTILINE))
    return {name for name in names
            if name in macros or re.search(rf"\b{name}\s*\(", text)}


def main(kernel, source):
    with open(os.path.join(source, "docs", "porting.md"), encoding="utf-8") as file:
        rows = ROW.findall(file.read())
    declared = set()
    for header in HEADERS:
        declared |= names_of(os.path.join(kernel, "include", "linux", header + ".h"))
    table = [name for name, *_ in rows]
    of_612 = {name for name, version, *_ in rows if version != "7.x"}
    of_7 = {name for name, version, *_ in rows if version != "6.12"}
    # Another tree may have been named.
    expected, unexpected = of_612, of_7 - of_612
    if declared & unexpected:
        expected, unexpected = of_612 & of_7, set()
    library = there(set(table), source, ["dmafence/dmafence.h"])
    compat = there(set(table), source, [f"linux/{header}.h" for header in HEADERS])

    def called(column, *words):
        return {row[0] for row in rows if re.split(r"[,: ]", row[column].strip())[0] in words}

    checks = [
        ("the headers have functions at all", [] if len(declared) > 80 else declared),
        ("every function of the headers is in the table", declared - set(table)),
        ("what the table has of this version is in the headers", expected - declared),
        ("what the table has of 7.x alone is not in those of 6.12", unexpected & declared),
        ("no function is there twice", {name for name in table if table.count(name) > 1}),
        ("each is the same in the library, renamed or gone",
         set(table) - called(2, "same", "renamed", "gone")),
        ("what is the same in the library is there", called(2, "same") - library),
        ("what is renamed or gone is not", called(2, "renamed", "gone") & library),
        ("each is the same in compat, or gone", set(table) - called(3, "same", "gone")),
        ("what is the same in compat is there", called(3, "same") - compat),
        ("what is gone is not", called(3, "gone") & compat),
    ]
    failed = 0
    for number, (what, wrong) in enumerate(checks, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} - {what}")
        for name in sorted(wrong):
            print(f"# {name}")
        failed += bool(wrong)
    print(f"1..{len(checks)}\n# {len(declared)} names in the headers, {len(table)} in the table")
    return 1 if failed else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
