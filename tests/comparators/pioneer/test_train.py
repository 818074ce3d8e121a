"""Trainings of PIONEER from end to end on tiny networks, whole and resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.cli.training import check_lengths
from common.datasets.records import Records
from common.editor import editor_of
from common.errors import UserError
from common.runs.directory import Run
from comparators.pioneer import train as training
from comparators.pioneer.config import Config, NetworkConfig, PioneerConfig
from comparators.pioneer.editor import build
from comparators.pioneer.model import Pioneer
from comparators.pioneer.presets import PRESETS, small64
from comparators.pioneer.train import grow, main
from tests.runs import history, same

TINY = Config(
    networks=NetworkConfig(latent_size=3, channels=(4, 4)),
    pioneer=PioneerConfig(
        fade_images=8,
        stable_images=8,
        final_images=8,
        period_images=8,
        batch_sizes=(4, 4),
        ema=0.5,
    ),
)


class KilledError(Exception):
    """A training that ends in the middle."""


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch):
    """A function that trains in a folder, and is killed at a size and step.

    Level 4 has four steps, level 8 two of a fade and two more. Without graphs, which take longer.
    """
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
    records = Records(images, np.zeros((8, 0), np.float32), (), "noise", "memory")
    compile_, track = Pioneer.compile, Pioneer.track

    def eagerly(model: Pioneer, **options) -> None:
        compile_(model, **options)
        model.run_eagerly = True

    monkeypatch.setattr(Pioneer, "compile", eagerly)

    def run(folder: Path, killed: tuple[int, int] | None = None) -> list[np.ndarray]:
        def tracked(model: Pioneer, **losses):
            if (model.encoder.input_shape[1], int(model.step)) == killed:
                raise KilledError
            return track(model, **losses)

        monkeypatch.setattr(Pioneer, "track", tracked)
        nets = build(TINY)
        stages = TINY.levels(len(records))
        check_lengths(records, *((stage, len(records)) for stage in stages))
        grow(TINY, Run(folder), records, records, nets, stages)
        return [*nets["generator"].get_weights(), *nets["encoder"].get_weights()]

    return run


@pytest.mark.slow
def test_a_training_that_is_killed_in_a_fade_ends_with_the_weights_of_one_that_is_not(
    train, tmp_path
):
    whole = train(tmp_path / "whole")
    with pytest.raises(KilledError):
        train(tmp_path / "killed", (8, 1))
    assert same(train(tmp_path / "killed"), whole)
    rows = history(tmp_path / "killed", "pioneer-008")
    assert [(row["step"], row["alpha"]) for row in rows] == [("2", "0.25"), ("4", "1.0")]
    with np.load(tmp_path / "whole" / "backup" / "pioneer-008.npz") as state:
        raw = [state[key] for key in state.files if key.startswith("network/generator")]
    kernel = whole[0]  # of g's first layer, the mean of its weights
    assert not any(np.array_equal(kernel, one) for one in raw)


def test_the_paper_has_16_8_million_images_and_its_batches():
    found = PRESETS[next(iter(PRESETS))]().levels(162_770)
    assert [level.size for level in found] == [4, 8, 16, 32, 64, 128]
    assert [level.batch_size for level in found] == [128, 128, 128, 64, 32, 16]
    images = [round(level.epochs * 162_770) for level in found]
    assert images == [*[2_400_000] * 5, 4_800_000]
    assert found[0].fade_steps == 0
    assert found[4].fade_steps == 37_500


def test_the_small_preset_weighs_the_cosine_as_the_paper_does():
    paper, small = PRESETS["paper"](), small64()
    assert small.image_size == 64
    assert (
        small.pioneer.latent_weight / small.networks.latent_size
        == paper.pioneer.latent_weight / paper.networks.latent_size
    )


@pytest.mark.slow
def test_the_smoke_preset_trains_and_reconstructs_faces(tmp_path):
    run = tmp_path / "run"
    main(["--preset", "smoke", "--out", str(run)])
    assert {file.stem for file in (run / "networks").iterdir()} == {"generator", "encoder"}
    model = editor_of(run).load(run)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    assert (model.title, model.kind.size) == ("PIONEER", 8)
    assert model.reconstruct(images).shape == images.shape


def test_a_start_from_grown_networks_is_refused(mistake, tmp_path):
    words = ["--preset", "smoke", "--init", str(tmp_path), "--out", str(tmp_path / "run")]
    assert "cannot start from --init" in mistake(training.main, *words)


@pytest.mark.parametrize(
    ("group", "changes", "said"),
    [
        (PioneerConfig, {"batch_sizes": (8, 1)}, "a number above 1"),
        (NetworkConfig, {"channels": (8,)}, "2 or more numbers above 0"),
        (Config, {"pioneer": PioneerConfig(batch_sizes=(8, 8))}, "6 numbers, one a level"),
    ],
)
def test_settings_that_cannot_be_are_refused(group, changes, said):
    with pytest.raises(UserError, match=said):
        group(**changes)
