"""Our train steps beside the same networks in PyTorch: images a second, and what limits them.

    python -m benchmarks.train_steps          (make bench: with PyTorch, on a quiet machine)

Each side is a process of its own; they are measured in turns, `--rounds` times, and a figure is the
median. PyTorch counts in the fastest of its set-ups (`benchmarks.torch_steps.fastest`). The share
says how much of our step its convolutions and matrix products would take alone, measured in the
same process right after it (`benchmarks.convolutions`). What carries over to other machines are the
ratios. Without PyTorch its columns stay empty.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from benchmarks.worker import Device, Process
from common import device
from common.errors import UserError, exits_cleanly
from common.files import ROOT, write_json, write_text
from common.reporting.tables import Cell, Table, markdown, show
from common.runs.log import log_to
from common.settings.paths import PATHS
from icgan_tf.config import SPLITS

logger = logging.getLogger(__name__)

FACES = "IcGAN, conditional GAN, 64x64 faces"
REPORT_IMAGES = SPLITS["report"]
STEPS = {  # name -> images a step
    FACES: 64,
    "CRG, GAN": 64,
    "CRG, encoder": 64,
    "CRG on faces, encoder": 32,
    "IFcVAEGAN, 24 filters": 64,
    "iGAN, GAN": 64,
}
FURTHER = {"IFcVAEGAN, 64 filters": 64}  # with --only
GROWING = ("CRG, GAN", "IFcVAEGAN, 24 filters")
BATCHES = (16, 64, 256, 512)
ABSENT = "PyTorch is not installed (pip install -r requirements-bench.txt)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures train steps on this machine."""

    only: tuple[str, ...] = ()
    """Names of steps to measure; by default all but the widest."""
    rounds: int = 5
    """Measurements of each side."""
    seconds: float = 1.0
    """How long a measurement lasts, at least one step."""
    minutes: float = 15.0
    """About how long it takes. `torch.compile` needs most of the time, and is not tried any more
    after two thirds of it; the page says where. What is left is measured to its end."""
    growth: bool = False
    """Measure two steps with batches of 16 to 512 images as well."""
    without_onednn: bool = False
    """Measure ours without oneDNN as well, in float32."""
    pytorch: bool = True
    """Measure PyTorch, where it is installed."""
    device: Device = "cpu"
    """Where the steps are taken; on a GPU in both precisions, and PyTorch's `torch.compile` is
    tried for all."""
    out: Path = ROOT / "benchmarks" / "results"
    """Folder of `train_steps.json` and `train_steps.md`."""


def check(command: Command) -> dict[str, int]:
    """The steps that are asked for, with their batches.

    Raises:
        UserError: there is no step of that name, or a number is too small.
    """
    known = {**STEPS, **FURTHER}
    for name in command.only:
        if name not in known:
            raise UserError(f"--only {name!r}: the train steps are {'; '.join(known)}.")
    if command.rounds < 1 or command.seconds <= 0:
        raise UserError("--rounds is at least 1, and --seconds above 0.")
    return {name: known[name] for name in command.only or STEPS}


def measure(command: Command, steps: dict[str, int]) -> dict[str, Any]:
    """All figures; they are written after each step."""
    begin = time.monotonic()
    absent = "left out by --no-pytorch" if not command.pytorch else missing()
    figures: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}, {device.cores()} cores, "
        f"{device.processor()}",
        "the processor computes in bfloat16": device.has_bfloat16(),
        "versions": versions(),
        "PyTorch left out": absent,
        "rounds": command.rounds,
        "torch.compile not tried": [],
        "steps": {},
        "growth": {},
    }
    gpu = command.device == "gpu"
    precisions = ("float32", "bfloat16") if gpu or device.has_bfloat16() else ("float32",)
    for name, batch in steps.items():
        figures["steps"][name] = {"batch": batch}
        for precision in precisions:
            spent = time.monotonic() - begin
            late = not gpu and spent > 40.0 * command.minutes  # two thirds, in seconds
            if late and not absent:
                figures["torch.compile not tried"].append(f"{name}, {precision}")
            sides = one_step(command, name, batch, precision, not absent, not late)
            figures["steps"][name][precision] = sides
            figures["device"] = sides["ours"]["device"]
            logger.info("%s, %s: %s", name, precision, told(sides))
        figures["minutes"] = (time.monotonic() - begin) / 60
        write(command.out, figures)
    for name in GROWING if command.growth else ():
        for batch in BATCHES:
            label = f"{name}, batch {batch}"
            figures["growth"][label] = {"batch": batch}
            for precision in precisions:
                figures["growth"][label][precision] = one_step(
                    command, name, batch, precision, False, False
                )
            figures["minutes"] = (time.monotonic() - begin) / 60
            write(command.out, figures)
    return figures


def missing() -> str:
    """Why PyTorch cannot be measured; empty if it can."""
    return "" if importlib.util.find_spec("torch") else ABSENT


def versions() -> dict[str, str]:
    """Of what is compared."""
    found = {}
    for name in ("tensorflow", "keras", "torch"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def one_step(
    command: Command, name: str, batch: int, precision: str, pytorch: bool, compiled: bool
) -> dict[str, Any]:
    """All sides of one train step in one precision, in turns.

    Raises:
        RuntimeError: the networks of two sides have not the same numbers of parameters.
    """
    words = ["--name", name, "--batch", str(batch), "--device", command.device]
    words += ["--bfloat16"] if precision == "bfloat16" else []
    sides: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        workers = {}
        best = trial(words, compiled) if pytorch else {}
        for side, module, more, onednn in planned(command, precision, best):
            workers[side] = stack.enter_context(
                Process(module, [*words, *more], {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn})
            )
            sides[side] = workers[side].facts
        compare_parameters(name, sides)
        rounds = [
            {side: worker.measure(command.seconds) for side, worker in workers.items()}
            for _ in range(command.rounds)
        ]
    if best:
        sides["PyTorch"]["trials"] = best["trials"]
    for side, facts in sides.items():
        facts["rounds"] = [one[side] for one in rounds]
        facts["images a second"] = batch / median(one[side]["step"] for one in rounds)
        if side != "ours":
            facts["ratio of ours"] = median(
                one[side]["step"] / one["ours"]["step"] for one in rounds
            )
    ours = sides["ours"]
    ours["share"] = median(one["convolutions"] / one["step"] for one in ours["rounds"])
    ours["GFLOP/s alone"] = (
        ours["operations"] / 1e9 / median(one["convolutions"] for one in ours["rounds"])
    )
    return sides


def trial(words: list[str], compiled: bool) -> dict[str, Any]:
    """PyTorch's fastest set-up, and the seconds of a step in each."""
    more = ["--trial"] if compiled else ["--trial", "--no-try-compiled"]
    with Process("benchmarks.torch_steps", [*words, *more]) as process:
        return process.facts


def planned(
    command: Command, precision: str, best: dict[str, Any]
) -> Iterator[tuple[str, str, list[str], str]]:
    """Of each side the name, the module, words of its command line, and whether with oneDNN."""
    yield "ours", "benchmarks.keras_steps", [], "1"
    if best:
        yield "PyTorch", "benchmarks.torch_steps", best["words"], "1"
    if command.without_onednn and precision == "float32":
        yield "without oneDNN", "benchmarks.keras_steps", [], "0"


def compare_parameters(name: str, sides: dict[str, dict[str, Any]]) -> None:
    """Refuses to compare networks that are not of one size.

    Raises:
        RuntimeError: naming the sizes.
    """
    counts = {side: facts["parameters"] for side, facts in sides.items()}
    if any(count != counts["ours"] for count in counts.values()):
        raise RuntimeError(f"{name}: the sides have other numbers of parameters: {counts}")


def told(sides: dict[str, Any]) -> str:
    """One line on a step."""
    rates = [f"{side} {facts['images a second']:.1f} images/s" for side, facts in sides.items()]
    return ", ".join(rates) + f"; {sides['ours']['share']:.0%} are convolutions"


COLUMNS = (
    *("step", "precision", "batch", "ours, images/s", "PyTorch, images/s", "ours to PyTorch"),
    *("share of convolutions", "their GFLOP/s", "ours, MiB", "PyTorch, MiB", "PyTorch's set-up"),
)


def table(figures: dict[str, Any], part: str = "steps") -> Table:
    """The figures, a row a step and precision."""
    rows: list[list[Cell]] = []
    for name, step in figures[part].items():
        for precision in ("float32", "bfloat16"):
            if precision not in step:
                continue
            ours, torch = step[precision]["ours"], step[precision].get("PyTorch", {})
            rows.append(
                [
                    *(name, precision, step["batch"], round(ours["images a second"], 1)),
                    round(torch["images a second"], 1) if torch else None,
                    f"{torch['ratio of ours']:.2f}" if torch else None,
                    *(f"{ours['share']:.0%}", round(ours["GFLOP/s alone"])),
                    *(ours["peak_mib"], torch.get("peak_mib"), torch.get("setup")),
                ]
            )
    titles = {"steps": "Train steps", "growth": "Train steps by size of the batch"}
    return Table(titles[part], COLUMNS, rows)


def page(figures: dict[str, Any]) -> str:
    """The tables in Markdown, with the machine."""
    versions = ", ".join(f"{name} {one}" for name, one in figures["versions"].items())
    absent, eager = figures["PyTorch left out"], figures["torch.compile not tried"]
    lines = [
        "# Train steps",
        "Written by `python -m benchmarks.train_steps`; medians of "
        f"{figures['rounds']} measurements in turns, each side in a process of its own.",
        f"{figures['machine']}. The steps: {figures['device']}. {versions}. "
        f"{figures['minutes']:.0f} minutes.",
        *([f"PyTorch was left out: {absent}."] if absent else []),
        *([f"torch.compile was not tried, for want of time: {'; '.join(eager)}."] if eager else []),
        *(markdown(table(figures, part)) for part in ("steps", "growth") if figures[part]),
        *epoch(figures["steps"].get(FACES, {})),
        "Share of convolutions: what the convolutions and matrix products of our step take alone, "
        "to the whole step. MiB: the most memory that the process had, its framework included.",
    ]
    return "\n\n".join(lines) + "\n"


def epoch(step: dict[str, Any]) -> Iterator[str]:
    """What the GAN's epoch on the faces of IcGAN's report takes at that rate."""
    for precision in ("float32", "bfloat16"):
        if precision in step:
            minutes = REPORT_IMAGES / step[precision]["ours"]["images a second"] / 60
            yield (
                f"{REPORT_IMAGES:,} images of CelebA, an epoch of IcGAN's report (17 hours there), "
                f"would take our step {minutes:.1f} minutes in {precision}."
            )


def write(folder: Path, figures: dict[str, Any]) -> None:
    """Writes both files."""
    write_json(folder / "train_steps.json", figures)
    write_text(folder / "train_steps.md", page(figures))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures, shows the figures and writes them."""
    command = tyro.cli(
        Command, prog="python -m benchmarks.train_steps", args=arguments, registry=PATHS
    )
    log_to(None)
    figures = measure(command, check(command))
    show(table(figures))
    if command.growth:
        show(table(figures, "growth"))
    logger.info("%s", command.out / "train_steps.md")


if __name__ == "__main__":
    main()
