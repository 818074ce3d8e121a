"""Many visitors of the studio at once: none fails, none sees another's images, memory stays flat.

    python -m benchmarks.studio --visitors 10 --seconds 120

Each visitor uploads photographs of its own tint and moves sliders of three models of faces, draws
digits and goes along a direction, paints shoes; round after round. Linux alone: memory and
connections are read in /proc.
"""

from __future__ import annotations

import io
import ipaddress
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from PIL import Image

from benchmarks.visitors import Visitor, unpacked
from common import device
from common.errors import UserError, exits_cleanly
from common.files import ROOT, write_json
from common.reporting.tables import Table, show
from common.runs.log import log_to
from common.settings.paths import PATHS

logger = logging.getLogger(__name__)

PHOTO = ROOT / "examples" / "photos" / "astronaut.png"
EYES = [196.0, 105.0, 243.0, 105.0]  # of the astronaut, in its pixels
FACES, DIGITS, SHOES = "ifcvaegan-celeba", "crg-mnist", "igan-fashion"
PAIR = ["pairs/thin", "pairs/thick"]
ALONG = ("crg-celeba", "igan-celeba")  # models of faces whose sliders are directions
SLIDES, STROKES = 5, 2  # in each round
WARM = 0.25  # share of the time after which memory is read first: models are loaded by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Lets many visitors use the studio at once."""

    visitors: int = 10
    """How many."""
    seconds: float = 120.0
    """For how long."""
    out: Path = ROOT / "benchmarks" / "results" / "studio.json"
    """Where the figures go."""


@dataclass(slots=True)
class Seen:
    """What happened to all visitors: seconds by what was waited for, and what went wrong."""

    rounds: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def time(self, what: str, begun: float) -> None:
        """Notes how long something took."""
        self.seconds.setdefault(what, []).append(time.perf_counter() - begun)

    def check(self, right: bool, what: str) -> None:
        """Notes what went wrong."""
        if not right:
            self.failures.append(what)


def measure(command: Command) -> dict[str, Any]:
    """Starts a studio, sends the visitors, and watches it.

    Raises:
        UserError: there is no /proc here, or the studio did not start.
    """
    if not Path("/proc/self/fd").is_dir():
        raise UserError("This reads /proc, which only Linux has.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, seen = f"http://127.0.0.1:{port}", Seen()
    server = subprocess.Popen([sys.executable, "-m", "studio", "--port", str(port)], cwd=ROOT)
    try:
        wait_for(server, port)
        end = time.monotonic() + command.seconds
        threads = [
            threading.Thread(target=visit, args=(address, number, end, seen))
            for number in range(command.visitors)
        ]
        for thread in threads:
            thread.start()
        memory, outside = watch(server.pid, threads)
    finally:
        server.terminate()
        server.wait(30)
    warm = memory[int(WARM * len(memory))]
    return {
        "visitors": command.visitors,
        "seconds": command.seconds,
        "rounds": seen.rounds,
        **{
            f"{what}: n, median, 90 %, longest (ms)": [
                len(times),
                *(1e3 * np.quantile(times, [0.5, 0.9, 1.0])).round(1).tolist(),
            ]
            for what, times in sorted(seen.seconds.items())
        },
        "failures": seen.failures,
        "connections to other machines": sorted(outside),
        "memory after a quarter of the time, at the end (MiB)": [round(warm), round(memory[-1])],
        "machine": f"{device.cores()} cores, {device.processor()}",
        "load of the machine at the end": [round(one, 1) for one in os.getloadavg()],
    }


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Waits until the studio listens.

    Raises:
        UserError: it ended instead, or takes more than two minutes.
    """
    for _ in range(1200):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise UserError("The studio did not start; python -m studio says why.")


def visit(address: str, number: int, end: float, seen: Seen) -> None:
    """One visitor, round after round; what goes wrong ends it."""
    try:
        visitor = Visitor(address)
        with visitor.live() as live:
            directions, turn = {model: direction(visitor, model) for model in ALONG}, 0
            while time.monotonic() < end:
                rng = np.random.default_rng([number, turn])
                slide(visitor, live, rng, seen)
                for model, name in directions.items():
                    follow(live, model, name, rng, seen)
                count(visitor, live, rng, seen)
                paint(visitor, live, rng, seen)
                turn += 1
                seen.rounds += 1
    except Exception as error:
        logger.exception("visitor %d", number)
        seen.failures.append(f"visitor {number}: {type(error).__name__}: {error}")


def asked(live: Any, question: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question."""
    live.send(json.dumps({"id": 1, **question}))
    told = unpacked(live.recv(timeout=300))
    if "error" in told:
        raise UserError(told["error"])
    return told


def slide(visitor: Visitor, live: Any, rng: np.random.Generator, seen: Seen) -> None:
    """Uploads a photograph of a tint that nobody else has, moves a slider, saves the result."""
    with Image.open(PHOTO) as photo:
        pixels = np.asarray(photo.convert("RGB")) * rng.uniform(0.4, 1.0, 3)
    mine = pixels.astype(np.uint8)
    begun = time.perf_counter()
    visitor.told("/photo", png(mine), x_name="me.png")
    visitor.told("/face", json.dumps({"landmarks": EYES}).encode())
    seen.time("photo", begun)
    originals = []
    for value in rng.uniform(-1.0, 2.0, SLIDES):
        begun = time.perf_counter()
        told = asked(live, {"do": "edit", "model": FACES, "values": {"Smiling": float(value)}})
        seen.time("slider", begun)
        originals.append(told["images"]["original"])
    same = all((one == originals[0]).all() for one in originals)
    near = np.abs(originals[0].mean((0, 1)) / mine[60:160, 170:270].mean((0, 1)) - 1).max()
    seen.check(bool(same and near < 0.25), "a face of another visitor")
    result = np.asarray(Image.open(io.BytesIO(visitor.get("/result/photo/image.png")[1])))
    seen.check(bool((result[-60:] == mine[-60:]).all()), "a photograph of another visitor")


def direction(visitor: Visitor, model: str) -> str:
    """The id of a direction of a model, the first of its decoder's first layer."""
    wish = json.dumps({"how": "layer", "count": 1}).encode()
    listed: Any = visitor.told(f"/directions?model={model}", wish)
    return listed[-1]["id"]


def follow(live: Any, model: str, name: str, rng: np.random.Generator, seen: Seen) -> None:
    """Moves the slider of a direction; before its first image the face is encoded."""
    for place, strength in enumerate(rng.uniform(-2.0, 2.0, SLIDES)):
        begun = time.perf_counter()
        told = asked(live, {"do": "edit", "model": model, "along": {name: float(strength)}})
        seen.time(f"slider of {model}{'' if place else ', first'}", begun)
        changed = (told["images"]["edited"] != told["images"]["reconstruction"]).any()
        seen.check(bool(changed), f"a direction of {model} that did nothing")


def count(visitor: Visitor, live: Any, rng: np.random.Generator, seen: Seen) -> None:
    """Draws a bar that nobody else draws, and makes it thicker."""
    drawn = np.zeros((280, 280), np.uint8)
    left, top = rng.integers(20, 200, 2)
    drawn[top : top + 60, left : left + int(rng.integers(20, 60))] = rng.integers(100, 256)
    picture = visitor.told("/drawing", png(drawn))["picture"]
    mine = np.asarray(Image.open(io.BytesIO(visitor.get(f"/pictures/{picture}.png")[1])))
    begun = time.perf_counter()
    question = {"do": "edit", "model": DIGITS, "picture": picture, "pair": PAIR}
    told = asked(live, {**question, "values": {"strength": 1.0}})
    seen.time("digit", begun)
    seen.check(bool((told["images"]["original"][..., 0] == mine).all()), "a digit of another one")


def paint(visitor: Visitor, live: Any, rng: np.random.Generator, seen: Seen) -> None:
    """Paints some strokes of a shade that nobody else takes, and follows them to their end."""
    shade = [int(one) for one in rng.integers(0, 256, 3)]
    asked(live, {"do": "paint", "what": "begin", "model": SHOES, "seed": int(rng.integers(1000))})
    for _ in range(STROKES):
        points = rng.uniform(0.2, 0.8, (3, 2)).round(3).tolist()
        stroke = {"kind": "colour", "points": points, "colour": shade, "width": 2.0}
        event = {"do": "stroke", "stroke": stroke}
        begun = time.perf_counter()
        told = asked(live, {"do": "paint", "what": "act", "event": event})
        told = unpacked(live.recv(timeout=300))
        seen.time("stroke to its first images", begun)
        while told["running"]:
            told = unpacked(live.recv(timeout=300))
        seen.time("stroke to its last images", begun)
    colours = [stroke["colour"] for stroke in told["strokes"]]
    seen.check(colours == [shade] * STROKES, "strokes of another visitor")
    path = f"/result/brushes/image.png?number={told['numbers'][0]}"
    seen.check(visitor.get(path)[0] == 200, "a painting that could not be saved")


def watch(pid: int, threads: Sequence[threading.Thread]) -> tuple[list[float], set[str]]:
    """Memory of a process in MiB, twice a second until the threads end; where it connects to."""
    memory, outside = [resident(pid)], set()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.5)
        memory.append(resident(pid))
        outside |= {one for one in connections(pid) if not ipaddress.ip_address(one).is_loopback}
    return memory, outside


def resident(pid: int) -> float:
    """Memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def connections(pid: int) -> set[str]:
    """The addresses at the other ends of a process's sockets, TCP and UDP."""
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            continue  # closed meanwhile
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[9] in own and not cells[2].endswith(":0000"):
                found.add(address_of(cells[2].split(":")[0]))
    return found


def address_of(text: str) -> str:
    """An address as /proc writes it: words of four bytes, each in the machine's own order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    found = ipaddress.ip_address(b"".join(words))
    return str(getattr(found, "ipv4_mapped", None) or found)


def png(image: np.ndarray) -> bytes:
    """A uint8 image as PNG."""
    held = io.BytesIO()
    Image.fromarray(image).save(held, format="PNG", compress_level=1)
    return held.getvalue()


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures, shows the figures and writes them.

    Raises:
        UserError: something failed.
    """
    command = tyro.cli(Command, prog="python -m benchmarks.studio", args=arguments, registry=PATHS)
    log_to(None)
    figures = measure(command)
    rows = [[name, json.dumps(value, ensure_ascii=False)] for name, value in figures.items()]
    show(Table("Visitors of the studio", ("what", "figure"), rows))
    write_json(command.out, figures)
    if figures["failures"] or figures["connections to other machines"]:
        raise UserError(f"{len(figures['failures'])} failures; see {command.out}.")


if __name__ == "__main__":
    main()
