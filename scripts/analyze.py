#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Static analysis of all that is installed: clang-tidy, cppcheck, and gcc's -fanalyzer (of src/).

What a tool finds and is none is in analyze-known.txt, each by itself with its reason; an entry that
finds nothing is a finding. Exits with 0 if there are none.

usage: analyze.py BUILD [FILE...], of a build folder that was configured with clang 14
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KNOWN = os.path.join(ROOT, 'scripts', 'analyze-known.txt')
FOLDERS = ('src', 'include', 'softgpu', 'tools', 'compat')

CLANG_TIDY = 'clang-tidy-14'
GCC = 'gcc-12'
CPPCHECK = ['cppcheck', '--quiet', '--std=c11', '--library=posix', '--library=gnu', '--inconclusive',
            '--enable=warning,performance,portability', '--error-exitcode=0',
            '--template={file}:{line}:{column}: {severity}: {message} [{id}]']

FINDING = re.compile(r'^(\S[^:]*):(\d+):(?:\d+:)? (?:fatal )?(?:warning|error|style|performance|'
                     r'portability|information): (.*) \[([^][]+)\]$')
TROUBLE = re.compile(r'(fatal error|^error|^Error|clang-diagnostic-error|internal compiler)')


class Source:
    """A file and how it is compiled."""

    def __init__(self, entry):
        self.directory = entry['directory']
        self.path = os.path.normpath(os.path.join(self.directory, entry['file']))
        self.name = os.path.relpath(self.path, ROOT)
        words = shlex.split(entry['command'])
        self.includes_and_macros = [word for word in words if re.match('-D|-I(?!/usr)', word)]
        self.language = [word for word in words if re.match('-std=|-O|-pthread', word)]


def read_sources(build, names):
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as commands:
        sources = {}
        for entry in json.load(commands):
            source = Source(entry)
            if source.name.split(os.sep)[0] in FOLDERS and (not names or source.name in names):
                sources.setdefault(source.name, source)
    return list(sources.values())


def clang_tidy(source, build):
    return [CLANG_TIDY, '--quiet', '-p', build, source.path]


def cppcheck(source, _build):
    return CPPCHECK + source.includes_and_macros + [source.path]


def gcc_analyzer(source, _build):
    return [GCC, '-fanalyzer', '-c', '-o', '/dev/null'] + source.language + \
        source.includes_and_macros + [source.path]


TOOLS = {'clang-tidy': clang_tidy, 'cppcheck': cppcheck, 'gcc': gcc_analyzer}


def run(tool, source, build):
    """What it finds, as (tool, check, file, line, text)."""
    done = subprocess.run(TOOLS[tool](source, build), cwd=source.directory, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = []
    for line in done.stdout.splitlines():
        match = FINDING.match(line)
        if match:
            path = os.path.normpath(os.path.join(source.directory, match[1]))
            check = re.sub('^-W', '', match[4])
            found.append((tool, check, os.path.relpath(path, ROOT), int(match[2]), match[3]))
        elif TROUBLE.search(line):
            found.append((tool, 'did-not-work', source.name, 0, line))
    if done.returncode and not found:
        found.append((tool, 'did-not-work', source.name, 0, done.stdout[-2000:]))
    return found


class Known:
    """One finding that is none: TOOL CHECK FILE, and what is in that line of the file."""

    def __init__(self, number, tool, check, name, excerpt):
        self.number, self.tool, self.check, self.name, self.excerpt = \
            number, tool, check, name, excerpt
        self.used = False

    def covers(self, finding, source_line):
        tool, check, name, _, _ = finding
        return (tool, check, name) == (self.tool, self.check, self.name) and \
            self.excerpt in source_line


def read_known():
    known, reason = [], False
    with open(KNOWN, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip('\n')
            if line.startswith('#'):
                reason = True
            elif not line:
                reason = False
            elif not reason:
                sys.exit(f'{KNOWN}:{number}: no reason above it')
            else:
                words = line.split(None, 3)
                if len(words) != 4:
                    sys.exit(f'{KNOWN}:{number}: TOOL CHECK FILE EXCERPT')
                known.append(Known(number, *words))
    return known


def source_line(name, number):
    try:
        with open(os.path.join(ROOT, name), encoding='utf-8') as lines:
            return lines.read().splitlines()[number - 1] if number else ''
    except (OSError, IndexError):
        return ''


def main():
    build, names = sys.argv[1], sys.argv[2:]
    build = os.path.abspath(build)
    sources = read_sources(build, names)
    unknown = set(names) - {source.name for source in sources}
    if unknown or not sources:
        sys.exit(f'no source that is compiled: {" ".join(sorted(unknown)) or "any"}')
    known = read_known()
    jobs = [(tool, source) for source in sources for tool in TOOLS
            if tool != 'gcc' or source.name.startswith('src' + os.sep)]
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # A header is looked at with each file that includes it.
        found = sorted({finding for result in
                        pool.map(lambda job: run(*job, build), jobs) for finding in result})
    count = 0
    for finding in found:
        tool, check, name, number, text = finding
        line = source_line(name, number)
        covering = [entry for entry in known if entry.covers(finding, line)]
        for entry in covering:
            entry.used = True
        if not covering:
            count += 1
            print(f'{name}:{number}: {text} [{tool} {check}]\n    {line.strip()}')
    if not names:
        for entry in known:
            if not entry.used:
                count += 1
                print(f'{os.path.relpath(KNOWN, ROOT)}:{entry.number}: nothing is found there now: '
                      f'{entry.tool} {entry.check} {entry.name} {entry.excerpt}')
    for tool in TOOLS:
        files = len([job for job in jobs if job[0] == tool])
        suppressed = len([entry for entry in known if entry.used and entry.tool == tool])
        print(f'{tool}: {files} files, {suppressed} findings known to be none')
    print(f'{count} findings, {time.monotonic() - begin:.0f} s')
    return 1 if count else 0


if __name__ == '__main__':
    sys.exit(main())
