"""A visitor of the studio without a browser: keeps cookies, asks, edits and paints."""

from __future__ import annotations

import json
import struct
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

import numpy as np


class Visitor:
    """One visitor.

    Args:
        address: of the studio.
        path: what is looked at first; its answer brings the cookie.
    """

    def __init__(self, address: str, path: str = "/") -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get(path)

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        """Status, content and headers of a page."""
        return self.ask(path, None, **headers)

    def ask(self, path: str, body: bytes | None, **headers: str) -> tuple[int, bytes, Any]:
        """The same; with a body that is posted."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, body, named)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def told(self, path: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
        """An answer in JSON."""
        return json.loads(self.ask(path, body, **headers)[1])

    def edit(self, **question: Any) -> dict[str, Any]:
        """One edit over the WebSocket; images by name."""
        with self.live() as socket:
            socket.send(json.dumps({"id": 1, "do": "edit", **question}))
            return unpacked(socket.recv(timeout=60))

    def live(self) -> Any:
        """An open WebSocket."""
        from websockets.sync.client import connect

        cookies = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        address = self.address.replace("http", "ws") + "/live"
        return connect(address, additional_headers={"Cookie": cookies})


def unpacked(message: str | bytes) -> dict[str, Any]:
    """An answer with its images as arrays, uint8 `[H, W, C]`."""
    if isinstance(message, str):
        return json.loads(message)
    (length,) = struct.unpack("<I", message[:4])
    told = json.loads(message[4 : 4 + length])
    start, images = 4 + length, {}
    for image in told["images"]:
        size = int(np.prod(image["shape"]))
        pixels = np.frombuffer(message[start : start + size], np.uint8)
        images[image["name"]] = pixels.reshape(image["shape"])
        start += size
    assert start == len(message)
    return {**told, "images": images}
