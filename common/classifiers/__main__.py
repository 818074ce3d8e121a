"""Trains a classifier that comes with the project, and stores it with its card.

python -m common.classifiers --out weights/classifier-mnist
python -m common.classifiers --dataset drawn --out weights/classifier-drawn
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import device
from common.cli.commands import carry_out
from common.errors import exits_cleanly
from common.files import called, write_json, write_text
from common.settings.config import Source, check_seed, check_setting

if TYPE_CHECKING:
    import keras

    from common.metrics.intervals import Interval

logger = logging.getLogger(__name__)

DATA = {
    "mnist": "MNIST (Y. LeCun, C. Cortes), licence CC BY-SA 3.0",
    "drawn": "faces drawn by this program, `common.datasets.drawn`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Trains a classifier on real images and stores it with its card."""

    out: Path
    """Folder for config.json, card.md and the weights."""
    dataset: Literal["mnist", "drawn"] = "mnist"
    """The data set: digits, or the attributes of drawn faces."""
    seed: int = 0
    """Seed of the initial weights, the order of the images, dropout and the augmentation."""
    epochs: int | None = None
    """Passes over the training images; by default those of the classifier that comes along."""
    data_dir: Path | None = None
    """MNIST elsewhere than in the tree."""


def run(command: Command) -> Interval:
    """Trains, stores and measures the classifier; returns the accuracy of the stored weights.

    Writes `config.json`, `classifier.weights.h5` and `card.md` into the folder.
    """
    from common.classifiers.digits import WEIGHTS
    from common.runs.weights import save_half

    machine, start = device.choose(), time.perf_counter()
    network, images, epochs, about = (digits if command.dataset == "mnist" else faces)(command)
    seconds = time.perf_counter() - start
    save_half(network, command.out / WEIGHTS)
    write_json(
        command.out / "config.json",
        {"network": network.name, "seed": command.seed, "epochs": epochs, **about},
    )
    measured = accuracy(command)
    facts = {
        "command": f"`python -m common.classifiers --dataset {command.dataset} --seed "
        f"{command.seed} --epochs {epochs}`",
        "seed": command.seed,
        "images seen": f"{epochs * images:,} ({epochs} epochs of {images:,})",
        "time": f"{seconds:.0f} s on {machine}",
        "accuracy": f"{measured.mean:.4f} [{measured.low:.4f}, {measured.high:.4f}] (95 %) on the "
        f"{measured.n:,} test images",
        "network": f"{network.name}, {network.count_params():,} parameters",
        "weights": f"`{WEIGHTS}`, float16; the accuracy is that of these stored values",
        "data": DATA[command.dataset],
    }
    lines = [f"| {name} | {value} |" for name, value in facts.items()]
    title = f"# {called(command.out)}\n\nTrained on real images only, never on generated ones."
    card = [title, "", "| | |", "| --- | --- |", *lines, ""]
    write_text(command.out / "card.md", "\n".join(card))
    logger.info("%s: accuracy %.4f on %d test images", command.out, measured.mean, measured.n)
    return measured


def digits(command: Command) -> tuple[keras.Model, int, int, dict[str, Any]]:
    """A new classifier of digits, its training images, its epochs; nothing more to tell."""
    from common.classifiers.digits import EPOCHS, train
    from common.datasets import mnist

    real, epochs = mnist.load("train", command.data_dir), command.epochs or EPOCHS
    return train(real.images, real.labels, command.seed, epochs=epochs), len(real), epochs, {}


def faces(command: Command) -> tuple[keras.Model, int, int, dict[str, Any]]:
    """A new classifier of drawn faces, its training images, its epochs; what it reads."""
    from common.classifiers.faces import EPOCHS, train, training_faces

    real, epochs = training_faces("drawn", Source()), command.epochs or EPOCHS
    about = {"attributes": list(real.attribute_names), "images": len(real)}
    return train(real, command.seed, epochs), len(real), epochs, about


def accuracy(command: Command) -> Interval:
    """Share of right answers on test images, of all attributes of a face the mean."""
    from common import datasets
    from common.classifiers.digits import accuracy, load_classifier
    from common.classifiers.faces import load_stored
    from common.metrics.intervals import mean_interval

    test = datasets.load(command.dataset, "test", Source(data_dir=command.data_dir))
    if command.dataset == "mnist":
        return accuracy(load_classifier(command.out), test.images, test.labels)
    read = load_stored(command.out).read(test.images)
    return mean_interval((read == (test.attributes > 0.5)).mean(axis=1))


def check(command: Command) -> None:
    """Refuses settings that no training has.

    Raises:
        UserError: naming the setting.
    """
    check_seed(command.seed)
    epochs = command.epochs
    check_setting("epochs", epochs, epochs is None or epochs > 0, "at least 1")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, trains and stores the classifier."""
    carry_out(Command, "python -m common.classifiers", run, arguments, check)


if __name__ == "__main__":
    main()
