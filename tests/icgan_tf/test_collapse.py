"""The collapse watch: read from histories, and what it keeps on disk."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from common.runs.directory import Run
from icgan_tf import collapse


def history(*losses: float, period: int = 100) -> dict[str, np.ndarray]:
    """D's mean loss in periods of so many steps."""
    steps = period * np.arange(1, len(losses) + 1, dtype=np.float64)
    return {"step": steps, "discriminator_loss": np.array(losses)}


def test_a_stretch_runs_from_the_end_of_the_good_period_to_that_of_the_last_bad_one():
    assert collapse.stretches(history(1.4, 0.01, 0.04, 0.7)) == [(100, 300)]


def test_each_recovery_ends_a_stretch():
    found = collapse.stretches(history(0.0, 1.0, 0.01, 0.02, 0.9, 0.03))
    assert found == [(0, 100), (200, 400), (500, 600)]


def test_the_threshold_itself_is_not_near_zero():
    assert collapse.stretches(history(0.05, 0.0499)) == [(100, 200)]


def test_a_loss_that_is_no_number_is_not_near_zero():
    assert collapse.stretches(history(float("nan"), 0.01)) == [(100, 200)]


def test_a_collapse_lasts_for_500_steps():
    four, five = [1.0, *[0.01] * 4], [1.0, *[0.01] * 5]
    assert collapse.collapses(history(*four)) == []
    assert collapse.collapses(history(*five)) == [(100, 600)]


def test_two_short_stretches_are_no_collapse():
    assert collapse.collapses(history(*[0.01] * 4, 1.0, *[0.01] * 4)) == []


def test_one_long_period_is_a_collapse():
    assert collapse.collapses(history(1.0, 0.01, period=2000)) == [(2000, 4000)]


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


def test_a_healthy_run_keeps_nothing_and_says_nothing(watched, caplog):
    for loss in (1.4, 1.0, 0.3):
        watched.period(loss)
    assert not (watched.run.folder / "before-collapse").exists()
    assert caplog.messages == []


def test_the_networks_of_the_last_good_period_are_kept(watched):
    for loss in (1.4, 1.2, 0.01, 0.01, 0.01):
        watched.period(loss)
    assert watched.kept() == ["discriminator 2", "generator 2"]


def test_they_stay_through_a_recovery(watched):
    for loss in (1.4, 0.01, 0.9, 1.0):
        watched.period(loss)
    assert watched.kept() == ["discriminator 1", "generator 1"]


def test_the_next_fall_replaces_them(watched):
    for loss in (1.4, 0.01, 0.9, 1.0, 0.02, 0.01):
        watched.period(loss)
    assert watched.kept() == ["discriminator 4", "generator 4"]


def test_a_resumed_period_does_not_replace_them_by_collapsed_ones(watched):
    for loss in (1.4, 0.01):
        watched.period(loss)
    collapse.watch(watched.run, history(1.4, 0.01), NETWORKS)  # once more, networks 2 on disk
    assert watched.kept() == ["discriminator 1", "generator 1"]


def test_a_run_that_collapses_at_once_has_nothing_to_keep(watched):
    watched.period(0.01)
    watched.period(0.01)
    assert watched.kept() == []


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
