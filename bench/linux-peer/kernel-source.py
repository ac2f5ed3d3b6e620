#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds the kernel's source, and takes the few files out of it that the peer is made of.

usage: kernel-source.py find
       kernel-source.py take SOURCE FOLDER FILE...

'find' prints the path of a tree or a tarball: the environment variable LINUX_SRC, or the one of
Debian's package linux-source-6.12. If there is none it prints nothing, and says on stderr how to get
it. 'take' puts the files that kernel-files.sha256 names into a folder: the headers as they are named
in the kernel, the others by their names alone. With them comes kernel-headers.h, which includes the
headers. The arguments name what the caller expects in the folder itself. It says so if a file is not
the one that the benchmark was written with.
"""
import hashlib
import os
import sys
import tarfile

PACKAGE = 'linux-source-6.12'
PACKAGED = '/usr/src/' + PACKAGE + '.tar.xz'
HEADERS = 'kernel-headers.h'
SUMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'kernel-files.sha256')


def fail(text):
    sys.exit('kernel-source.py: ' + text)


def find():
    source = os.environ.get('LINUX_SRC', '')
    if source:
        if not os.path.exists(source):
            fail('LINUX_SRC is %s, and there is no such file or folder' % source)
        print(os.path.abspath(source))
    elif os.path.exists(PACKAGED):
        print(PACKAGED)
    else:
        print('The rows beside Linux are left out: its source is not here. Install the Debian '
              'package %s, or set LINUX_SRC to a tree or a tarball of Linux 6.12.' % PACKAGE,
              file=sys.stderr)


def wanted():
    with open(SUMS, encoding='ascii') as lines:
        return {name: digest for digest, name in (line.split() for line in lines)}


def from_tree(tree, names):
    contents = {}
    for name in names:
        try:
            with open(os.path.join(tree, name), 'rb') as file:
                contents[name] = file.read()
        except OSError as error:
            fail('cannot read %s in %s: %s' % (name, tree, error.strerror))
    return contents


def from_tarball(tarball, names):
    """Stops at the last one: the rest of the tarball takes seconds."""
    contents = {}
    print('taking %d files from %s' % (len(names), tarball))
    try:
        with tarfile.open(tarball, 'r|*') as archive:
            for member in archive:
                name = member.name.split('/', 1)[-1]
                if name in names:
                    contents[name] = archive.extractfile(member).read()
                    if len(contents) == len(names):
                        break
    except (OSError, tarfile.TarError) as error:
        fail('cannot read %s: %s' % (tarball, error))
    missing = sorted(set(names) - set(contents))
    if missing:
        fail('%s is not in %s: is that a tarball of Linux 6.12?' % (missing[0], tarball))
    return contents


def place(name, folder):
    if name.startswith('include/'):
        return os.path.join(folder, name)
    return os.path.join(folder, os.path.basename(name))


def take(source, folder, files):
    sums = wanted()
    sources = {os.path.basename(name) for name in sums if not name.startswith('include/')}
    sources.add(HEADERS)
    if sources != {os.path.basename(file) for file in files}:
        fail('kernel-files.sha256 has other sources than meson.build')
    contents = (from_tree if os.path.isdir(source) else from_tarball)(source, sums)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, HEADERS), 'w', encoding='ascii') as file:
        for name in sorted(sums):
            if name.startswith('include/'):
                file.write('#include <%s>\n' % name[len('include/'):])
    for name, content in contents.items():
        path = place(name, folder)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(content)
        if hashlib.sha256(content).hexdigest() != sums[name]:
            print('note: %s is not the one of %s that the benchmark was written with' %
                  (name, PACKAGE))


if sys.argv[1:] == ['find']:
    find()
elif len(sys.argv) > 4 and sys.argv[1] == 'take':
    take(sys.argv[2], sys.argv[3], sys.argv[4:])
else:
    sys.exit(__doc__)
