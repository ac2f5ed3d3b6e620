#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts/coverage.py takes for enough, and which exceptions it takes.
usage: check.py SOURCE_ROOT"""
import json
import os
import subprocess
import sys
import tempfile

CHECK = os.path.join(os.path.abspath(sys.argv[1]), 'scripts', 'coverage.py')

# Of each folder 20 lines with 20 branches, all of them run but for what a case has as 0.
TEXT = '''static int never(void)
{
	return 1;
}

int half(int a)
{
	if (a)
		return never();
	twice();
	twice();
''' + ''.join(f'	step({i});\n' for i in range(9)) + '}\n'


def counted(changes):
    """As gcovr writes it; changes: (file, line) -> (count, counts of branches)."""
    files = []
    for folder in ('src', 'include', 'softgpu', 'tools'):
        name = f'{folder}/a.c'
        lines = []
        for number in range(1, 21):
            count, branches = changes.get((name, number), (1, [1]))
            lines.append({'line_number': number, 'count': count, 'gcovr/noncode': False,
                          'branches': [{'count': taken} for taken in branches]})
        files.append({'file': name, 'lines': lines})
    return {'files': files}


def check(changes, exceptions=''):
    with open('counted.json', 'w', encoding='ascii') as file:
        json.dump(counted(changes), file)
    with open('exceptions.txt', 'w', encoding='ascii') as file:
        file.write(exceptions)
    return subprocess.run([sys.executable, CHECK, 'counted.json', 'exceptions.txt'], check=False,
                          capture_output=True, text=True)


def is_good(changes, exceptions=''):
    result = check(changes, exceptions)
    assert result.returncode == 0 and 'error' not in result.stdout, (changes, exceptions, result)


def is_bad(message, changes, exceptions=''):
    result = check(changes, exceptions)
    assert result.returncode == 1 and message in result.stdout, (changes, exceptions, result)


def main():
    for folder in ('src', 'include', 'softgpu', 'tools'):
        os.mkdir(folder)
        with open(f'{folder}/a.c', 'w', encoding='ascii') as file:
            file.write(TEXT)
    never = {('src/a.c', i): (0, []) for i in range(1, 5)}
    line = {('src/a.c', 3): (0, [0, 0, 0])}
    half = {('src/a.c', 8): (1, [1, 0, 0, 0])}
    reason = '    For a reason.\n'

    is_good({})
    is_good({('src/a.c', 1): (0, [1])})
    is_bad('too little of src/', never)
    is_bad('too little of src/', line)
    is_bad('too little of src/', half)
    is_good({('tools/a.c', 1): (0, [1]), ('tools/a.c', 2): (0, [1])})
    is_bad('too little of tools/', {('tools/a.c', i): (0, [1]) for i in (1, 2, 3)})
    is_bad('too little of softgpu/', {('softgpu/a.c', i): (1, [0]) for i in range(1, 6)})

    is_good(never, '# A comment.\n\nsrc/a.c: function never\n' + reason)
    is_good(line, 'src/a.c: line return 1;\n' + reason + reason)
    is_good(half, 'src/a.c: branch if (a)\n' + reason)
    is_good({**never, **half},
            f'src/a.c: function never\n{reason}\nsrc/a.c: branch if (a)\n{reason}')

    for head in ('src/a.c: function never', 'src/a.c: line return 1;'):
        is_bad('no reason', never, head + '\n')
        is_bad('no reason', never, f'{head}\n\n{reason}')
        is_bad('it is run', {}, f'{head}\n{reason}')
    is_bad('each branch is taken', {}, 'src/a.c: branch if (a)\n' + reason)
    is_bad('whole line is not run', {('src/a.c', 8): (0, [0, 0])},
           'src/a.c: branch if (a)\n' + reason)
    is_bad('there are 0 lines', {}, 'src/a.c: line return 2;\n' + reason)
    is_bad('there are 2 lines', {}, 'src/a.c: line twice();\n' + reason)
    is_bad('0 functions', {}, 'src/a.c: function nowhere\n' + reason)
    is_bad('No such file', {}, 'src/b.c: function never\n' + reason)
    is_bad('not understood', {}, 'src/a.c: never\n' + reason)

    with open('src/b.c', 'w', encoding='ascii') as file:
        file.write(TEXT)
    is_bad('nothing is counted', {}, 'src/b.c: function never\n' + reason)


with tempfile.TemporaryDirectory() as temporary:
    os.chdir(temporary)
    main()
    os.chdir('/')
