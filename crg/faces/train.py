"""Trains CRG on faces: the progressive GAN level by level, then the encoder, then the report."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.cli.training import check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import UserError
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from crg.faces.config import Config

if TYPE_CHECKING:
    import keras

    from crg.faces.model import ProgressiveGAN

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the progressive GAN, a stage of its own for `fit`.

    Attributes:
        size: S, the side of its images.
        batch_size: real images an iteration, those of all steps of the critic.
        fade_images: real images during which the level is blended in, of all below.
        epochs: passes over the training images.
        period: passes over the training images in one period.
    """

    size: int
    batch_size: int
    fade_images: int
    epochs: float
    period: float

    @property
    def stage(self) -> str:
        """Of its history and its backup."""
        return f"gan-{self.size:03d}"

    @property
    def fade_steps(self) -> int:
        """Iterations during which it is blended in."""
        return self.fade_images // self.batch_size


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from crg import data
    from crg.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    gan = levels(config, len(images)) if "gan" in config.stages else []
    encoder = [config.encoder] if "encoder" in config.stages else []
    check_lengths(dev, *((stage, len(images)) for stage in [*gan, *encoder]))
    nets = build(config)
    needed = () if gan else ("generator",)
    found = load_start(nets, launch, "CRG", needed)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "crg", device, images, nets, found) as run:
        if gan:
            train_gan(config, run, images, nets, gan)
        draw_losses(run)


def levels(config: Config, images: int) -> list[Level]:
    """The levels of stage 1 from 4 pixels on.

    Args:
        config: the settings.
        images: number of training images.
    """
    settings, last = config.gan, len(config.networks.channels) - 1
    found = []
    for index, size in enumerate(config.networks.sizes):
        fade = settings.fade_images if index else 0
        length = fade + (settings.final_images if index == last else settings.stable_images)
        batch = settings.critic_steps * settings.batch_sizes[index]
        shown = Level(
            size=size,
            batch_size=batch,
            fade_images=fade,
            epochs=length / images,
            period=min(settings.period_images, length) / images,
        )
        found.append(shown)
    return found


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses what cannot become a run, from the settings alone.

    Raises:
        UserError: an encoder stage without a generator.
    """
    if "gan" not in config.stages and not (launch.resume or launch.init):
        raise UserError(
            "--stages encoder needs a trained generator: name the run or folder of weights that "
            "holds it by --init, or train both stages."
        )


def train_gan(
    config: Config, run: Run, records: Records, nets: dict[str, keras.Model], stages: list[Level]
) -> None:
    """Stage 1 (Sec. 3.2.2), a model a level; leaves both networks trained, and saved in the run.

    Each level starts with the weights of the one before and with fresh optimizers [T]. A level that
    is done is read from its backup, so that a resumed run goes on in the one that was broken off.
    """
    before = None
    for level in stages:
        before = train_level(config, run, records, level, before, nets)


def train_level(
    config: Config,
    run: Run,
    records: Records,
    level: Level,
    before: ProgressiveGAN | None,
    nets: dict[str, keras.Model],
) -> ProgressiveGAN:
    """One level of stage 1, from the one before; `nets` become what the last level leaves."""
    import keras

    from common.training.averaging import averaged_weights, averaging
    from common.training.fit import fit
    from crg.faces.model import ProgressiveGAN, settle
    from crg.faces.networks import hand_on
    from crg.faces.samples import generated_samples

    settings, seed = config.gan, config.run.seed
    keras.utils.set_random_seed(seed + level.size)  # so that a resume makes the same new layers
    growing = build_level(config, level)
    if before is not None:
        for name, network in growing.items():
            hand_on(before.networks()[name], network)
    model = ProgressiveGAN(
        **growing,
        fade_steps=level.fade_steps,
        critic_steps=settings.critic_steps,
        penalty_weight=settings.penalty_weight,
        penalty_every=settings.penalty_every,
        drift=settings.drift,
        seed=seed,
    )

    def adam(rate: float, ema: float | None = None) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(
            rate, beta_1=settings.beta_1, beta_2=0.99, epsilon=1e-8, **averaging(ema)
        )

    model.compile(
        jit_compile=config.run.xla,
        critic=adam(settings.critic_learning_rate),
        generator=adam(settings.learning_rate, settings.ema),
    )
    draw = generated_samples(run, config)

    def period_end(name: str) -> None:
        with averaged_weights(model.generator_optimizer, model.generator):
            settle(model.generator)
            draw(name, model.generator)
            if level.size == config.image_size:
                for network, grown in growing.items():
                    hand_on(grown, nets[network])
                run.save_networks({network: nets[network] for network in growing})

    fit(
        model,
        run,
        level.stage,
        records,
        level,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    return model


def build_level(config: Config, level: Level) -> dict[str, keras.Model]:
    """Generator and critic of a level, with fresh weights."""
    from crg.faces import networks

    sizes, fading = config.networks, level.fade_images > 0
    return {
        "generator": networks.generator(
            sizes.latent_size, sizes.channels, sizes.first_convolutions, level.size, fading
        ),
        "critic": networks.critic(
            sizes.channels, level.size, fading, sizes.normalise_score, sizes.critic_gain
        ),
    }
