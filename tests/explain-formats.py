#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether explanations are valid JSON, DOT and text, whatever bytes names have.

usage: explain-formats.py PROGRAM
"""
import json
import re
import subprocess
import sys

# What tests/explain-formats.c calls its timeline, as it is to be read back.
ODD = bytes(range(1, 256)) + (
    b"\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82|&quot;<b>|"
    b"\xc2\x85|\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x90\xa7|\xf0\x9f\x90")


def output(form):
    return subprocess.run([sys.argv[1], form], stdout=subprocess.PIPE, check=True,
                          timeout=60).stdout


def utf8(data, what):
    text = data.decode("utf-8")  # raises unless it is valid
    control = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert not control, f"{what} has control characters {control}"
    return text


def replaced(data):
    """As UTF-8, with U+FFFD in the place of each byte that is none."""
    text = ""
    while data:
        for length in (1, 2, 3, 4):
            try:
                text += data[:length].decode("utf-8")
                break
            except UnicodeDecodeError:
                continue
        else:
            text += "\ufffd"
            length = 1
        data = data[length:]
    return text


def check_json():
    data = json.loads(utf8(output("json"), "JSON"))
    nodes, edges = data["nodes"], data["edges"]
    assert [node["id"] for node in nodes] == list(range(len(nodes)))
    assert {node["kind"] for node in nodes} == {
        "fence", "array", "link", "promise", "point", "thread", "callback"}, nodes
    for edge in edges:
        assert edge["from"] < len(nodes) and edge["to"] < len(nodes), edge
    assert data["verdict"].startswith("a cycle: "), data["verdict"]
    assert len(data["cycle"]) == 2
    pairs = {(edge["from"], edge["to"]) for edge in edges}
    for at, node in enumerate(data["cycle"]):
        assert (node, data["cycle"][(at + 1) % 2]) in pairs
    fences = [node for node in nodes if node["kind"] == "fence"]
    assert len(fences) == 3
    for fence in fences:
        assert fence["driver"] == 'driver "\\\n', fence["driver"]
        assert fence["timeline"] == replaced(ODD), fence["timeline"]


def check_dot():
    text = utf8(output("dot"), "DOT")
    quoted = r'"(?:[^"\\\n]|\\.)*"'
    attribute = rf"[a-z]+=(?:{quoted}|[A-Za-z0-9]+)"
    attributes = rf"\[{attribute}(?:, {attribute})*\]"
    line = re.compile(rf"\t(?:(?:node|edge|n\d+|n\d+ -> n\d+) {attributes}|{attribute});")
    lines = text.rstrip("\n").split("\n")
    assert lines[0] == "digraph explanation {" and lines[-1] == "}", lines
    for number, each in enumerate(lines[1:-1], 2):
        assert line.fullmatch(each), f"line {number} of the DOT: {each}"
    assert not re.search(r"&(?!amp;)", text), "an entity"
    assert sum(", color=red" in each for each in lines) == 2, "the cycle"


def check_text():
    text = utf8(output("text"), "text")
    lines = text.split("\n")
    assert lines[0].startswith("verdict: a cycle: "), lines[0]
    assert lines[1] == "cycle:", lines[1]
    # A name with a newline in it does not begin a line.
    assert all(re.match(r" *(verdict|cycle|-> |[a-z]|\d|$|There|With)", each) for each in lines), \
        lines


for check in (check_json, check_dot, check_text):
    check()
    print(f"{check.__name__}: ok")
