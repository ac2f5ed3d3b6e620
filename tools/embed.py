#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes C strings of text files: page.css becomes page_css, and page_css_sha256, as a content
security policy has it.
usage: embed.py OUTPUT FILE..."""
import base64
import hashlib
import os
import sys


def as_string(line):
    """A line as a string of C: bytes beyond ASCII in octal, which cannot run into what follows."""
    text = ""
    for byte in line:
        char = chr(byte)
        if char in '"\\':
            text += "\\" + char
        elif char == "\n":
            text += "\\n"
        elif char == "\t":
            text += "\\t"
        elif 32 <= byte < 127:
            text += char
        else:
            text += f"\\{byte:03o}"
    return f'"{text}"'


with open(sys.argv[1], "w", encoding="ascii") as out:
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            lines = file.readlines()
        name = os.path.basename(path).replace(".", "_").replace("-", "_")
        # One string for each line: a single one may not be so long (C11 5.2.4.1).
        out.write(f"static const char *const {name}[] = {{\n")
        out.writelines(f"\t{as_string(line)},\n" for line in lines)
        out.write("};\n")
        digest = base64.b64encode(hashlib.sha256(b"".join(lines)).digest()).decode()
        out.write(f'#define {name}_sha256 "{digest}"\n')
