"""bfloat16 trains as float32 does, within what another seed changes: why `auto` may take it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from statistics import mean, stdev

import keras
import pytest

from common.runs.history import read_history

SEEDS = (0, 1, 2)
TRAININGS = {  # package -> what makes `smoke` learn in seconds; a history and its loss
    "crg": (
        "--gan.learning-rate 1e-3 --encoder.learning-rate 2e-3 --encoder.epochs 8"
        " --encoder.period 0.5",
        ("encoder", "val_image_cycle_mse"),
    ),
    "icgan_tf": (
        "--stages gan encoder_z --gan.learning-rate 2e-3 --encoder-z.learning-rate 2e-3"
        " --encoder-z.epochs 20 --encoder-z.period 4",
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


def trained(package: str, precision: str, seed: int, out: Path) -> list[float]:
    """The loss of each period of a training of `smoke`, without its report."""
    words, (stage, loss) = TRAININGS[package]
    run = ["--preset", "smoke", "--precision", precision, "--seed", str(seed), "--out", str(out)]
    importlib.import_module(f"{package}.train").main([*run, "--device", "cpu", *words.split()])
    assert json.loads((out / "config.json").read_text())["run"]["precision"] == precision
    return read_history(out / f"history-{stage}.csv")[loss].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("package", TRAININGS)
def test_bfloat16_ends_where_float32_does_within_twice_the_spread_of_their_seeds(
    package, tmp_path, monkeypatch
):
    monkeypatch.setattr(f"{package}.evaluate.evaluate", lambda _: None)
    ends: dict[str, list[float]] = {}
    for precision in ("float32", "bfloat16"):
        for seed in SEEDS:
            losses = trained(package, precision, seed, tmp_path / f"{precision}-{seed}")
            assert losses[-1] < losses[0]  # it has learnt something
            ends.setdefault(precision, []).append(losses[-1])
    plain, mixed = ends["float32"], ends["bfloat16"]
    assert plain != mixed
    spread = ((stdev(plain) ** 2 + stdev(mixed) ** 2) / 2) ** 0.5  # of three seeds each
    assert abs(mean(mixed) - mean(plain)) < 2 * spread
