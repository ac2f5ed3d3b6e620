#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes each mutant of src/base/mutants.h a switch, so that one build of the library has them all.

usage: mutant-switches.py src/base/mutants.h OUTPUT
"""
import pathlib
import re
import sys

header, output = sys.argv[1:]
names = re.findall(r"^#ifndef MUTANT_(\w+)", pathlib.Path(header).read_text(), re.MULTILINE)
lines = ["_Bool dma_fence_model_mutant(unsigned int number) __attribute__((const));"]
lines += [f"#define MUTANT_{name} dma_fence_model_mutant({i})" for i, name in enumerate(names)]
lines += ["#define MUTANT_NAMES " + ", ".join(f'"{name}"' for name in names), ""]
pathlib.Path(output).write_text("\n".join(lines))
