"""The collapse watch: read from histories, and what it keeps on disk."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from common.runs.directory import Run
from icgan_tf import collapse


def history(*losses: float, fakes: list[float] | None = None, period: int = 100) -> dict:
    """D's mean loss, and that on fakes, in periods of so many steps."""
    steps = period * np.arange(1, len(losses) + 1, dtype=np.float64)
    found = {"step": steps, "discriminator_loss": np.array(losses)}
    return found if fakes is None else found | {"fake_loss": np.array(fakes)}


@pytest.mark.parametrize(
    ("periods", "stretches"),
    [
        # From the end of the last good period to that of the last bad one.
        (history(1.4, 0.01, 0.04, 0.7), [(100, 300)]),
        (history(0.0, 1.0, 0.01, 0.02, 0.9, 0.03), [(0, 100), (200, 400), (500, 600)]),
        (history(0.05, 0.0499), [(100, 200)]),  # the threshold itself is not near zero
        (history(float("nan"), 0.01), [(100, 200)]),
        # With wrong labels D's loss stays at their part, .35, while that on fakes vanishes.
        (history(1.4, 0.4, 0.36, 0.9, fakes=[0.7, 0.04, 0.01, 0.5]), [(100, 300)]),
        (history(0.01, 0.4, fakes=[0.7, 0.7]), [(0, 100)]),
        # Only those of 500 steps at least are collapses.
        (history(1.0, *[0.01] * 4), [(100, 500)]),
        (history(*[0.01] * 4, 1.0, *[0.01] * 4), [(0, 400), (500, 900)]),
        (history(1.0, *[0.01] * 5), [(100, 600)]),
        (history(1.0, 0.01, period=2000), [(2000, 4000)]),
    ],
)
def test_a_collapse_is_a_stretch_of_500_steps_in_which_ds_loss_or_its_part_on_fakes_is_near_zero(
    periods, stretches
):
    assert collapse.stretches(periods) == stretches
    lasting = [(start, end) for start, end in stretches if end - start >= 500]
    assert collapse.collapses(periods) == lasting


def test_the_sentence_names_threshold_and_steps():
    sentence = collapse.sentence((1000, 25_000))
    assert "below 0.05 in every period from step 1,000 to 25,000" in sentence


NETWORKS = ("generator", "discriminator")


class Watched:
    """A run whose networks are texts; each period is watched and then saves its own."""

    def __init__(self, folder: Path):
        self.run = Run(folder)
        self.losses: list[float] = []

    def period(self, loss: float) -> None:
        self.losses.append(loss)
        collapse.watch(self.run, history(*self.losses), NETWORKS)
        for name in NETWORKS:
            file = self.run.network_file(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} {len(self.losses)}", encoding="utf-8")

    def kept(self) -> list[str]:
        folder = self.run.folder / "before-collapse" / "networks"
        return sorted(file.read_text(encoding="utf-8") for file in folder.glob("*.keras"))


@pytest.fixture
def watched(tmp_path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        ((1.4, 1.0, 0.3), []),
        ((1.4, 1.2, 0.01, 0.01, 0.01), ["discriminator 2", "generator 2"]),
        ((1.4, 0.01, 0.9, 1.0), ["discriminator 1", "generator 1"]),  # they stay when it recovers
        ((1.4, 0.01, 0.9, 1.0, 0.02, 0.01), ["discriminator 4", "generator 4"]),
        ((0.01, 0.01), []),  # collapsed at once
    ],
)
def test_the_networks_of_the_last_good_period_before_the_last_fall_are_kept(watched, losses, kept):
    for loss in losses:
        watched.period(loss)
    assert watched.kept() == kept


def test_a_healthy_run_says_nothing(watched, caplog):
    for loss in (1.4, 1.0, 0.3):
        watched.period(loss)
    assert caplog.messages == []
    assert not (watched.run.folder / "before-collapse").exists()


def test_a_resumed_period_does_not_replace_them_by_collapsed_ones(watched):
    for loss in (1.4, 0.01):
        watched.period(loss)
    collapse.watch(watched.run, history(1.4, 0.01), NETWORKS)  # once more, networks 2 on disk
    assert watched.kept() == ["discriminator 1", "generator 1"]


def test_a_fall_is_logged_once_and_a_lasting_one_in_every_period(watched, caplog):
    caplog.set_level(logging.WARNING)
    for loss in (1.4, *[0.01] * 4):
        watched.period(loss)
    assert len(caplog.messages) == 1
    assert "below 0.05 since step 100" in caplog.messages[0]
    watched.period(0.01)
    assert "from step 100 to 600: the GAN has collapsed" in caplog.messages[1]
    watched.period(0.01)
    assert "from step 100 to 700" in caplog.messages[2]
    watched.period(0.8)
    assert len(caplog.messages) == 3
