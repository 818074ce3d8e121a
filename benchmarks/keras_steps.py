"""Our train steps, as `benchmarks.train_steps` measures them: a process of its own for one of them.

    python -m benchmarks.keras_steps --name "CRG, GAN"

The networks and the settings are those of the presets that are named. Images are random: the time
of a step does not depend on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.worker import WARM_UP, Asked, Worker, command, serve
from common import device
from common.errors import exits_cleanly

if TYPE_CHECKING:
    from common.training.adversarial import AdversarialModel


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, and what its train step takes.

    Attributes:
        model: to be compiled.
        shape: of an image.
        attributes: length of y.
        optimizer: makes the one of a player.
    """

    model: AdversarialModel
    shape: tuple[int, ...]
    attributes: int
    optimizer: Callable[[str], Any]


def adam(player: str) -> Any:
    """Adam as the papers have it for their GANs."""
    import keras

    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def icgan() -> Subject:
    """IcGAN's first stage with the networks of `paper`, for 64x64 faces."""
    import numpy as np

    from icgan_tf.codes import attribute_names
    from icgan_tf.conditions import Conditions
    from icgan_tf.editor import build
    from icgan_tf.model import ConditionalGAN
    from icgan_tf.presets import paper

    config = paper()
    nets = build(config)
    conditions = Conditions(np.eye(len(attribute_names(config)), dtype=np.float32))
    generator = nets["generator"]
    model = ConditionalGAN(generator, nets["discriminator"], conditions)
    return Subject(model, generator.output_shape[1:], conditions.width, adam)


def crg(stage: str) -> Subject:
    """A stage of CRG with the networks of `paper`."""
    from crg.editor import build
    from crg.model import CRG, GAN
    from crg.presets import paper

    nets = build(paper())
    generator = nets["generator"]
    gan = stage == "gan"
    model = GAN(generator, nets["discriminator"]) if gan else CRG(generator, nets["encoder"])
    return Subject(model, generator.output_shape[1:], 10, adam)


def crg_faces() -> Subject:
    """The encoder of CRG on faces, as `small64` trains it."""
    from crg.faces.augmentation import Augmentation
    from crg.faces.networks import build
    from crg.faces.presets import small64
    from crg.faces.train import rmsprop
    from crg.model import CRG

    config = small64()
    nets, settings = build(config), config.encoder
    augment = Augmentation(settings.rotation, settings.horizontal_flip, settings.vertical_flip)
    generator = nets["generator"]
    model = CRG(generator, nets["encoder"], prior="normal", augment=augment)
    return Subject(model, generator.output_shape[1:], 1, lambda player: rmsprop(config, 10_000))


def ifcvaegan(filters: int) -> Subject:
    """IFcVAEGAN's one stage with the networks of `paper`, of that width."""
    import numpy as np

    from ifcvaegan.editor import build
    from ifcvaegan.model import IFcVAEGAN
    from ifcvaegan.presets import paper
    from ifcvaegan.train import optimizers, weights

    config = paper()
    config = replace(config, networks=replace(config.networks, filters=filters))
    nets = build(config)
    rates = np.full(1, 0.5, np.float32)
    model = IFcVAEGAN(**nets, weights=weights(config), rates=rates)
    made = optimizers(config.train, 10_000)
    return Subject(model, nets["decoder"].output_shape[1:], 1, made.__getitem__)


def igan() -> Subject:
    """The GAN of iGAN with the networks of `recommended` for clothing."""
    from igan.editor import build
    from igan.model import GAN
    from igan.presets import recommended

    config = recommended("fashion")
    nets = build(config)
    generator = nets["generator"]
    model = GAN(generator, nets["discriminator"], weight_decay=config.gan.weight_decay)
    return Subject(model, generator.output_shape[1:], 10, adam)


STEPS: dict[str, Callable[[], Subject]] = {
    "IcGAN, conditional GAN, 64x64 faces": icgan,
    "CRG, GAN": lambda: crg("gan"),
    "CRG, encoder": lambda: crg("encoder"),
    "CRG on faces, encoder": crg_faces,
    "IFcVAEGAN, 24 filters": lambda: ifcvaegan(24),
    "IFcVAEGAN, 64 filters": lambda: ifcvaegan(64),
    "iGAN, GAN": igan,
}


def started(asked: Asked) -> Worker:
    """That train step, warmed up, with its convolutions alone."""
    where, batch = device.choose(asked.device), asked.batch
    import keras
    import tensorflow as tf

    from benchmarks.convolutions import alone, products

    keras.mixed_precision.set_global_policy("mixed_bfloat16" if asked.bfloat16 else "float32")
    subject = STEPS[asked.name]()
    model = subject.model
    model.compile(**{player: subject.optimizer(player) for player in model.players})
    image = tf.random.stateless_uniform((batch, *subject.shape), (0, 0))
    attributes = tf.one_hot(tf.range(batch) % subject.attributes, subject.attributes)
    step = tf.function(lambda: model.train_step((image, attributes)))

    def run(count: int) -> float:
        begin = time.perf_counter()
        losses: Any = {}
        for _ in range(count):
            losses = step()
        next(iter(losses.values())).numpy()
        return time.perf_counter() - begin

    run(WARM_UP)
    counted = products(step.get_concrete_function(), batch)
    convolve = alone(counted)

    def convolutions(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            convolve().numpy()
        return time.perf_counter() - begin

    return Worker(
        run=run,
        facts={
            "device": where,
            "parameters": {
                name: (size(network.trainable_weights), size(network.non_trainable_weights))
                for name, network in model.networks().items()
            },
            "operations": sum(one.operations * times for one, times in counted.items()),
        },
        convolutions=convolutions,
    )


def size(weights: Sequence[Any]) -> int:
    """How many numbers they are."""
    return sum(weight.shape.num_elements() for weight in weights)


@exits_cleanly
def main() -> None:
    """Measures as often as it is asked to."""
    serve(started(command("benchmarks.keras_steps")))


if __name__ == "__main__":
    main()
