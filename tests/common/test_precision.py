"""bfloat16 trains as float32 does, within what another seed changes: why `auto` may take it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from statistics import mean, stdev

import keras
import pytest

from common.device import has_bfloat16
from common.runs.history import read_history

SEEDS = (0, 1, 2)
GENERATOR = "--stages gan --gan.learning-rate 2e-3"  # of IcGAN, in float32
TRAININGS = {  # package -> what makes `smoke` learn in seconds; a history and its loss
    "crg": (
        "--gan.learning-rate 1e-3 --encoder.learning-rate 2e-3 --encoder.epochs 8"
        " --encoder.period 0.5",
        ("encoder", "val_image_cycle_mse"),
    ),
    "icgan_tf": (
        # On one generator: after so short a training some tell z much better than others do.
        "--stages encoder_z --encoder-z.learning-rate 2e-3 --encoder-z.epochs 20"
        " --encoder-z.period 4 --init {generator} --init-networks generator",
        ("encoder_z", "val_encoder_z_loss"),
    ),
    "ifcvaegan": (
        "--train.learning-rate 1e-3 --train.batch-size 32 --train.epochs 30 --train.period 3"
        " --loss.alpha 0.01 --loss.delta 0.01",
        ("vaegan", "val_mse"),
    ),
}


@pytest.fixture(autouse=True)
def _restored():
    """Gives TensorFlow its precision back."""
    yield
    keras.mixed_precision.set_global_policy("float32")


def train(package: str, words: str, out: Path, precision: str = "float32", seed: int = 0) -> None:
    """A training of `smoke`, without its report."""
    run = ["--preset", "smoke", "--precision", precision, "--seed", str(seed), "--out", str(out)]
    importlib.import_module(f"{package}.train").main([*run, "--device", "cpu", *words.split()])
    assert json.loads((out / "config.json").read_text())["run"]["precision"] == precision


@pytest.mark.slow
@pytest.mark.skipif(
    not has_bfloat16(), reason="this processor emulates bfloat16, which `auto` never takes there"
)
@pytest.mark.parametrize("package", TRAININGS)
def test_bfloat16_ends_where_float32_does_within_twice_the_spread_of_their_seeds(
    package, tmp_path, monkeypatch
):
    monkeypatch.setattr(f"{package}.evaluate.evaluate", lambda _: None)
    words, (stage, loss) = TRAININGS[package]
    words = words.format(generator=tmp_path / "generator")
    if package == "icgan_tf":
        train(package, GENERATOR, tmp_path / "generator")
    ends: dict[str, list[float]] = {}
    for precision in ("float32", "bfloat16"):
        for seed in SEEDS:
            run = tmp_path / f"{precision}-{seed}"
            train(package, words, run, precision, seed)
            losses = read_history(run / f"history-{stage}.csv")[loss].tolist()
            assert losses[-1] < losses[0]  # it has learnt something
            ends.setdefault(precision, []).append(losses[-1])
    plain, mixed = ends["float32"], ends["bfloat16"]
    assert plain != mixed
    spread = ((stdev(plain) ** 2 + stdev(mixed) ** 2) / 2) ** 0.5  # of three seeds each
    assert abs(mean(mixed) - mean(plain)) < 2 * spread
