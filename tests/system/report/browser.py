# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium, controlled by the DevTools protocol: it evaluates scripts in pages, takes screenshots and prints."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

TIMEOUT_SECONDS = 60.0  # generous, for a busy machine
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """Return the path of the program; None if it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab of a browser."""

    def __init__(self, profile: Path, process: subprocess.Popen[bytes]) -> None:
        self._profile, self._process = profile, process
        self._loop = asyncio.new_event_loop()
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._count = 0
        self._messages: list[dict[str, Any]] = []
        self.requested: list[str] = []

    def open(self, page: Path, *, width: int = 1280, dark: bool = False, media: str = "") -> None:
        """Load a page with a width, in light or dark mode, for the screen or (``media="print"``) for print."""
        self._run(self._open(page, width=width, dark=dark, media=media))

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        result = self._run(self._call("Runtime.evaluate", expression=expression, returnByValue=True))
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self, path: Path | None = None, *, scale: float = 1, height: int = 0) -> bytes:
        """Return a screenshot of the whole page, or of its top, as PNG."""
        size = self._run(self._call("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": scale}
        result = self._run(self._call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True))
        data = base64.b64decode(result["data"])
        if path:
            path.write_bytes(data)
        return data

    def pdf(self) -> bytes:
        """Return the page printed on A4, as PDF."""
        result = self._run(
            self._call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True, printBackground=False)
        )
        return base64.b64decode(result["data"])

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            self._run(self._disconnect())
        self._loop.close()

    def _run(self, task: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(task, TIMEOUT_SECONDS))

    async def _disconnect(self) -> None:
        if self._http:
            await self._http.close()

    async def _connect(self) -> None:
        port_file = self._profile / "DevToolsActivePort"  # Chromium writes it once it listens
        while not (port_file.exists() and len(port_file.read_text(encoding="ascii").split()) > 1):
            assert self._process.poll() is None, "Chromium ended at once"
            await asyncio.sleep(0.05)
        port = port_file.read_text(encoding="ascii").split()[0]
        self._http = aiohttp.ClientSession()
        async with self._http.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
            target = await answer.json()
        self._socket = await self._http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Runtime", "Network"):
            await self._call(f"{domain}.enable")

    async def _open(self, page: Path, *, width: int, dark: bool, media: str) -> None:
        if self._socket is None:
            await self._connect()
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self._call("Emulation.setEmulatedMedia", media=media, features=features)
        await self._call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self._messages.clear()
        self.requested.clear()
        await self._call("Page.navigate", url=page.as_uri())
        while not any(message.get("method") == "Page.loadEventFired" for message in self._messages):
            await self._listen()

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        assert self._socket is not None
        await self._socket.send_json({"id": self._count, "method": method, "params": params})
        while True:
            message = await self._listen()
            if message.get("id") == self._count:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])

    async def _listen(self) -> dict[str, Any]:
        assert self._socket is not None
        message: dict[str, Any] = await self._socket.receive_json()
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        self._messages.append(message)
        return message


@contextlib.contextmanager
def start_browser(program: str) -> Iterator[Browser]:
    """Yield a browser with a profile of its own, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="vbem-chromium-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [program, *SWITCHES, f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        browser = Browser(Path(folder), process)
        try:
            yield browser
        finally:
            browser.close()
            process.terminate()
            try:
                process.wait(TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
