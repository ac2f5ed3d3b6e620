# SPDX-License-Identifier: MIT
"""A page in headless Chromium, as a person has it: mouse, fingers, keys.

Chromium is spoken to through two pipes (its DevTools protocol, messages that end with a 0 byte), so
that nothing but Python is needed.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ["chromium", "chromium-browser", "google-chrome"]
LIMIT = 60  # seconds for anything at all


def find_chromium():
    return next((path for path in map(shutil.which, NAMES) if path), None)


def high(fd):
    """The same pipe, by a number that 3 and 4 do not overwrite."""
    copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return copy


class Browser:
    def __init__(self, path):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, ours_out = map(high, os.pipe())
        ours_in, theirs_out = map(high, os.pipe())
        command = [path, "--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update",
                   "--hide-scrollbars", f"--user-data-dir={self.folder.name}", "about:blank"]
        # The pages are our own. The sandbox does not work for root, nor in every container.
        command.insert(1, "--no-sandbox")

        def give_pipes():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, close_fds=False, preexec_fn=give_pipes)
        os.close(theirs_in)
        os.close(theirs_out)
        self.read_fd, self.write_fd = ours_in, ours_out
        self.last, self.unread, self.events = 0, b"", []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.page(f"{domain}.enable")
        # A window that waits for somebody would have all else wait.
        self.page("Page.addScriptToEvaluateOnNewDocument",
                  source="window.alert = (text) => console.error(`alert: ${text}`)")

    def message(self, until):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_fd], [], [], max(until - time.monotonic(), 0))
            piece = os.read(self.read_fd, 1 << 16) if ready else b""
            if not piece:
                self.log.seek(0)
                said = self.log.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"the browser {'ended' if ready else 'does not answer'}: {said}")
            self.unread += piece
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.write_fd, text):]
        until = time.monotonic() + LIMIT
        while True:
            answer = self.message(until)
            if answer.get("id") != self.last:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def page(self, method, **params):
        return self.call(method, session=self.session, **params)

    def run(self, script):
        """What a script has for its value, or for that of its promise."""
        answer = self.page("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def settle(self):
        """Until all that was done has been drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
                 ".then(() => 0)")

    def open(self, address):
        # From another page, for with another "#" alone it would be the same one.
        self.page("Page.navigate", url="about:blank")
        self.await_event("Page.loadEventFired")
        self.events.clear()
        self.page("Page.navigate", url=address)
        self.await_event("Page.loadEventFired")

    def await_event(self, name):
        until = time.monotonic() + LIMIT
        while not any(event.get("method") == name for event in self.events):
            self.events.append(self.message(until))
        self.events = [event for event in self.events if event.get("method") != name]

    def complaints(self):
        """What went wrong on the page, and what it asked of others."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled",
                          "Page.javascriptDialogOpening"):
                found.append(json.dumps(params)[:500])
            if method == "Network.requestWillBeSent":
                address = params["request"]["url"]
                if not address.startswith(("file:", "about:")):
                    found.append(f"asks for {address}")
        return found

    def mouse(self, kind, x, y, **more):
        self.page("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def wheel(self, x, y, delta_x=0, delta_y=0):
        self.mouse("mouseWheel", x, y, deltaX=delta_x, deltaY=delta_y)
        self.settle()

    def drag(self, x1, x2, y, modifiers=0):
        more = {"button": "left", "modifiers": modifiers}
        self.mouse("mousePressed", x1, y, clickCount=1, **more)
        for i in range(1, 5):
            self.mouse("mouseMoved", x1 + (x2 - x1) * i / 4, y, buttons=1, **more)
        self.mouse("mouseReleased", x2, y, clickCount=1, **more)
        self.settle()

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def touch(self, kind, *points):
        self.page("Input.dispatchTouchEvent", type=kind,
                  touchPoints=[{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)])

    def key(self, key, text=None):
        self.page("Input.dispatchKeyEvent", type="keyDown", key=key, text=text or "")
        self.page("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def screenshot(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.page("Page.captureScreenshot")["data"]))

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.read_fd)
            os.close(self.write_fd)
            self.log.close()
            self.folder.cleanup()
