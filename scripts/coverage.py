#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much of the code was run, and whether that is enough.

usage: coverage.py COUNTED.json EXCEPTIONS.txt
       coverage.py --targets BUILD_FOLDER SUITE...

The first prints a table of lines and branches of each folder, from what gcovr has written, and the
files that most is missing of. Exits with 1 where less is run than BOUNDS says, or an exception is
listed without a reason, or is not true: what it names is not there, or has been run.

An exception is a paragraph: 'FILE: function NAME', 'FILE: line TEXT' or 'FILE: branch TEXT', where TEXT
is all of a line of the file; and then the reason, on lines that begin with a blank. What it names is
not counted: all that is in a function, a line with its branches, or those branches of a line that
nothing has taken.

The second prints which files are to be built for the tests of all suites but those.
"""
import collections
import json
import os
import re
import subprocess
import sys

# Of each folder how many lines and branches have to be run, in percent.
BOUNDS = {'src': (95, 90), 'include': (95, 90), 'softgpu': (90, 80), 'tools': (90, 80)}

HEAD = re.compile(r'(\S+): (function|line|branch) (\S.*)')


class Wrong(Exception):
    """What is wrong with an exception, or with the file of them."""


class Sums:
    def __init__(self):
        self.lines = self.run = self.branches = self.taken = 0

    def add(self, line):
        self.lines += 1
        self.run += line['count'] > 0
        self.branches += len(line['branches'])
        self.taken += sum(branch['count'] > 0 for branch in line['branches'])

    def missing(self):
        return self.lines - self.run + self.branches - self.taken


def counted_lines(file):
    """By number."""
    return {line['line_number']: line for line in file['lines']
            if not line.get('gcovr/noncode') and not line.get('gcovr/excluded')}


def read_exceptions(path):
    """Yields (file, kind, what) of each, once it has seen that there is a reason."""
    with open(path, encoding='utf-8') as file:
        text = ''.join(line for line in file if not line.startswith('#'))
    for paragraph in re.split(r'\n\s*\n', text):
        if not paragraph.strip():
            continue
        head, *reason = paragraph.strip('\n').split('\n')
        match = HEAD.fullmatch(head)
        if not match:
            raise Wrong(f'{path}: not understood: {head}')
        if not reason or not all(line[:1].isspace() and line.strip() for line in reason):
            raise Wrong(f'{path}: no reason is given for: {head}')
        yield match.groups()


def numbers_of(name, kind, what):
    """The lines of a file that an exception names."""
    try:
        with open(name, encoding='utf-8') as file:
            text = [line.rstrip('\n') for line in file]
    except OSError as error:
        raise Wrong(f'{name}: {error.strerror}') from error
    if kind == 'function':
        begins = [i for i, line in enumerate(text, 1)
                  if re.match(rf'[A-Za-z].*\b{re.escape(what)}\(', line) and not line.endswith(';')]
        if len(begins) != 1:
            raise Wrong(f'{name}: {len(begins)} functions {what}')
        end = next(i for i, line in enumerate(text, 1) if i > begins[0] and line == '}')
        return range(begins[0], end + 1)
    found = [i for i, line in enumerate(text, 1) if line.strip() == what]
    if len(found) != 1:
        raise Wrong(f'{name}: there are {len(found)} lines: {what}')
    return found


def except_one(files, name, kind, what):
    """Takes what is named out of what was counted."""
    numbers = numbers_of(name, kind, what)
    lines = counted_lines(files[name]) if name in files else {}
    lines = [lines[number] for number in numbers if number in lines]
    if not lines:
        raise Wrong(f'{name}: nothing is counted of: {kind} {what}')
    if kind == 'branch':
        taken = [branch for branch in lines[0]['branches'] if branch['count'] > 0]
        if not lines[0]['count']:
            raise Wrong(f'{name}: the whole line is not run: {what}')
        if len(taken) == len(lines[0]['branches']):
            raise Wrong(f'{name}: each branch is taken: {what}')
        lines[0]['branches'] = taken
        return
    if any(line['count'] for line in lines):
        raise Wrong(f'{name}: it is run: {kind} {what}')
    for line in lines:
        line['gcovr/excluded'] = True


def percent(part, whole):
    return 100 * part / whole if whole else 100


def report(files):
    """Prints the table. Whether there is enough of everything."""
    folders = {folder: Sums() for folder in BOUNDS}
    sums = collections.defaultdict(Sums)
    good = True

    for name, file in files.items():
        folder = name.split('/')[0]
        if folder not in folders:
            continue
        for line in counted_lines(file).values():
            folders[folder].add(line)
            sums[name].add(line)
    print('most is missing of these:')
    for name, of_file in sorted(sums.items(), key=lambda item: -item[1].missing())[:12]:
        print(f'  {name:<32} {of_file.lines - of_file.run:4} of {of_file.lines:5} lines,'
              f' {of_file.branches - of_file.taken:4} of {of_file.branches:5} branches')
    print(f'\n{"folder":<10}{"lines":>8}{"run":>9}{"wanted":>8}{"branches":>10}{"taken":>9}{"wanted":>8}')
    for folder, of_folder in folders.items():
        run = percent(of_folder.run, of_folder.lines)
        taken = percent(of_folder.taken, of_folder.branches)
        lines, branches = BOUNDS[folder]
        print(f'{folder:<10}{of_folder.lines:>8}{run:>7.1f} %{lines:>6} %'
              f'{of_folder.branches:>10}{taken:>7.1f} %{branches:>6} %')
        if not of_folder.lines:
            print(f'error: nothing was counted of {folder}/')
            good = False
        if run < lines or taken < branches:
            print(f'error: too little of {folder}/ is run')
            good = False
    return good


def check(counted, exceptions):
    with open(counted, encoding='utf-8') as file:
        files = {file['file']: file for file in json.load(file)['files']}
    good = True
    number = 0
    try:
        for name, kind, what in read_exceptions(exceptions):
            number += 1
            try:
                except_one(files, name, kind, what)
            except Wrong as wrong:
                print(f'error: an exception is not true: {wrong}')
                good = False
    except Wrong as wrong:
        print(f'error: {wrong}')
        good = False
    good = report(files) and good
    print(f'{number} exceptions ({exceptions})')
    return 0 if good else 1


def introspect(folder, what):
    return json.loads(subprocess.check_output(['meson', 'introspect', what, folder]))


def print_targets(folder, suites):
    targets = {target['id']: target['filename'] for target in introspect(folder, '--targets')}
    files = set()
    for test in introspect(folder, '--tests'):
        if not {suite.split(':')[-1] for suite in test['suite']} & set(suites):
            for target in test['depends']:
                files.update(targets[target])
    print('\n'.join(sorted(os.path.relpath(file, folder) for file in files)))
    return 0


if sys.argv[1] == '--targets':
    sys.exit(print_targets(sys.argv[2], sys.argv[3:]))
sys.exit(check(*sys.argv[1:]))
