"""A studio of two models whose answers are known, served on this machine, and its visitors."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from benchmarks.visitors import Visitor
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.editor import Control, Edited, Pair
from common.errors import UserError
from common.kinds import Digits, Faces, Pictures
from common.strokes import Candidates
from studio.models import Model, Models
from tests.common.cli.stub import Codes, Stub
from tests.studio.flat import Flat

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@dataclass(frozen=True)
class Brighter(Stub):
    """Reconstructs images as they are; `Light` sets how much lighter an edit is, 0 to 1."""

    kind: Any = field(default_factory=lambda: Faces(32, WHOLE_WIDTH))
    controls: tuple[Control, ...] = (
        Control(name="Light", meaning="1 white, 0 as it is", low=0.0, high=1.0),
    )

    def decode(self, codes: Codes) -> np.ndarray:
        return codes.pixels

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        return {"Light": codes.pixels.mean(axis=(1, 2, 3)) / 255.0}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Any:
        return values.get("Light", 0.0)

    def edit(self, images: np.ndarray, request: float) -> Edited:
        codes = Codes(images + np.rint((255 - images) * request).astype(np.uint8))
        return Edited(codes.pixels, codes, Codes(images))


@dataclass(frozen=True)
class Mixer(Brighter):
    """Of digits; `strength` adds so much of the difference of a pair."""

    kind: Any = field(default_factory=Digits)
    controls: tuple[Control, ...] = (
        Control(name="strength", meaning="of it", low=-2.0, high=2.0, default=0.0, pair=True),
    )

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        return {}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Any:
        if values and pair is None:
            raise UserError("A strength needs a direction.")
        step = 0.0 if pair is None else pair[1].astype(float) - pair[0]
        return values.get("strength", 0.0) * step

    def edit(self, images: np.ndarray, request: Any) -> Edited:
        codes = Codes(np.clip(images + request, 0, 255).astype(np.uint8))
        return Edited(codes.pixels, codes, Codes(images))


class ShadesSession:
    """Four even images; each goes a tenth of the way to the last stroke's colour in a step."""

    def __init__(self, seed: int) -> None:
        self.values = np.random.default_rng(seed).uniform(0, 255, 4)
        self.start: float | None = None
        self.photo: np.ndarray | None = None
        self.drawn: list[tuple[float, np.ndarray]] = []  # a colour, and where the images were
        self.undone: list[float] = []

    def set_photo(self, photo: np.ndarray) -> None:
        self.photo, self.start = photo, float(photo.mean())
        self.values = self.start + np.arange(4.0)

    def add_stroke(self, stroke: float, number: int | None = None) -> None:
        self.drawn.append((stroke, self.values))
        self.undone.clear()

    def undo(self) -> bool:
        if self.drawn:
            stroke, self.values = self.drawn.pop()
            self.undone.append(stroke)
            return True
        return False

    def redo(self) -> bool:
        if self.undone:
            self.drawn.append((self.undone.pop(), self.values))
            return True
        return False

    def step(self, steps: int) -> None:
        for _ in range(steps if self.drawn else 0):
            self.values = self.values + 0.1 * (self.drawn[-1][0] - self.values)

    def fix(self, number: int, share: float = 1.0) -> None:
        end = float(self.values[number])
        start = (1 - share) * (end if self.start is None else self.start) + share * end
        self.start, self.values = start, start + np.arange(4.0)

    def _images(self, values: np.ndarray) -> np.ndarray:
        shades = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return np.tile(shades[:, None, None, None], (1, 8, 8, 1))

    def candidates(self) -> Candidates:
        wanted = self.drawn[-1][0] if self.drawn else 0.0
        costs = np.abs(self.values - wanted)
        order = np.argsort(costs, kind="stable")
        return Candidates(order, costs[order], self._images(self.values[order]))

    def frames(self, number: int) -> np.ndarray:
        end = self.values[number]
        return self._images(np.linspace(end if self.start is None else self.start, end, 5))

    def photo_frames(self, number: int) -> np.ndarray:
        if self.photo is None:
            raise UserError("There is no photo.")
        way = self._images(np.linspace(self.photo.mean(), self.values[number], 8))
        return np.repeat(way, 3, axis=3)

    def edited_photo(self, number: int) -> np.ndarray:
        if self.photo is None or self.start is None:
            raise UserError("There is no photo.")
        change = self.values[number] - self.start
        return np.clip(self.photo + np.rint(change), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Shades(Brighter):
    """Is edited by strokes; all that counts of one is the first number of its colour."""

    kind: Any = field(default_factory=lambda: Pictures(8, 1, "piece of clothing"))
    controls: tuple[Control, ...] = ()
    subjects: str = "shades"
    brushes: Mapping[str, float] = field(default_factory=lambda: {"colour": 2.0, "erase": 4.0})

    def stroke(self, values: Any) -> float:
        if not isinstance(values, dict) or values.get("kind") not in self.brushes:
            raise UserError("There is no such brush.")
        return float(values["colour"][0])

    def session(self, seed: int = 0) -> ShadesSession:
        return ShadesSession(seed)


class FakeModels(Models):
    """Four models that need no folder."""

    def __init__(self, runs: Any = ()) -> None:
        self._lock = threading.Lock()
        self._editors = {
            "bright": Brighter(),
            "mixer": Mixer(),
            "shades": Shades(),
            "flat": Flat(),
        }
        self.known = {
            name: Model(name, "toy", Path(name), editor) for name, editor in self._editors.items()
        }


@contextlib.contextmanager
def served(
    token: str = "", runs: tuple[Path, ...] = (), models: Models | None = None
) -> Iterator[str]:
    """The address of a studio that runs in this process."""
    import uvicorn

    from studio.runs import Runs
    from studio.server import application, listening

    app = application(models or FakeModels(), Runs(runs), token)
    opened = listening("127.0.0.1", 0)
    settings = uvicorn.Config(app, log_level="error", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, args=([opened],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{opened.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A studio that all tests of a module share."""
    with served() as where:
        yield where


@pytest.fixture
def visitor(address: str) -> Visitor:
    """A new visitor of it."""
    return Visitor(address)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; on Debian, apt-get install chromium")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A new visitor's page; no request may leave the studio, and no script may fail."""
    context = browser.new_context(accept_downloads=True)
    opened = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("websocket", lambda socket: asked.append(socket.url))
    opened.on("pageerror", lambda error: failed.append(str(error)))
    opened.on("console", lambda line: line.type == "error" and failed.append(line.text))
    opened.goto(address)
    opened.wait_for_selector("#tabs [aria-selected=true]")  # else an upload comes too early
    yield opened
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("blob:")}
    assert hosts == {urlsplit(address).netloc}
    assert [line for line in failed if "400 (Bad Request)" not in line] == []
    context.close()
