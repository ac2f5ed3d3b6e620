#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens pages of tools/timeline.h in headless Chromium, and uses them as people do.

usage: report-page.py PAGES DMAFENCE [FOLDER]

PAGES is the program of pages.c, DMAFENCE the command. Pictures of what is to be seen go to FOLDER.
Where there is no Chromium it says that it is skipped.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from browser import Browser, find_chromium

PAGES, DMAFENCE = sys.argv[1:3]
PICTURES = sys.argv[3] if len(sys.argv) > 3 else None
SHIFT = 8
HOSTILE = "</script ><img src=x onerror=alert(1)>\"'&\x01\ufffd"


def require(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(word) for word in what))


def about(a, b, tolerance):
    return abs(a - b) <= tolerance


class Page:
    """A page, with what is asked of it."""

    def __init__(self, browser, folder, jobs):
        self.browser, self.jobs = browser, jobs
        self.path = pathlib.Path(folder) / f"{jobs}.html"
        if not self.path.exists():
            subprocess.run([PAGES, str(jobs), str(self.path)], check=True, timeout=60)

    def open(self, address=""):
        self.browser.open(self.path.as_uri() + address)
        self.browser.settle()

    def shown(self, name):
        return int(self.browser.run(f"document.getElementById('timeline').dataset.{name}"))

    def view(self):
        return self.shown("from"), self.shown("to")

    def chart(self):
        """The canvas, in the window, once it has been brought there."""
        return self.browser.run("(() => { const c = document.getElementById('chart');"
                                "c.scrollIntoView(); const b = c.getBoundingClientRect();"
                                "return {x: b.x, y: b.y, width: b.width, height: b.height}; })()")

    def text(self, selector):
        return self.browser.run(f"document.querySelector({selector!r}).textContent")

    def press(self, name):
        self.browser.run(f"document.getElementById({name!r}).click()")
        self.browser.settle()

    def where(self, job):
        """In the window, the middle of a job that is shown."""
        return self.browser.run(f"""(() => {{
            const data = JSON.parse(document.getElementById("data").textContent);
            const shown = document.getElementById("timeline").dataset;
            const box = document.getElementById("chart").getBoundingClientRect();
            const time = (data.jobs.begun[{job}] + data.jobs.ended[{job}]) / 2;
            const x = 124 + (time - shown.from) / (shown.to - shown.from) * (box.width - 132);
            return box.x + x;
        }})()""")

    def colours(self):
        """How many pixels of the picture there are of each colour, those that matter."""
        return self.browser.run("""(() => {
            const c = document.getElementById("chart");
            const copy = new OffscreenCanvas(c.width, c.height).getContext("2d");
            copy.drawImage(c, 0, 0);
            const d = copy.getImageData(0, 0, c.width, c.height).data;
            const n = {};
            for (let i = 0; i < d.length; i += 4)
                if (d[i + 3] === 255) {
                    const k = `${d[i]},${d[i + 1]},${d[i + 2]}`;
                    n[k] = (n[k] || 0) + 1;
                }
            return n;
        })()""")

    def picture(self, name):
        if PICTURES:
            self.browser.screenshot(os.path.join(PICTURES, f"{name}.png"))

    def all_is_well(self):
        # What is said after the picture has been drawn is said by then.
        self.browser.settle()
        complaints = self.browser.complaints()
        require(not complaints, "the page complains:", *complaints)


def empty(page):
    page.open()
    require(page.shown("jobs") == 0, "jobs of nowhere")
    require("0 jobs on 10 engines" in page.text("header p"), page.text("header p"))
    for name in ["zoom-in", "zoom-out", "reset", "previous", "next", "next-failed"]:
        page.press(name)
    page.browser.run("document.getElementById('chart').focus()")
    for key in ["ArrowUp", "ArrowDown", "]", "[", "e", "Enter", "Escape", "+", "0"]:
        page.browser.key(key)


def what_is_there(page):
    """Title, tables, headings: also for those who do not see the picture."""
    run = page.browser.run
    page.open()
    require(run("document.documentElement.lang") == "en", "no language")
    require(run("document.title") == 'dmafence demo: test <card> & "more"', run("document.title"))
    require(page.text("h1") == run("document.title"), "title and heading differ")
    require(page.shown("jobs") == 100, page.shown("jobs"))
    require(run("document.scripts.length") == 2, "something became a script")
    require(run("document.images.length") == 0, "something became an image")
    require(run("document.querySelectorAll('#numbers tr').length") == 8, "the table of numbers")
    require(page.text("#numbers tr:last-child th") == 'Injected <faults> & "hangs"', "escaped twice")
    require(run("document.querySelectorAll('#engines tbody tr').length") == 10, "engines")
    require(run("[...document.querySelectorAll('th')].every((th) => th.scope)"), "th without scope")
    require(run("[...document.querySelectorAll('button, input')].every((b) =>"
                "b.getAttribute('aria-label') || b.textContent.trim() || b.labels.length)"),
            "a button without a name")
    label = run("document.getElementById('chart').getAttribute('aria-label')")
    require("10 engines with 100 jobs" in label, label)
    require(run("document.getElementById('chart').tabIndex") == 0, "not to be reached by Tab")
    require(run("[...document.querySelectorAll('#legend span')].map((s) => s.textContent).join()")
            == "filter,vm,upload,encode", "the legend")
    require(run("[...document.querySelectorAll('#legend button')].every((b) =>"
                "b.ariaPressed === 'false')"), "the legend's buttons do not say whether they are pressed")
    # It says how large it is itself, so that there is no second scroll bar.
    require(run("document.documentElement.scrollWidth <= innerWidth"), "wider than the window")


def draws(page):
    page.open()
    # Each is a slice and has been waiting, but for those that were never begun.
    never = page.browser.run("JSON.parse(document.getElementById('data').textContent).jobs.begun"
                             ".filter((time) => time < 0).length")
    require(page.shown("visible") == 2 * page.jobs - never, "visible:", page.shown("visible"))
    require(0 < page.shown("drawn") <= page.shown("visible"), "drawn:", page.shown("drawn"))
    colours = page.colours()
    fill = {name: page.browser.run(
        f"getComputedStyle(document.querySelectorAll('#legend i')[{i}]).backgroundColor")
        for i, name in enumerate(["filter", "vm", "upload", "encode"])}
    for name in ["filter", "encode"]:
        key = fill[name].removeprefix("rgb(").removesuffix(")").replace(" ", "")
        require(colours.get(key, 0) > 500, f"{name} is not to be seen: {colours.get(key, 0)}")
    require(colours.get("198,40,40", 0) > 50, "nothing red, though jobs failed")


def mouse(page):
    page.open()
    box = page.chart()
    x, y = box["x"] + 500, box["y"] + 100
    time_at_x = lambda: page.view()[0] + (500 - 124) / (box["width"] - 132) * (
        page.view()[1] - page.view()[0])
    everything, before = page.view(), time_at_x()
    for _ in range(8):
        page.browser.wheel(x, y, delta_y=-120)
    zoomed = page.view()
    span = zoomed[1] - zoomed[0]
    require(span < (everything[1] - everything[0]) / 5, "the wheel does not zoom:", zoomed)
    require(about(time_at_x(), before, span / 100), "the wheel moves what is under the pointer")
    require(page.shown("visible") < page.jobs, "all is still visible")
    page.browser.drag(x, x - 200, y)
    dragged = page.view()
    require(about(dragged[1] - dragged[0], span, 2), "dragging zooms")
    require(about(dragged[0] - zoomed[0], 200 / (box["width"] - 132) * span, span / 100),
            "dragged by", dragged[0] - zoomed[0])
    page.browser.wheel(x, y, delta_x=100)
    require(page.view()[0] > dragged[0], "the wheel to the side does not move")
    page.browser.drag(x, x + 100, y, modifiers=SHIFT)
    chosen = page.view()
    require(about(chosen[1] - chosen[0], span * 100 / (box["width"] - 132), span / 100),
            "with Shift a part is chosen:", chosen)
    page.press("reset")
    require(page.view() == everything, "it does not go back to all:", page.view())
    page.press("zoom-in")
    require(page.view()[1] - page.view()[0] < everything[1] - everything[0], "the + button")
    page.press("zoom-out")
    for _ in range(60):
        page.press("zoom-out")
    require(page.view()[1] - page.view()[0] < 1.1 * (everything[1] - everything[0]), "no end to it")
    for _ in range(60):
        page.press("zoom-in")
    require(page.view()[1] - page.view()[0] == 100, "the other end:", page.view())


def jobs(page):
    """Points at one, chooses one, goes to what it waited for."""
    # Job 18 is the one whose label would like to be a script.
    page.open("#from=1000000&to=3000000")
    box = page.chart()
    x, y = page.where(18), box["y"] + 30 + 26 + 12
    page.browser.mouse("mouseMoved", x, y)
    page.browser.settle()
    require(page.text("#details h4") == HOSTILE, "pointed at:", page.text("#details"))
    page.browser.mouse("mouseMoved", x, box["y"] + 5)
    page.browser.settle()
    require("Point at a job" in page.text("#details"), "still there:", page.text("#details"))
    page.browser.click(x, y)
    require(page.shown("selected") == 18, "chose", page.shown("selected"))
    details = page.text("#details")
    for part in ["copy 0, tile 0", "context 10 seqno 3", "1.800 ms", "30.00 µs",
                 "Comes after, on its context: frame 0 upload (copy 0)",
                 "Probably for what ended 4.25 µs before: bind 2 (bind 1)"]:
        require(part in details, part, "is not in", details)
    page.browser.run("[...document.querySelectorAll('#details button')]"
                     ".find((b) => b.textContent.startsWith('bind 2')).click()")
    page.browser.settle()
    require(page.text("#details h4") == "bind 2", page.text("#details"))
    require("Submitted with it" in page.text("#details"), page.text("#details"))
    # Nothing is there: what was chosen is left.
    page.browser.click(box["x"] + 400, box["y"] + 5)
    require(page.shown("selected") == -1, "still chosen")


def keys(page):
    page.open()
    everything = page.view()
    page.browser.run("document.getElementById('reset').focus()")
    page.browser.run("document.getElementById('chart').focus()")
    page.browser.key("+", "+")
    require(page.view()[1] - page.view()[0] < everything[1] - everything[0], "+ does not zoom")
    before = page.view()
    page.browser.key("ArrowRight")
    require(page.view()[0] > before[0], "the arrow does not move")
    page.browser.key("ArrowLeft")
    require(about(page.view()[0], before[0], 2), "nor back")
    page.browser.key("0", "0")
    require(page.view() == everything, "0 does not show all")
    page.browser.key("e", "e")
    require("Failed: ETIME" in page.text("#details"), page.text("#details"))
    first = page.shown("selected")
    page.browser.key("e", "e")
    require("Failed: ETIME" in page.text("#details") and page.shown("selected") != first,
            "there is another that failed")
    page.browser.key("Enter")
    require(page.view()[1] - page.view()[0] < (everything[1] - everything[0]) / 4, "Enter")
    engine = lambda: page.text("#details dd")
    above = engine()
    page.browser.key("ArrowUp")
    require(engine() != above, "there is an engine above:", above)
    selected = page.shown("selected")
    page.browser.key("]", "]")
    require(page.shown("selected") != selected, "] does not go on")
    page.browser.key("[", "[")
    require(page.shown("selected") == selected, "[ does not go back")
    page.browser.key("Escape")
    require(page.shown("selected") == -1, "Escape does not leave")


def fingers(page):
    browser = page.browser
    browser.page("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=2,
                 mobile=True)
    browser.page("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    page.open()
    require(browser.run("document.documentElement.scrollWidth <= innerWidth"),
            "wider than a telephone:", browser.run("document.documentElement.scrollWidth"))
    box = page.chart()
    y, middle = box["y"] + 100, box["x"] + 240
    everything = page.view()
    browser.touch("touchStart", (middle - 20, y), (middle + 20, y))
    for i in range(1, 5):
        browser.touch("touchMove", (middle - 20 - 10 * i, y), (middle + 20 + 10 * i, y))
    browser.touch("touchEnd")
    browser.settle()
    zoomed = page.view()
    span = zoomed[1] - zoomed[0]
    require(about(span, (everything[1] - everything[0]) / 3, span / 10), "pinched to", zoomed)
    browser.touch("touchStart", (middle, y))
    for i in range(1, 5):
        browser.touch("touchMove", (middle - 15 * i, y))
    browser.touch("touchEnd")
    browser.settle()
    require(page.view()[0] > zoomed[0] and about(page.view()[1] - page.view()[0], span, 2),
            "a finger does not move it:", page.view())
    page.picture("telephone")
    page.all_is_well()
    browser.page("Emulation.setTouchEmulationEnabled", enabled=False)


def finds(page):
    page.open()
    plain = page.colours()
    page.browser.run("document.getElementById('find').focus()")
    page.browser.page("Input.insertText", text="Frame 3 F")
    page.browser.settle()
    require(page.text("#found") == "4 jobs", page.text("#found"))
    require(page.colours() != plain, "nothing stands out")
    page.browser.run("document.getElementById('find').value = '';"
                     "document.getElementById('find').dispatchEvent(new Event('input'))")
    page.browser.settle()
    page.browser.run("document.querySelector('#legend button').click()")
    page.browser.settle()
    require(page.browser.run("document.querySelector('#legend button').ariaPressed") == "true",
            "not pressed")
    require(page.colours() != plain, "nothing stands out")
    page.browser.run("document.querySelector('#legend button').click()")
    page.browser.settle()
    require(page.colours() == plain, "it does not go back")


def address(page):
    """What is shown can be kept, and is there again."""
    page.open("#from=2000000&to=4000000&job=20")
    require(page.view() == (2000000, 4000000), page.view())
    require(page.shown("selected") == 20, "no job is chosen")
    page.press("zoom-in")
    page.browser.run("new Promise((done) => { const look = () =>"
                     "location.hash.includes(`from=${document.getElementById('timeline').dataset.from}&`)"
                     "? done(0) : requestAnimationFrame(look); look(); })")
    kept, view = page.browser.run("location.hash"), page.view()
    page.open(kept)
    require(page.view() == view and page.shown("selected") == 20, kept, "is not", view)
    for nonsense in ["#from=x&to=y&job=z", "#from=9&to=1&job=-4", "#job=1e99", "#from=1e300&to=1e308",
                     "#from=-Infinity&to=Infinity", "#%"]:
        page.open(nonsense)
        require(page.view()[1] > page.view()[0], nonsense, "gives", page.view())
        page.all_is_well()


def dark(page):
    browser = page.browser
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    page.open()
    light, light_picture = browser.run(background), page.colours()
    page.picture("light")
    browser.page("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.settle()
    page.picture("dark")
    require(browser.run(background) < 64 < 192 < light, "it is not dark")
    require(page.colours() != light_picture, "the picture is not drawn again")
    browser.page("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "light"}])
    browser.settle()
    require(page.colours() == light_picture, "it does not go back")


def without_script(page):
    browser = page.browser
    browser.page("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page.path.as_uri())
    browser.page("Emulation.setScriptExecutionDisabled", value=False)
    require("needs a script" in page.text("noscript"), page.text("noscript"))
    require(browser.run("document.querySelector('noscript').getBoundingClientRect().height > 0"),
            "what is for those without a script is not shown")
    require(browser.run("document.querySelectorAll('#engines tbody tr').length") == 10, "no table")


def many(page):
    """Only what is to be seen is drawn, and no more than there are pixels."""
    began = time.monotonic()
    page.open()
    took = time.monotonic() - began
    require(page.shown("jobs") == page.jobs, page.shown("jobs"))
    require(page.shown("visible") > page.jobs, page.shown("visible"))
    # 10 engines of a lane of slices and a few of those that wait, each a pixel at least.
    wide = page.chart()["width"]
    require(page.shown("drawn") < 10 * 5 * wide, "drawn:", page.shown("drawn"))
    times = page.browser.run("""(async () => {
        const times = [];
        for (let i = 0; i < 20; i++) {
            const begin = performance.now();
            document.getElementById(i % 2 ? "zoom-out" : "zoom-in").click();
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            times.push(performance.now() - begin);
        }
        return times.sort((a, b) => a - b);
    })()""")
    page.picture("many")
    page.open("#from=2000000000&to=2001000000")
    require(0 < page.shown("visible") < 60, "of a millisecond:", page.shown("visible"))
    require(page.shown("drawn") <= page.shown("visible"), "drawn:", page.shown("drawn"))
    print(f"# {page.jobs} jobs: open after {took:.1f} s, drawn anew in {times[10]:.0f} ms")


def demo(page):
    """The page that the command itself writes, with a job that hung and what came of it."""
    page.path = page.path.with_name("demo.html")
    subprocess.run([DMAFENCE, "demo", "--quiet", "--frames", "12", "--size", "160x90", "--hang", "5",
                    "--report", str(page.path)], check=True, timeout=60, stderr=subprocess.DEVNULL)
    page.open()
    engines = page.browser.run("document.querySelectorAll('#engines tbody tr').length")
    require(f"on {engines} engines" in page.text("header p"), page.text("header p"))
    require(page.shown("jobs") > 12 * 4 and page.shown("drawn") > 12, page.shown("jobs"))
    page.press("next-failed")
    require("frame 5" in page.text("#details h4"), page.text("#details h4"))
    require("Failed: ETIME" in page.text("#details .error"), page.text("#details"))
    page.picture("demo")


TESTS = [(empty, 0), (what_is_there, 100), (draws, 800), (mouse, 800), (jobs, 800), (keys, 800),
         (fingers, 800), (finds, 800), (address, 800), (dark, 800), (without_script, 100),
         (many, 50000), (demo, 0)]


def main():
    chromium = find_chromium()
    if not chromium:
        print("1..0 # SKIP Chromium is not installed (package chromium)")
        return 0
    failed = False
    browser = Browser(chromium)
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(f"1..{len(TESTS)}")
            for number, (test, size) in enumerate(TESTS, 1):
                page = Page(browser, folder, size)
                try:
                    browser.page("Emulation.setDeviceMetricsOverride", width=1500, height=1000,
                                 deviceScaleFactor=1, mobile=False)
                    test(page)
                    page.all_is_well()
                    print(f"ok {number} - {test.__name__}")
                except (AssertionError, RuntimeError, TypeError, ValueError) as error:
                    failed = True
                    print(f"not ok {number} - {test.__name__}")
                    print("# " + str(error).replace("\n", " "))
    finally:
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
