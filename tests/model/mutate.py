#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes mutants of the library: copies of its sources with one defect each.

    mutate.py LIST SOURCE_ROOT NAME OUTPUT_FOLDER   src/ and include/ with that defect
    mutate.py LIST SOURCE_ROOT --check              every mutant of the list can be made
    mutate.py LIST --names                          one a line
    mutate.py LIST --survivors                      those that are right to survive

LIST is mutations.txt, which says how it is written.
"""
import pathlib
import shutil
import sys


class Mutation:
    def __init__(self, name, number):
        self.name, self.number = name, number
        self.texts = {}  # why, file, after, survives
        self.old, self.new = [], []


def fail(text):
    sys.exit(f"mutate.py: {text}")


def read_list(path):
    """The mutations by their names, in the order of the list."""
    mutations, mutation, key = {}, None, None
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if line.startswith("== "):
            mutation, key = Mutation(line[3:].strip(), number), None
            if mutation.name in mutations:
                fail(f"{path}:{number}: {mutation.name} is there twice")
            mutations[mutation.name] = mutation
        elif not line.strip() or line.startswith("#"):
            key = None
        elif mutation is None:
            fail(f"{path}:{number}: outside of a mutation")
        elif line[0] in "-+":
            (mutation.old if line[0] == "-" else mutation.new).append(line[1:])
            key = None
        elif line[0] == " " and key:
            mutation.texts[key] += " " + line.strip()
        else:
            key, colon, text = line.partition(": ")
            if not colon or key not in ("why", "file", "after", "survives"):
                fail(f"{path}:{number}: not understood: {line}")
            mutation.texts[key] = text
    for mutation in mutations.values():
        if not mutation.old or not {"why", "file"} <= mutation.texts.keys():
            fail(f"{path}:{mutation.number}: {mutation.name} lacks its why, file or lines")
    return mutations


def places_of(lines, wanted):
    """The indices at which all the wanted lines follow each other."""
    count = len(wanted)
    return [i for i in range(len(lines) - count + 1) if lines[i:i + count] == wanted]


def mutated(mutation, root):
    """The text of the mutation's file, with the defect."""
    name = mutation.texts["file"]
    try:
        lines = (pathlib.Path(root) / name).read_text().split("\n")
    except OSError as error:
        fail(f"{mutation.name}: {error}")
    places, anchor = places_of(lines, mutation.old), mutation.texts.get("after")
    if anchor is not None:
        anchors = [i for i, line in enumerate(lines) if anchor in line]
        if len(anchors) != 1:
            fail(f"{mutation.name}: {name} has {len(anchors)} lines with '{anchor}', not one")
        places = [i for i in places if i > anchors[0]][:1]
    if len(places) != 1:
        fail(f"{mutation.name}: {name} has {len(places)} places to be changed, not one")
    at = places[0]
    return "\n".join(lines[:at] + mutation.new + lines[at + len(mutation.old):])


def main():
    if len(sys.argv) == 3 and sys.argv[2] in ("--names", "--survivors"):
        for mutation in read_list(sys.argv[1]).values():
            if sys.argv[2] == "--names" or "survives" in mutation.texts:
                print(mutation.name)
    elif len(sys.argv) == 4 and sys.argv[3] == "--check":
        for mutation in read_list(sys.argv[1]).values():
            mutated(mutation, sys.argv[2])
    elif len(sys.argv) == 5:
        path, root, name, output = sys.argv[1:]
        mutation = read_list(path).get(name) or fail(f"{path} has no {name}")
        text = mutated(mutation, root)
        for folder in ("src", "include"):
            shutil.copytree(pathlib.Path(root) / folder, pathlib.Path(output) / folder,
                            dirs_exist_ok=True)
        (pathlib.Path(output) / mutation.texts["file"]).write_text(text)
    else:
        sys.exit(__doc__)


main()
