# SPDX-License-Identifier: MIT
"""Pictures for tests of programs that read and write them: PNG of every kind, and Y4M."""
import struct
import zlib

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Type of colour, depth, interlaced
KINDS = [(colour_type, depth, interlaced) for colour_type, depths in DEPTHS.items()
         for depth in depths for interlaced in (0, 1)]
# x and y at which each pass of an interlaced PNG begins, and its steps
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + \
        struct.pack('>I', zlib.crc32(kind + data))


def samples(colour_type, depth, white, transparent):
    """Of a pixel that is black or white: a palette has white at 0 and black at 1."""
    most = (1 << depth) - 1
    if colour_type == 3:
        return [0 if white else 1]
    values = [most if white else 0] * CHANNELS[colour_type]
    if colour_type in (4, 6):
        values[-1] = most if white or not transparent else 0
    return values


def pack_row(values, depth):
    if depth == 16:
        return b''.join(struct.pack('>H', value) for value in values)
    packed, bits, filled = bytearray(), 0, 0
    for value in values:
        bits = bits << depth | value
        filled += depth
        if filled == 8:
            packed.append(bits)
            bits = filled = 0
    if filled:
        packed.append(bits << (8 - filled))
    return bytes(packed)


def rows(width, height, colour_type, depth, is_white, transparent, begin, step):
    """Those of a pass, each with filter 0 before it."""
    data = b''
    for y in range(begin[1], height, step[1]):
        values = []
        for x in range(begin[0], width, step[0]):
            values += samples(colour_type, depth, is_white(x, y), transparent)
        if values:
            data += b'\0' + pack_row(values, depth)
    return data


def transparency(colour_type):
    """That black is transparent, for kinds without alpha."""
    return {0: chunk(b'tRNS', bytes(2)), 2: chunk(b'tRNS', bytes(6)),
            3: chunk(b'tRNS', b'\xff\0')}.get(colour_type, b'')


def png(width, height, colour_type, depth, interlaced, is_white, transparent=False):
    """A picture that has only black and white, so that it can be made in every kind."""
    data = b''
    for x, y, step_x, step_y in PASSES if interlaced else ((0, 0, 1, 1),):
        data += rows(width, height, colour_type, depth, is_white, transparent, (x, y),
                     (step_x, step_y))
    palette = chunk(b'PLTE', b'\xff\xff\xff\0\0\0') if colour_type == 3 else b''
    if transparent:
        palette += transparency(colour_type)
    header = struct.pack('>IIBBBBB', width, height, depth, colour_type, 0, 0, interlaced)
    return PNG_SIGNATURE + chunk(b'IHDR', header) + palette + \
        chunk(b'IDAT', zlib.compress(data)) + chunk(b'IEND', b'')


def png_of_colour(width, height, colour):
    row = b'\0' + bytes(colour) * width
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b'IHDR', header) + \
        chunk(b'IDAT', zlib.compress(row * height)) + chunk(b'IEND', b'')


def nearest(left, above, corner):
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def read_png(data):
    """Width, height, channels and the bytes of one of 8 bits that is not interlaced."""
    assert data.startswith(PNG_SIGNATURE)
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack('>I', data[at + 8 + size:at + 12 + size])[0] == \
            zlib.crc32(kind + body), kind
        if kind == b'IHDR':
            width, height, depth, colour_type, _, _, interlaced = struct.unpack('>IIBBBBB', body)
            assert depth == 8 and not interlaced
        if kind == b'IDAT':
            packed += body
        at += 12 + size
    assert kind == b'IEND' and at == len(data)
    channels = CHANNELS[colour_type]
    pitch = width * channels
    filtered = zlib.decompress(packed)
    assert len(filtered) == (pitch + 1) * height
    above, pixels = bytes(pitch), b''
    for y in range(height):
        kind, row = filtered[y * (pitch + 1)], bytearray(filtered[y * (pitch + 1) + 1:][:pitch])
        for x in range(pitch):
            left = row[x - channels] if x >= channels else 0
            corner = above[x - channels] if x >= channels else 0
            row[x] = row[x] + (0, left, above[x], (left + above[x]) // 2,
                               nearest(left, above[x], corner))[kind] & 255
        above = bytes(row)
        pixels += above
    return width, height, channels, pixels


def plane_sizes(width, height, chroma):
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    if chroma.startswith('420'):
        return [width * height] + [half_width * half_height] * 2
    if chroma == '422':
        return [width * height] + [half_width * height] * 2
    if chroma == '411':
        return [width * height] + [(width + 3) // 4 * height] * 2
    if chroma == '444alpha':
        return [width * height] * 4
    return [width * height] * (1 if chroma == 'mono' else 3)


def y4m(width, height, frames, chroma='', tags='F25:1', frame_tags=''):
    """Frames that are noise, always the same for the same size of planes."""
    header = f'YUV4MPEG2 W{width} H{height} {tags}' + (f' C{chroma}' if chroma else '') + '\n'
    data, value = header.encode(), 1
    sizes = plane_sizes(width, height, chroma or '420')
    for _ in range(frames):
        data += f'FRAME{frame_tags}\n'.encode()
        for size in sizes:
            plane = bytearray()
            while len(plane) < size:
                value = value * 1103515245 + 12345 & 0x7fffffff
                plane += struct.pack('>I', value)
            data += plane[:size]
    return data
