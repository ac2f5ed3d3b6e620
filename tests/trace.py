#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at traces as a viewer does: what has to be on which track, and where arrows lead.

usage: trace.py TRACED

TRACED is the program of tests/traced.c. Fails, with a line that says so, if a trace is not one.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TRACED = sys.argv[1]
CONTEXTS_PID = 1 << 23


def require(condition, *what):
    if not condition:
        sys.exit("error: " + " ".join(str(word) for word in what))


class Slice:
    def __init__(self, event, begin, parent):
        self.name, self.args = event["name"], dict(event.get("args", {}))
        self.track = event["pid"], event["tid"]
        self.begin, self.end, self.parent = begin, None, parent


def nanoseconds(event):
    # Exact: the file has three digits behind the point.
    return round(event["ts"] * 1000)


class Trace:
    def __init__(self, path):
        text = pathlib.Path(path).read_bytes().decode("utf-8")
        self.document = json.loads(text)
        self.slices, self.marks, self.names = [], [], {}
        self.starts, self.finishes = {}, {}
        now = int(self.document["otherData"]["now_ns"])
        stacks, last = collections.defaultdict(list), {}
        for event in self.document["traceEvents"]:
            phase, track = event["ph"], (event["pid"], event["tid"])
            if phase == "M":
                if event["name"] == "thread_name":
                    require(track not in self.names, "two names of", track)
                    self.names[track] = event["args"]
                continue
            require(track in self.names, "a track without a name:", event)
            time = nanoseconds(event)
            require(time >= last.get(track, 0), "goes back in time:", event)
            last[track] = time
            if phase == "B":
                parent = stacks[track][-1] if stacks[track] else None
                stacks[track].append(Slice(event, time, parent))
                self.slices.append(stacks[track][-1])
            elif phase == "E":
                require(stacks[track], "an end without a begin:", event)
                ended = stacks[track].pop()
                ended.end = time
                ended.args.update(event.get("args", {}))
                require(ended.end >= ended.begin, "ends before it begins:", event)
                require(time <= now, "in the future:", event)
            elif phase == "i":
                self.marks.append(event)
            elif phase in "sf":
                arrows = self.starts if phase == "s" else self.finishes
                require(event["id"] not in arrows, "two ends of one arrow:", event)
                require(stacks[track], "an arrow that is on no slice:", event)
                require(phase == "s" or event["bp"] == "e", "an arrow to what follows:", event)
                arrows[event["id"]] = (stacks[track][-1], time)
            else:
                require(False, "an event of an unknown kind:", event)
        for track, stack in stacks.items():
            require(not stack, "does not end:", stack and stack[-1].name)
        self.check_arrows()
        self.check_contexts()

    def check_arrows(self):
        require(self.starts.keys() == self.finishes.keys(), "arrows with one end:",
                self.starts.keys() ^ self.finishes.keys())
        for number, (start, time) in self.starts.items():
            finish, woken = self.finishes[number]
            require(start.track[0] != CONTEXTS_PID, "an arrow from a context")
            require(start.name.startswith("signal ") and start.begin == time, "from:", start.name)
            require(finish.name.startswith("wait for ") and finish.end == woken, "to:", finish.name)
            require(finish.args["result"] == 0, "to a wait that failed")
            require(time <= woken, "woken before the signal:", start.name)
            if "any" not in finish.name:
                require(finish.name.split()[-1] == start.name.split()[-1],
                        "from", start.name, "to", finish.name)

    def of(self, prefix, **arguments):
        return [each for each in self.slices if each.name.startswith(prefix) and
                all(each.args.get(name) == value for name, value in arguments.items())]

    def mark_count(self, what):
        return sum(mark["name"].startswith(what + " ") for mark in self.marks)

    def check_contexts(self):
        """Each fence that was signaled is on its context's track until then."""
        signals = collections.defaultdict(list)
        for signal in self.of("signal "):
            signals[signal.args["context"], signal.args["seqno"]].append(signal)
        contexts = {}
        for each in self.of("fence "):
            require(each.track[0] == CONTEXTS_PID, "a fence on a thread's track")
            context = each.args["context"]
            require(contexts.setdefault(context, each.track) == each.track,
                    "context", context, "on two tracks")
            require(each.parent is None or "(pending)" in each.parent.name,
                    "inside another:", each.name)
            if "(" in each.name:
                continue
            of_it = signals[context, each.args["seqno"]]
            matching = [signal for signal in of_it if signal.begin == each.end and
                        signal.track[1] == each.args["signal_thread"] and
                        signal.args["error"] == each.args["error"] and
                        signal.args["timestamp_ns"] == each.args["timestamp_ns"]]
            require(matching, "no signal at the end of", each.name, "of", context)
            of_it.remove(matching[0])
        require(not any(signals.values()), "signals of no fence")
        require(len(set(contexts.values())) == len(contexts), "two contexts on one track")
        self.contexts = contexts


def run(scenario, folder, **environment):
    trace, facts = folder / (scenario + ".json"), folder / (scenario + ".facts")
    trace.unlink(missing_ok=True)
    done = subprocess.run([TRACED, scenario, trace, facts], env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    require(done.returncode == 0, scenario, "ends with", done.returncode, done.stdout, done.stderr)
    return trace, json.loads(facts.read_text()), done.stderr.decode()


def check_story(trace, facts, pending):
    for what, count in {
            "inits": trace.mark_count("init"), "enables": trace.mark_count("enable"),
            "releases": trace.mark_count("release"), "signals": len(trace.of("signal ")),
            "callbacks": len(trace.of("callback ")),
            "waits": len(trace.of("wait for ")) - len(trace.of("wait for any ")) - 1,
            "waits_for_any": len(trace.of("wait for any "))}.items():
        require(count == facts[what] > 0, what, count, "instead of", facts[what])
    (points,) = trace.of("wait for points")
    require(points.args["result"] < 0, "a wait for a point that nobody has promised")
    # Each wait that succeeded has an arrow, and the one for any of several.
    require(len(trace.starts) == facts["wakes"] + 1, len(trace.starts), "arrows")
    require(len(trace.of("fence ")) == facts["inits"], "fences are missing")
    require(sum("(dropped)" in each.name for each in trace.slices) == 1, "dropped fences")
    require(sum("(pending)" in each.name for each in trace.slices) == pending, "pending fences")
    require(trace.document["otherData"]["fences_whose_end_is_not_known"] == 0, "unknown ends")
    require({each.args["error"] for each in trace.of("fence 8")} == {-5}, "errors are missing")
    expected = ["engine queue 0", "ev\"il\\\n\t\x01 </script>\ufffd\u00e9", "{}[],: "]
    for context, name in zip(facts["contexts"], expected):
        found = trace.names[trace.contexts[context]]["name"]
        require(found == f"{name} ({context})", "a context is called", repr(found))
    require(any(each["name"] == "wait\"er" for each in trace.names.values()), "no thread's name")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        path, facts, said = run("story", folder)
        require(not said, said)
        check_story(Trace(path), facts, 2)
        print("a story")

        path, facts, said = run("overflow", folder)
        trace = Trace(path)
        lost = sorted(each["overwritten_events"] for each in trace.names.values()
                      if "overwritten_events" in each)
        require(len(lost) == 2 and not lost[0] and lost[1] > 2900, "lost events:", lost)
        # There is room for 85.
        require(25 <= len(trace.of("signal ")) <= 29, "signals:", len(trace.of("signal ")))
        newest = trace.of("fence 1000")
        require(len(newest) == 1, "the newest is lost")
        (waited,) = trace.of("wait for ")
        require(waited.args["result"] == 0 and not trace.starts, "an arrow from what is lost")
        require(trace.document["otherData"]["fences_whose_end_is_not_known"] > 0,
                "all ends are known")
        require(not any("(" in each.name for each in trace.of("fence ")),
                "is taken for pending, or dropped")
        (callback,) = trace.of("callback")
        first = min(each.begin for each in trace.slices if each.track == callback.track)
        require(callback.begin <= first, "does not begin before what was lost")
        print("what was lost")

        run("busy", folder)
        for number in range(20):
            Trace(folder / f"busy.json.{number}")
        print("others go on")

        path, facts, said = run("environment", folder, DMA_FENCE_TRACE=str(folder / "at exit %p"))
        require(not said, said)
        (written,) = [each for each in folder.iterdir() if re.fullmatch(r"at exit \d+", each.name)]
        check_story(Trace(written), facts, 2)
        path, facts, said = run("environment", folder, DMA_FENCE_TRACE=str(path))
        require(not said, said)
        check_story(Trace(path), facts, 2)
        for bad in str(folder), str(folder / "there is none" / "file"), "x" * 5000:
            path, facts, said = run("environment", folder, DMA_FENCE_TRACE=bad)
            require(re.fullmatch("dmafence: DMA_FENCE_TRACE: cannot write '.*': .*\n", said),
                    "says of a bad file:", said)
        print("DMA_FENCE_TRACE")


main()
