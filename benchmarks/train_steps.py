"""Images a second of each package's train steps: with oneDNN, without, in bfloat16; in turns.

    python -m benchmarks.train_steps

Run it with nothing else at work. Rates are those of this machine; what carries over to others is
the ratio of one run. Images are random: the time of a step does not depend on them.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import tyro

from common import device
from common.errors import exits_cleanly
from common.files import ROOT, write_json
from common.reporting.tables import Table, show
from common.runs.log import log_to
from common.settings.paths import PATHS

if TYPE_CHECKING:
    from common.training.adversarial import AdversarialModel

logger = logging.getLogger(__name__)

BATCH = 64
WARM_UP = 2  # steps that are not counted
SETTINGS = {  # TF_ENABLE_ONEDNN_OPTS, and Keras' policy
    "with oneDNN": ("1", "float32"),
    "without": ("0", "float32"),
}
if device.has_bfloat16():  # elsewhere it takes minutes a step
    SETTINGS["bfloat16"] = ("1", "mixed_bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Measures train steps on this machine."""

    steps: int = 10
    """Steps in each measurement."""
    rounds: int = 3
    """Measurements of each kind, of which the median is taken."""
    one: str | None = None
    """Measure this one here and now, and write its rate on standard output."""
    policy: str = "float32"
    """With --one: Keras' policy of precision."""
    out: Path = ROOT / "benchmarks" / "results" / "train_steps.json"
    """Where the figures go."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, and what its train step takes.

    Attributes:
        model: to be compiled.
        shape: of an image.
        attributes: length of y.
    """

    model: AdversarialModel
    shape: tuple[int, ...]
    attributes: int


def icgan(dataset: str) -> Subject:
    """IcGAN's first stage with the networks of `paper` (64x64 faces) or `paper32` (digits)."""
    import numpy as np

    from icgan_tf.conditions import Conditions
    from icgan_tf.config import attribute_names
    from icgan_tf.editor import build
    from icgan_tf.model import ConditionalGAN
    from icgan_tf.presets import paper

    config = paper(dataset)  # pyright: ignore[reportArgumentType]
    nets = build(config)
    conditions = Conditions(np.eye(len(attribute_names(config)), dtype=np.float32))
    generator = nets["generator"]
    model = ConditionalGAN(generator, nets["discriminator"], conditions)
    return Subject(model, generator.output_shape[1:], conditions.width)


def crg(stage: str) -> Subject:
    """A stage of CRG with the networks of `paper`."""
    from crg.editor import build
    from crg.model import CRG, GAN
    from crg.presets import paper

    nets = build(paper())
    generator = nets["generator"]
    gan = stage == "gan"
    model = GAN(generator, nets["discriminator"]) if gan else CRG(generator, nets["encoder"])
    return Subject(model, generator.output_shape[1:], 10)


def ifcvaegan(filters: int) -> Subject:
    """IFcVAEGAN's one stage with the networks of `paper`, of that width."""
    from dataclasses import replace

    import numpy as np

    from ifcvaegan.editor import build
    from ifcvaegan.model import IFcVAEGAN
    from ifcvaegan.presets import paper
    from ifcvaegan.train import weights

    config = paper()
    config = replace(config, networks=replace(config.networks, filters=filters))
    nets = build(config)
    rates = np.full(1, 0.5, np.float32)
    model = IFcVAEGAN(**nets, weights=weights(config), rates=rates)
    return Subject(model, nets["decoder"].output_shape[1:], 1)


STEPS: dict[str, Callable[[], Subject]] = {
    "IcGAN, conditional GAN, 64x64 faces": lambda: icgan("celeba"),
    "IcGAN, conditional GAN, 32x32 digits": lambda: icgan("mnist"),
    "CRG, GAN": lambda: crg("gan"),
    "CRG, encoder": lambda: crg("encoder"),
    "IFcVAEGAN, 64 filters": lambda: ifcvaegan(64),
    "IFcVAEGAN, 24 filters": lambda: ifcvaegan(24),
}


def rate(name: str, steps: int, policy: str) -> float:
    """Images a second of that train step."""
    import keras
    import tensorflow as tf

    keras.mixed_precision.set_global_policy(policy)
    subject = STEPS[name]()
    model, width = subject.model, subject.attributes
    model.compile(**{player: keras.optimizers.Adam(2e-4) for player in model.players})
    image = tf.random.stateless_uniform((BATCH, *subject.shape), (0, 0))
    attributes = tf.one_hot(tf.range(BATCH) % width, width)
    step = tf.function(lambda: model.train_step((image, attributes)))

    def run(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            losses = step()
        next(iter(losses.values())).numpy()
        return time.perf_counter() - begin

    run(WARM_UP)
    return steps * BATCH / run(steps)


def measure(command: Command) -> dict[str, Any]:
    """All train steps in processes of their own, the two settings in turns."""
    rates: dict[str, dict[str, list[float]]] = {
        name: {setting: [] for setting in SETTINGS} for name in STEPS
    }
    for name in STEPS:
        for _ in range(command.rounds):
            for setting, (onednn, policy) in SETTINGS.items():
                words = ["--one", name, "--steps", str(command.steps), "--policy", policy]
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.train_steps", *words],
                    env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn},
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    check=True,
                )
                rates[name][setting].append(json.loads(done.stdout))
                logger.info("%s, %s: %.1f images/s", name, setting, rates[name][setting][-1])
    return {
        "images a second": rates,
        "batch": BATCH,
        "steps": command.steps,
        "the processor computes in bfloat16": device.has_bfloat16(),
        "machine": f"{platform.system()} {platform.machine()}, {device.cores()} cores, "
        f"{device.processor()}",
    }


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, measures, shows the figures and writes them."""
    command = tyro.cli(
        Command, prog="python -m benchmarks.train_steps", args=arguments, registry=PATHS
    )
    log_to(None)
    device.choose("cpu")
    if command.one:
        sys.stdout.write(json.dumps(rate(command.one, command.steps, command.policy)))
        return
    figures = measure(command)
    rows = []
    for name, rates in figures["images a second"].items():
        medians = [median(rates[setting]) for setting in SETTINGS]
        rows.append([name, *(f"{one:.1f} ({one / medians[0]:.2f})" for one in medians)])
    title = "Train steps, images a second (and the ratio to the first)"
    show(Table(title, ("step", *SETTINGS), rows))
    write_json(command.out, figures)


if __name__ == "__main__":
    main()
