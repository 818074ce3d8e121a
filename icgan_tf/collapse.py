"""The collapse watch: when did the discriminator win for good?

The report's runs end so: "The D loss suddenly drops to 0, and the generator starts to generate
random pixels" (Sec. 5.3), "the discriminator loss comes to zero at about 3 epoch" (Sec. 7). A
run is called collapsed when D's mean loss, or its part on fakes (with labels that do not match the
whole never vanishes), stays below a threshold over many steps. That is read from the run's history
alone, so that log and report say the same, also after a resume.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.files import atomic_path, write_text
from common.runs.directory import Run
from common.runs.history import History

logger = logging.getLogger(__name__)

NEAR_ZERO = 0.05  # of D's loss (Eq. 1 in equilibrium: log 4 = 1.39), or of its part on fakes
LASTING = 500  # steps


def stretches(history: History) -> list[tuple[int, int]]:
    """First and last step of every stretch of periods with a mean near zero."""
    found: list[tuple[int, int]] = []
    ends = [0, *(int(step) for step in history["step"])]
    losses = history["discriminator_loss"]
    losses = np.minimum(losses, history.get("fake_loss", losses))
    for index, loss in enumerate(losses):
        start, end = ends[index], ends[index + 1]
        if loss < NEAR_ZERO:
            if found and found[-1][1] == start:
                start, _ = found.pop()
            found.append((start, end))
    return found


def collapses(history: History) -> list[tuple[int, int]]:
    """The stretches that last for `LASTING` steps at least."""
    return [(start, end) for start, end in stretches(history) if end - start >= LASTING]


def sentence(stretch: tuple[int, int]) -> str:
    """What log and report say about a stretch."""
    start, end = stretch
    return (
        f"D's loss, or its part on fakes, stayed below {NEAR_ZERO} in every period from step "
        f"{start:,} to {end:,}: the GAN has collapsed."
    )


def watch(run: Run, history: History, networks: Sequence[str]) -> None:
    """At the end of a period, before its networks are saved: warns, and keeps the last good ones.

    When D's loss falls near zero, the networks on disk are those of the period before; they are
    copied to `before-collapse/networks/` and stay there until the loss recovers and falls again.
    """
    found = stretches(history)
    if not found or found[-1][1] != int(history["step"][-1]):
        return
    start, end = found[-1]
    kept = run.folder / "before-collapse"
    note = kept / "step.txt"
    if not note.is_file() or note.read_text(encoding="utf-8") != str(start):
        for name in networks:
            _copy(run.network_file(name), Run(kept).network_file(name))
        write_text(note, str(start))
        where = "so it began"
        if start:
            where = (
                f"the networks of before are kept in {kept}; go on from them, encoders first, by "
                f"--stages encoder_z encoder_y --init {kept}"
            )
        logger.warning(
            "D's loss, or its part on fakes, is below %g since step %d; %s",
            *(NEAR_ZERO, start, where),
        )
    if end - start >= LASTING:
        logger.warning("%s", sentence((start, end)))


def _copy(source: Path, target: Path) -> None:
    """Copies a file that may be missing (a collapse in the first period has no good state)."""
    if source.is_file():
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
