"""The smoke runs of all packages, trained once a session, and stand-ins for what takes long."""

from __future__ import annotations

import fcntl
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from common.datasets.records import Records
from common.runs.directory import Run
from common.training.adversarial import AdversarialModel
from common.training.fit import StageSettings

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Eyeglasses", "Male", "Smiling")
SMOKE = {  # package -> the words of its run; five attributes of IcGAN instead of eighteen
    "crg": ["--preset", "smoke"],
    "icgan_tf": ["--preset", "smoke", "--data.attributes", *ATTRIBUTES],
    "ifcvaegan": ["--preset", "smoke", "--seed", "3"],
    "igan": ["--preset", "smoke"],
}
NETWORKS = {
    "crg": ("discriminator", "encoder", "generator"),
    "icgan_tf": ("discriminator", "encoder_y", "encoder_z", "generator"),
    "ifcvaegan": ("auxiliary", "decoder", "discriminator", "encoder"),
    "igan": ("discriminator", "generator", "predictor"),
}
STAGES = {
    "crg": ("gan", "encoder"),
    "icgan_tf": ("gan", "encoder_z", "encoder_y"),
    "ifcvaegan": ("vaegan",),
    "igan": ("gan", "predictor"),
}


SHORTER = {  # what is cut short where images are few
    "common.reporting.sheets.CELL": 32,
    "igan.train.SAMPLE_BATCHES": 2,
    "igan.tables.SMOOTHNESS": (1.0, 5.0),
    "igan.tables.RECOVERED": 8,
    "igan.tables.TIMED_STEPS": 2,
    "igan.tables.TIMED_IMAGES": 1,
    "igan.samples.SAMPLES": 28,
    "igan.figures.SAMPLES": 28,
}


def main_of(package: str) -> Callable[[list[str]], None]:
    """`python -m PACKAGE.train`."""
    return importlib.import_module(f"{package}.train").main


def trained_once(root: Path, package: str) -> Path:
    """The run of the smoke preset, without its report."""
    run = root / package / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{package}.evaluate.evaluate", lambda command: None)
        done_once(root, package, lambda: main_of(package)([*SMOKE[package], "--out", str(run)]))
    return run


def reported_once(root: Path, package: str) -> Path:
    """The run of the smoke preset with its report, whose readers of z have learnt nothing."""
    run = trained_once(root, package)
    evaluate = importlib.import_module(f"{package}.evaluate").main
    done_once(root, f"{package}-report", lambda: evaluate([str(run)]))
    return run


def done_once(root: Path, name: str, work: Callable[[], None]) -> None:
    """Whichever process comes first does the work, as short as can be, and others wait."""
    root.mkdir(exist_ok=True)
    done, begun = root / f"{name}.done", root / f"{name}.begun"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        assert not begun.exists(), f"{name} of the smoke runs failed in an earlier test"
        begun.touch()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ifcvaegan.probes.read", guess)
            for attribute, value in SHORTER.items():
                patch.setattr(attribute, value)
            work()
        done.touch()


def guess(train, dev, test, kind, *, sampled, seed) -> np.ndarray:
    return np.full((1, len(test.latent)), train[1].mean() - 0.5)


class Fits(list[dict[str, Any]]):
    """The arguments of each call of `fit`, and `before`: network -> its weights at that moment.

    Attributes:
        kept: folder of a run -> network -> the weights that were last saved there.
        evaluated: run of each evaluation.
        reported: run of each report on a training alone.
    """

    def __init__(self):
        super().__init__()
        self.kept: dict[Path, dict[str, list[np.ndarray]]] = {}
        self.evaluated: list[Path | None] = []
        self.reported: list[Path] = []


def stand_ins(patch: pytest.MonkeyPatch, package: str) -> Fits:
    """Takes notes in place of what takes long: nothing is trained, drawn, saved or evaluated."""
    calls = Fits()

    def fit(
        model: AdversarialModel,
        run: Run,
        stage: str,
        records: Records,
        settings: StageSettings,
        **options: Any,
    ) -> None:
        before = {name: network.get_weights() for name, network in model.networks().items()}
        call = {"model": model, "stage": stage, "records": records, "settings": settings}
        calls.append({**call, "before": before, **options})

    def save_networks(run: Run, networks: dict[str, keras.Model]) -> None:
        kept = calls.kept.setdefault(run.folder, {})
        kept |= {name: network.get_weights() for name, network in networks.items()}
        for name in networks:  # for those who look whether a network is there
            run.network_file(name).parent.mkdir(parents=True, exist_ok=True)
            run.network_file(name).touch()

    def evaluate(command: Any) -> None:
        calls.evaluated.append(command.run)

    patch.setattr("common.training.fit.fit", fit)
    patch.setattr("common.runs.directory.Run.save_networks", save_networks)
    patch.setattr("common.cli.training.draw_reals", lambda run, records: None)
    patch.setattr(f"{package}.train.draw_losses", lambda run: None)
    patch.setattr(f"{package}.evaluate.evaluate", evaluate)
    return calls
