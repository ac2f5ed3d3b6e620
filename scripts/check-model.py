#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the exhaustive scheduler to its full extent: every scenario, every mutant.

usage: check-model.py BUILD_FOLDER

Prints a table of the scenarios, with how far each was explored; of the mutants of
src/base/mutants.h and those of tests/model/mutations.txt, with the scenario that found each and after
how many interleavings; and ends in 'N passed, N failed'. Exits with 1 if anything failed. The
programs run in parallel, one for each processor.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests" / "model"
LINE = re.compile(r"^(not ok|ok) \d+ - (.+?) # (.*)$", re.MULTILINE)


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def mutate(*arguments):
    result = run([sys.executable, MODEL / "mutate.py", MODEL / "mutations.txt", *arguments])
    if result.returncode:
        sys.exit(result.stderr.strip())
    return result.stdout.split()


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, good, name, text, details=""):
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'FAILED':6} {name:44} {text}", flush=True)
        if not good and details:
            print(details, flush=True)

    def add_output(self, name, result):
        """What the command said of itself: one line for each scenario or mutant."""
        lines = LINE.findall(result.stdout)
        for verdict, what, text in lines:
            self.add(verdict == "ok", what, text, result.stdout)
        if not lines:
            self.add(False, name, f"ends with status {result.returncode}",
                     result.stdout + result.stderr)


class Mutations:
    """Builds what a mutation changes, and links it with the rest as it is."""

    def __init__(self, build):
        self.build = build
        self.folder = build / "tests" / "model"
        commands = json.loads((build / "compile_commands.json").read_text())
        self.commands = [entry for entry in commands
                         if re.match(r"tests/model/libmodel-(?!scheduler)", entry["output"])]
        objects = [entry for entry in commands if entry["output"] == "tests/model/model.p/main.c.o"]
        self.compiler = shlex.split(objects[0]["command"])[0]
        link = run(["ninja", "-C", build, "-t", "commands", "tests/model/model"]).stdout
        self.link = shlex.split(link.strip().splitlines()[-1])

    def compile(self, entry, tree):
        """The object that a source gives in another tree."""
        source = os.path.relpath((self.build / entry["file"]).resolve(), ROOT)
        changed = tree / source
        if not changed.exists():
            changed = ROOT / source
        output = tree / entry["output"].replace("/", "-")
        relative = os.path.relpath(ROOT, self.build)
        command = shlex.split(entry["command"])
        for i, word in enumerate(command):
            if word in (f"-I{relative}/src", f"-I{relative}/include"):
                command[i] = f"-I{tree}/{word.rsplit('/', 1)[1]}"
            elif word == entry["output"]:
                command[i] = str(output)
            elif word == entry["file"]:
                command[i] = str(changed)
        result = run(command, cwd=self.build)
        if result.returncode:
            raise RuntimeError(result.stderr)
        return str(output)

    def hunt(self, name):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            mutate(str(ROOT), name, folder)
            changed = {str(path.relative_to(tree)) for path in tree.rglob("*")
                       if path.is_file() and
                       path.read_bytes() != (ROOT / path.relative_to(tree)).read_bytes()}
            header = any(path.endswith(".h") for path in changed)
            objects = [self.compile(entry, tree) for entry in self.commands
                       if header or os.path.relpath((self.build / entry["file"]).resolve(), ROOT)
                       in changed]
            model = tree / "model"
            at = self.link.index("-o")
            command = self.link[:at + 1] + [str(model)] + objects + self.link[at + 2:]
            result = run(command, cwd=self.build)
            if result.returncode:
                raise RuntimeError(result.stderr)
            return run([model, "--hunt-this"])


def main(build):
    build = pathlib.Path(build).resolve()
    model = build / "tests" / "model" / "model"
    report = Report()
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())

    scenarios = run([model, "--list"]).stdout.split()
    results = [(name, pool.submit(run, [model, name])) for name in scenarios]
    print(f"== {len(scenarios)} scenarios")
    for name, future in results:
        report.add_output(name, future.result())

    print("== random programs, explored with the reduction and without")
    random = run([model, "--random", "20000"])
    report.add(not random.returncode, "reduction", random.stdout.strip().lstrip("# "))

    print("== mutants of src/base/mutants.h: found")
    mutants = re.findall(r"^#ifndef MUTANT_(\w+)", (ROOT / "src/base/mutants.h").read_text(),
                         re.MULTILINE)
    results = [(name, pool.submit(run, [model, "--hunt", name])) for name in mutants]
    for name, future in results:
        report.add_output(name, future.result())

    survivors = mutate("--survivors")
    mutations = Mutations(build)
    names = mutate("--names")
    results = [(name, pool.submit(mutations.hunt, name)) for name in names]
    print(f"== {len(names)} mutants of tests/model/mutations.txt: found, but {len(survivors)}")
    for name, future in results:
        try:
            result = future.result()
        except RuntimeError as error:
            report.add(False, name, "cannot be built", str(error))
            continue
        found = LINE.search(result.stdout)
        if not found:
            report.add(False, name, f"ends with status {result.returncode}", result.stderr)
            continue
        survived = found[1] == "not ok"
        why = " (right to survive: see there)" if survived and name in survivors else ""
        report.add(survived == (name in survivors), name, found[3] + why, result.stdout)

    print(f"{report.passed} passed, {report.failed} failed")
    return report.failed != 0


if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
sys.exit(main(sys.argv[1]))
