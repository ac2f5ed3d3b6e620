#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo: pictures of every kind come in right, what comes out is proven, and whatever is wrong
with files, or is made to go wrong, is said in a line.
usage: demo.py DMAFENCE_COMMAND"""
import contextlib
import fcntl
import json
import os
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import zlib

import pictures

COMMAND = [sys.argv[1], 'demo']
# None of these takes longer than some seconds, even under valgrind or on a busy machine.
WATCHDOG = 100


def demo(*arguments, **options):
    """Runs it; what it says comes back as text."""
    return subprocess.run(COMMAND + list(arguments), capture_output=True, timeout=WATCHDOG,
                          check=False, errors='replace', **options)


def succeeds(*arguments, **options):
    result = demo(*arguments, **options)
    assert result.returncode == 0, (arguments, result)
    return result


# How far it has come, once in a second: on a slow machine that may be said anywhere.
PROGRESS = re.compile(r'(pipeline|reference): \d+( of \d+)? frames, [0-9.]+ per second')


def complaints(result):
    errors = result.stderr if isinstance(result.stderr, str) else result.stderr.decode()
    return [line for line in errors.splitlines() if not PROGRESS.fullmatch(line)]


def fails(message, *arguments, status=1, **options):
    """In one line, and leaves nothing that is not complete."""
    result = demo('--frames', '4', *arguments, **options)
    assert result.returncode == status, (arguments, result)
    lines = complaints(result)
    assert len(lines) == 1 and lines[0].startswith('dmafence: '), (arguments, result)
    assert message in lines[0], (message, arguments, result)
    left = [name for name in os.listdir() if name.endswith('.part')]
    assert not left, (arguments, left)


def write(name, data):
    with open(name, 'wb') as file:
        file.write(data)
    return name


def read(name):
    with open(name, 'rb') as file:
        return file.read()


def frames_of(folder):
    return [read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]


def stripes(x, y):
    return (x // 5 + y // 3) % 3 == 0


def test_card():
    result = succeeds()
    assert '120 of 120 frames are identical' in result.stdout, result
    for row in ('frames', 'frames per second', 'compute 0', 'fences', 'arrays', 'merges',
                'wake-ups', 'greatest overlap', 'speed-up'):
        assert re.search(f'^{row} +[0-9]', result.stdout, re.MULTILINE), (row, result)
    overlap = int(re.search(r'greatest overlap +(\d+) frames', result.stdout)[1])
    assert 2 <= overlap <= 4, result


def test_pools_and_bands():
    outputs = []
    for pool, bands in ((1, 1), (2, 3), (4, 16), (7, 4), (64, 2)):
        succeeds('--pool', str(pool), '--bands', str(bands), '--frames', '20', '--size', '99x35',
                 '--output', 'pool')
        outputs.append(frames_of('pool'))
        shutil.rmtree('pool')
    assert all(output == outputs[0] for output in outputs)
    assert len(outputs[0]) == 20 and len(set(outputs[0])) == 20, 'frames do not differ'


def test_small_sizes():
    for size in ('1x1', '2x1', '1x2', '3x5', '1x400', '400x1', '17x16'):
        for name in ('small', 'small.y4m'):
            succeeds('--size', size, '--frames', '5', '--output', name)


def test_every_kind_of_png():
    firsts = []
    for transparent in (False, True):
        first = None
        for colour_type, depth, interlaced in pictures.KINDS:
            write('kind', pictures.png(53, 41, colour_type, depth, interlaced, stripes,
                                       transparent))
            succeeds('--input', 'kind', '--frames', '3', '--output', 'kinds')
            first = first or frames_of('kinds')
            assert frames_of('kinds') == first, (colour_type, depth, interlaced, transparent)
        assert len(set(first)) == 3, 'nothing moves'
        firsts.append(first)
    assert firsts[0] != firsts[1], 'what is transparent is not'


def test_colours_are_kept():
    """What has one colour keeps it, whatever is laid over it in that same colour."""
    colour = (200, 100, 50)
    write('colour.png', pictures.png_of_colour(64, 64, colour))
    succeeds('--input', 'colour.png', '--frames', '2', '--output', 'colour')
    for frame in frames_of('colour'):
        width, height, channels, pixels = pictures.read_png(frame)
        assert (width, height, channels) == (64, 64, 3)
        above_bar = pixels[:64 * 3 * 56]
        assert above_bar == bytes(colour) * (64 * 56), 'another colour'
        assert pixels[64 * 3 * 62:] != bytes(colour) * (64 * 2), 'no bar'


def video_frames(name):
    header, _, rest = read(name).partition(b'\n')
    return header, rest


def test_every_kind_of_y4m():
    same = []
    for chroma in ('', '420jpeg', '420mpeg2', '420paldv', '420', '422', '444', 'mono'):
        for tags in ('F25:1', 'F30000:1001 It A10:11 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED'):
            write('video', pictures.y4m(37, 21, 4, chroma, tags, ' Ixyz Xwhatever'))
            succeeds('--input', 'video', '--output', 'out.y4m')
            header, frames = video_frames('out.y4m')
            size = sum(pictures.plane_sizes(37, 21, chroma or '420'))
            assert len(frames) == 4 * (len('FRAME\n') + size), (chroma, len(frames))
            words = header.decode().split(' ')
            assert words[:4] == ['YUV4MPEG2', 'W37', 'H21', 'C' + (chroma or '420jpeg')], header
            assert words[4:] == tags.split(' '), header
            if chroma in ('', '420jpeg', '420mpeg2', '420paldv', '420'):
                same.append(frames)
            succeeds('--input', 'video', '--output', 'frames')
            assert pictures.read_png(frames_of('frames')[0])[2] == (1 if chroma == 'mono' else 3)
            shutil.rmtree('frames')
    assert len(set(same)) == 1, 'tags change pixels'


def planes(data, width, height, chroma):
    """Those of the only frame of a video."""
    at = data.index(b'FRAME')
    at = data.index(b'\n', at) + 1
    for size in pictures.plane_sizes(width, height, chroma):
        yield data[at:at + size]
        at += size


def test_chroma_that_is_made_into_another():
    """As if it had been given in the other one."""
    def output(data):
        write('video', data)
        succeeds('--input', 'video', '--output', 'out.y4m')
        return read('out.y4m')

    for width in (1, 3, 4, 5, 37):
        header = f'YUV4MPEG2 W{width} H3 F25:1 C444\nFRAME\n'.encode()
        for chroma in ('411', '444alpha'):
            video = pictures.y4m(width, 3, 1, chroma)
            luma, *colours = planes(video, width, 3, chroma)
            if chroma == '411':
                packed = (width + 3) // 4
                colours = [bytes(plane[y * packed + x // 4] for y in range(3) for x in range(width))
                           for plane in colours]
            assert output(video) == output(header + luma + colours[0] + colours[1]), (width, chroma)
    for chroma in ('411', '444alpha'):
        video = pictures.y4m(37, 21, 2, chroma)
        for left in (1, 37 * 21, sum(pictures.plane_sizes(37, 21, chroma)) - 1):
            fails('ends in the middle of frame 1', '--input', write('bad', video[:-left]))


def test_video_ends_where_it_ends():
    write('short', pictures.y4m(16, 16, 3))
    assert '3 of 3 frames' in succeeds('--input', 'short').stdout
    assert '2 of 2 frames' in succeeds('--input', 'short', '--frames', '2').stdout
    assert '3 of 3 frames' in succeeds('--input', 'short', '--frames', '9').stdout
    write('none', pictures.y4m(16, 16, 0))
    fails('there is no frame', '--input', 'none')


def test_video_in_little_memory():
    """A long one needs no more than a short one."""
    def memory(frames):
        with open('long', 'wb') as file:
            file.write(header + b'\n')
            for _ in range(frames):
                file.write(frame)
        result = subprocess.Popen(COMMAND + ['--input', 'long', '--encode', 'y4m', '--quiet'],
                                  env=environment)
        assert os.waitid(os.P_PID, result.pid, os.WEXITED | os.WNOWAIT)
        _, status, usage = os.wait4(result.pid, 0)
        result.returncode = status
        assert status == 0, status
        return usage.ru_maxrss
    # AddressSanitizer keeps what was freed, unless there is much of it.
    options = os.environ.get('ASAN_OPTIONS', '') + \
        ':quarantine_size_mb=1:thread_local_quarantine_size_kb=16'
    environment = {**os.environ, 'ASAN_OPTIONS': options}
    write('one', pictures.y4m(320, 240, 1))
    header, frame = video_frames('one')
    # What this program has itself counts for the first of both, too.
    short = memory(4)
    # The long one has 28 MB.
    assert memory(250) < short + 12000, 'memory grows with the video'


def test_pipes():
    image = pictures.png(20, 20, 2, 8, 0, stripes)
    for data in (image, pictures.y4m(20, 20, 4)):
        subprocess.run(COMMAND + ['--input', '-', '--frames', '4'], input=data, check=True,
                       timeout=WATCHDOG, capture_output=True)
    write('image', image)
    with open('image', 'rb') as file:
        succeeds('--input', '-', '--frames', '3', stdin=file)
    for data in (b'', b'YUV4', b'garbage' * 100000, image[:-1]):
        result = subprocess.run(COMMAND + ['--input', '-'], input=data, check=False,
                                timeout=WATCHDOG, capture_output=True)
        assert result.returncode == 1 and len(complaints(result)) == 1, result
    # To one: what cannot be read back is proven all the same.
    command = shlex.join(COMMAND) + ' --frames 4 --size 20x20 --output piped.y4m >table'
    os.mkfifo('piped.y4m')
    result = subprocess.run(['sh', '-c', command + '& cat piped.y4m && wait $!'], check=False,
                            timeout=WATCHDOG, capture_output=True)
    assert result.returncode == 0 and result.stdout.count(b'FRAME\n') == 4, result
    assert b'4 of 4 frames are identical' in read('table')
    os.unlink('piped.y4m')


def test_bad_files():
    fails('No such file', '--input', 'nothing')
    fails('is a folder', '--input', '.')
    fails('is empty', '--input', write('bad', b''))
    fails('neither a file nor a pipe', '--input', '/dev/null')
    # That of a process cannot be read at its beginning.
    fails('nput/output error', '--input', '/proc/self/mem')
    if os.geteuid():
        os.chmod(write('closed', b'x'), 0)
        fails('Permission denied', '--input', 'closed')
    for data in (b'\0', b'hello\n', b'YUV4MPEG', pictures.PNG_SIGNATURE[:7], b'GIF89a' * 100):
        fails('neither a PNG nor a Y4M', '--input', write('bad', data))
    fails('', '--input', write('bad', b'YUV4MPEG3 W2 H2\nFRAME\n'))
    fails('no good Y4M', '--input', write('bad', b'YUV4MPEG2W2 H2\nFRAME\n'))


def test_bad_pngs():
    image = pictures.png(30, 30, 6, 8, 1, stripes)
    for length in list(range(8, len(image), max(1, len(image) // 40))) + [len(image) - 1]:
        fails('ends too early', '--input', write('bad.png', image[:length]))
    for at in (20, len(image) // 2, len(image) - 2):
        broken = bytearray(image)
        broken[at] ^= 0x55
        fails('bad.png', '--input', write('bad.png', broken))
    for width, height in ((16385, 1), (1, 16385), (0, 5), (0x7fffffff, 0x7fffffff), (1 << 31, 1)):
        header = struct.pack('>IIBBBBB', width, height, 8, 6, 0, 0, 0)
        data = pictures.PNG_SIGNATURE + pictures.chunk(b'IHDR', header)
        fails('no good PNG', '--input', write('bad.png', data + image[33:]))
    # As large as one may be, with nothing in it.
    header = struct.pack('>IIBBBBB', 16384, 16384, 16, 6, 0, 0, 0)
    data = pictures.PNG_SIGNATURE + pictures.chunk(b'IHDR', header)
    fails('no good PNG', '--input', write('bad.png', data + image[33:]))


def most_memory(name):
    """Of a run with this file, in KiB."""
    with subprocess.Popen(COMMAND + ['--input', name, '--frames', '1', '--quiet']) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0, (name, status)
    return usage.ru_maxrss


def test_chunks_of_a_png_are_passed_over():
    """Unpacked, as much is in them as they could be given: here 320 MB."""
    plain = pictures.png_of_colour(16, 16, (1, 2, 3))
    text = pictures.chunk(b'zTXt', b'Comment\0\0' + zlib.compress(b'a' * 7900000, 9))
    header = plain[:33]
    little = most_memory(write('plain.png', plain))
    much = most_memory(write('text.png', header + 40 * text + plain[33:]))
    assert much < little + 100000, (little, much)


def test_bad_videos():
    good = pictures.y4m(16, 16, 3)
    frame = len('FRAME\n') + 384
    for length in range(len(good) - frame + 1, len(good), 13):
        name = write('bad', good[:length])
        fails('ends in the middle of frame 2' if length > len(good) - 384 - 1 else
              'no frame where frame 2', '--input', name, '--output', 'bad-out.y4m')
        assert not os.path.exists('bad-out.y4m')
    for header, message in (
            (b'W16 H16' + b' Xx' * 1000 + b'\n', 'does not end'),
            (b'\n', 'how large'), (b'W16\n', 'how large'), (b'H16\n', 'how large'),
            (b'W0 H16\n', 'no width'), (b'W-5 H16\n', 'no width'), (b'W16 H+5\n', 'no height'),
            (b'W16 H16385\n', 'no height'), (b'W99999999999999999999 H16\n', 'no width'),
            (b'W16 H16x\n', 'no height'), (b'W16 H16 C420p10\n', 'of 8 bits'),
            (b'W16 H16 Cmono16\n', 'of 8 bits'), (b'W16 H16 C444alpha10\n', 'not known'),
            (b'W16 H16 C\n', 'not known'),
            (b'W16 H16 X' + b'x' * 600 + b'\n', 'too much'), (b'W16 H16 \0\n', 'does not end')):
        fails(message, '--input', write('bad', b'YUV4MPEG2 ' + header + b'FRAME\n' + bytes(384)))
    fails('header does not end', '--input', write('bad', b'YUV4MPEG2 W16 H16'))
    for line in (b'FRAM\n', b'FRAMES\n', b'FRAME' + b' x' * 600 + b'\n', b'\n', bytes(10)):
        data = b'YUV4MPEG2 W16 H16\n' + line + bytes(384)
        fails('no frame where frame 0', '--input', write('bad', data))


def test_too_large_for_memory():
    fails('MiB of memory', '--size', '16384x16384', '--pool', '64')


def test_command_line():
    for message, arguments in (
            ("no option '--nothing'", ['--nothing']), ('needs a value', ['--input']),
            ("'x'", ['x']), ('--pool', ['--pool', '0']), ('--pool', ['--pool', '65']),
            ('--bands', ['--bands', '17']), ('--bands', ['--bands', '-1']),
            ('--size', ['--size', '5']), ('--size', ['--size', '5x']),
            ('--size', ['--size', '0x5']),
            ('--size', ['--size', '5x5x5']), ('--size', ['--size', '20000x5']),
            ('--frames', ['--frames', '0']), ('--frames', ['--frames', '1e3']),
            ('--frames', ['--frames', '99999999999999999999']), ('--level', ['--level', '10']),
            ('--encode', ['--encode', 'gif']), ('no frame 4', ['--hang', '4']),
            ('no frame 9', ['--fault', '9']), ('--no-fences', ['--no-fences', '--hang', '1']),
            ('--size', ['--size', '9x9', '--input', 'x']), ('at most', ['--hang', '1'] * 17)):
        fails(message, *arguments, status=2)
    assert '--no-fences' in succeeds('--help').stdout
    result = succeeds('--quiet', '--frames', '4')
    assert not result.stdout and not result.stderr, result


def limit_files():
    """A buffer is a file, too: larger than those of the test card."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))


def test_full_disks():
    small = ['--size', '64x64']
    os.symlink('/dev/full', 'full.y4m')
    fails('No space left', '--output', 'full.y4m', *small)
    fails('No space left', '--report', '/dev/full', '--quiet', *small)
    fails('No space left', '--trace', '/dev/full', *small)
    with open('/dev/full', 'w', encoding='ascii') as full:
        result = subprocess.run(COMMAND + ['--frames', '4'], stdout=full, stderr=subprocess.PIPE,
                                timeout=WATCHDOG, check=False)
    assert result.returncode == 1 and b'No space left' in result.stderr, result
    fails('too large', '--output', 'big.y4m', preexec_fn=limit_files)
    assert not os.path.exists('big.y4m')
    # Nowhere: then it is what keeps them for the comparison that cannot be written.
    fails('too large', '--level', '0', preexec_fn=limit_files)
    os.mkdir('big')
    os.symlink('/dev/full', 'big/frame-000002.png.part')
    fails('No space left', '--output', 'big', *small)
    assert sorted(os.listdir('big')) == ['frame-000000.png', 'frame-000001.png']
    fails('cannot create', '--output', 'no/folder/x.y4m')
    fails('cannot create', '--output', 'no/folder')
    fails('no folder', '--output', write('there', b'x'))
    assert read('there') == b'x'
    fails('cannot create', '--trace', 'no/folder/trace')
    fails('cannot create', '--report', 'no/folder/report')


def change_written(change):
    """Stops it while it writes, so that there is time for a change; returns how it has ended, or
    None if it was already reading."""
    with subprocess.Popen(COMMAND + ['--output', 'changed', '--size', '320x180', '--frames', '60'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not os.path.exists('changed/frame-000001.png'):
            assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
        while state(process) != 'T':
            time.sleep(0.001)
        still_writes = not os.path.exists('changed/frame-000059.png')
        change('changed/frame-000000.png')
        process.send_signal(signal.SIGCONT)
        errors = process.communicate(timeout=WATCHDOG)[1].decode()
    shutil.rmtree('changed')
    return (process.returncode, errors) if still_writes else None


def test_written_is_changed():
    """What is compared is what is there, and not what was meant to be."""
    for change, status, message in (
            (lambda name: os.truncate(name, 10), 1, 'frame-000000.png is not as it was written'),
            (os.unlink, 1, 'cannot read a file in'),
            (lambda name: write(name, read(name)[:-1] + b'x'), 3, '')):
        result = None
        while not result:
            result = change_written(change)
        assert result[0] == status and message in result[1], (status, message, result)


def test_links():
    """A link is not replaced: /dev/stdout is one, too."""
    write('page', b'as before')
    os.symlink('page', 'link')
    os.symlink('nowhere', 'dangling')
    succeeds('--frames', '2', '--report', 'link', '--trace', 'dangling')
    assert os.readlink('link') == 'page' and read('page').startswith(b'<!')
    json.loads(read('nowhere'))
    os.symlink('/proc/self/fd/1', 'stdout')
    with open('redirected', 'wb') as file:
        subprocess.run(COMMAND + ['--frames', '2', '--quiet', '--trace', 'stdout'], check=True,
                       stdout=file, timeout=WATCHDOG)
    assert os.readlink('stdout') == '/proc/self/fd/1'
    json.loads(read('redirected'))


def test_one_name_for_two():
    for other in ('x.y4m', './x.y4m'):
        fails('busy', '--output', 'x.y4m', '--report', other)
        assert not os.listdir()
    # What a program has left that was killed is in nobody's way.
    write('x.y4m.part', b'x' * 100000)
    succeeds('--frames', '2', '--size', '10x10', '--output', 'x.y4m')
    assert os.listdir() == ['x.y4m'] and os.path.getsize('x.y4m') < 1000


def test_closed_standard_files():
    """None of the files that are opened takes their place, and gets what is said."""
    succeeds('--frames', '3', '--size', '16x16', '--output', 'good.y4m')
    for closed in ('<&-', '>&-', '2>&-', '<&- >&-', '<&- >&- 2>&-'):
        command = shlex.join(COMMAND) + ' --input good.y4m --output out.y4m --report page ' + closed
        result = subprocess.run(['sh', '-c', command], check=False, timeout=WATCHDOG,
                                stdin=subprocess.DEVNULL, capture_output=True)
        assert result.returncode == (1 if ' >' in ' ' + closed else 0), (closed, result)
        assert os.path.getsize('out.y4m') == os.path.getsize('good.y4m'), closed
        assert read('page').rstrip().endswith(b'</html>'), closed


def test_few_files():
    """Whichever fd there is not: one line, and an end; with some more it goes well."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    statuses = []
    for files in range(6, 64):
        result = demo('--frames', '6', '--size', '40x30', '--report', 'report', '--output', 'x.y4m',
                      '--quiet', preexec_fn=limit)
        statuses.append(result.returncode)
        if result.returncode:
            assert result.returncode == 1 and result.stderr.count('\n') == 1, (files, result)
            assert 'Too many open files' in result.stderr, (files, result)
            assert not [name for name in os.listdir() if name.endswith('.part')], files
    assert statuses[0] == 1 and statuses[-1] == 0 and statuses == sorted(statuses, reverse=True)


def test_without_fences():
    """Wrong frames; the same with fences, none."""
    result = demo('--no-fences')
    assert result.returncode == 3, result
    identical = int(re.search(r'(\d+) of 120 frames are identical', result.stdout)[1])
    assert identical < 120 and 'as was to be expected' in result.stderr, result
    for output in ('without.y4m', 'without'):
        demo('--no-fences', '--output', output, '--frames', '10')
    assert len(read('without.y4m')) == 10 * (640 * 360 * 3 // 2 + len('FRAME\n')) + \
        read('without.y4m').index(b'\n') + 1


def lost(result):
    return [int(frame) for frame in re.findall(r'frame (\d+) is lost', result.stderr)]


def test_hangs_and_faults():
    small = ['--size', '160x90', '--frames', '30']
    result = succeeds('--hang', '3', *small)
    assert lost(result) == [3] and 'Timer expired' in result.stderr, result
    assert '29 of 30 frames are identical' in result.stdout and '; lost: 1.' in result.stdout
    result = succeeds('--fault', '5', '--fault', '29', '--fault', '0', *small)
    assert lost(result) == [0, 5, 29] and 'Bad address' in result.stderr, result
    assert result.stderr.count('is not mapped') == 3 and '"final"' in result.stderr, result
    result = succeeds('--hang', '3', '--fault', '4', '--fault', '5', '--hang', '6', '--bands', '3',
                      '--output', 'lost', *small)
    assert lost(result) == [3, 4, 5, 6], result
    names = sorted(os.listdir('lost'))
    assert names == [f'frame-{i:06}.png' for i in range(30) if not 3 <= i <= 6], names
    # With 4 slots these are all of one context, which is banned; another takes its place.
    hangs = [word for i in range(0, 20, 4) for word in ('--hang', str(i))]
    result = succeeds(*hangs, *small)
    assert lost(result) == [0, 4, 8, 12, 16], result
    assert 'was banned' in result.stderr and '25 of 30 frames' in result.stdout, result
    # A frame that has not come to be cannot be lost.
    write('short', pictures.y4m(16, 16, 3))
    result = demo('--input', 'short', '--hang', '7')
    assert result.returncode == 1 and 'no frame 7' in result.stderr, result


def test_trace_and_report():
    succeeds('--trace', 'trace', '--report', 'report', '--frames', '20')
    events = json.loads(read('trace'))
    events = events['traceEvents'] if isinstance(events, dict) else events
    names = ' '.join(str(event.get('args', {}).get('name')) for event in events)
    assert 'filter 0' in names and 'encode 3' in names, names
    page = read('report').decode()
    assert page.startswith('<!') and 'frame 19 encode' in page and 'greatest overlap' in page
    assert not re.search(r'(src|href)\s*=\s*"?[a-z]+:', page, re.IGNORECASE), 'needs something else'


def waiting_bytes(pipe):
    return struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def state(process):
    """S: it sleeps."""
    return read(f'/proc/{process.pid}/stat').decode().rpartition(')')[2].split()[0]


def test_progress():
    """Once in a second a line, and on a terminal one that is written over, and taken away."""
    many = ['--frames', '1000000', '--size', '20x20', '--output', 'many.y4m']
    with subprocess.Popen(COMMAND + many, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline().rstrip('\n')
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=WATCHDOG)[1]
    assert PROGRESS.fullmatch(line) and ' of 1000000 frames' in line, (line, rest)
    assert process.returncode == 1 and rest.endswith('dmafence: interrupted\n'), rest
    for quiet in ([], ['--quiet']):
        controller, terminal = os.openpty()
        result = subprocess.run(COMMAND + ['--frames', '4', '--size', '20x20'] + quiet, check=True,
                                timeout=WATCHDOG, stdout=subprocess.DEVNULL, stderr=terminal)
        os.close(terminal)
        written = b''
        with contextlib.suppress(OSError), os.fdopen(controller, 'rb', 0) as file:
            while data := file.read(1000):
                written += data
        lines = written.decode().split('\r')
        if quiet:
            assert lines == [''], lines
            continue
        assert lines[0] == '' and lines[-1] == '\033[K', lines
        assert all(PROGRESS.fullmatch(line.removesuffix('\033[K')) for line in lines[1:-1] if
                   line != '\033[K'), lines


def test_interrupted():
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(COMMAND + ['--output', 'cut.y4m', '--frames', '1000000'],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not os.path.exists('cut.y4m.part') or os.path.getsize('cut.y4m.part') < 1000000:
                assert process.poll() is None
            process.send_signal(number)
            _, errors = process.communicate(timeout=WATCHDOG)
        assert process.returncode == 1 and b'interrupted' in errors, errors
        assert not os.path.exists('cut.y4m.part') and not os.path.exists('cut.y4m')
    # While it waits for what is to come through a pipe that nobody closes.
    os.mkfifo('endless')
    with subprocess.Popen(COMMAND + ['--input', 'endless'], stderr=subprocess.PIPE) as process:
        with open('endless', 'wb') as pipe:
            pipe.write(b'YUV4MPEG2 W4 H4\n' + bytes(300000))
            pipe.flush()
            while waiting_bytes(pipe) or state(process) != 'S':
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=WATCHDOG)
    assert process.returncode == 1 and errors == b'dmafence: interrupted\n', errors


def main():
    tests = [value for name, value in sorted(globals().items()) if name.startswith('test_')]
    wanted = sys.argv[2:]
    COMMAND[0] = os.path.abspath(COMMAND[0])
    print(f'1..{len(tests)}')
    for number, test in enumerate(tests, 1):
        if wanted and test.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            test()
            os.chdir('/')
        print(f'ok {number} {test.__name__}', flush=True)


main()
