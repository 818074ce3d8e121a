"""The three stages of IcGAN's training: how networks, losses, optimizers and images come together.

The algorithms are in `icgan_tf.model` and `icgan_tf.encoders`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.runs.directory import Run
from icgan_tf.config import Config

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from icgan_tf.conditions import Conditions
    from icgan_tf.editor import IcGANEditor

REESTIMATION_BATCH = 256  # images, the authors' code
SAMPLE_BATCHES = 4  # for the samples at the end of a period


@dataclass(frozen=True, slots=True)
class Images:
    """What the stages train on: training images, those of `dev`, and what to ask about y."""

    train: Records
    dev: Records
    conditions: Conditions


def train_gan(config: Config, run: Run, images: Images, nets: dict[str, keras.Model]) -> None:
    """Stage 1; leaves G, its batch statistics re-estimated, and D trained and saved in the run."""
    import keras

    from common.runs.history import read_history
    from common.training.averaging import averaged_weights, averaging
    from common.training.fit import fit
    from icgan_tf import collapse
    from icgan_tf.model import ConditionalGAN
    from icgan_tf.samples import generated_samples

    settings, seed = config.gan, config.run.seed
    generator, discriminator = nets["generator"], nets["discriminator"]
    saved = {"generator": generator, "discriminator": discriminator}
    fake_weight = settings.fake_weight
    if fake_weight is None:
        fake_weight = 0.5 if settings.wrong_weight else 1.0
    span = 0.0
    if settings.augmented_discriminator:
        span = 1.0 if config.data.pixel_range == "unit" else 2.0
    model = ConditionalGAN(
        generator,
        discriminator,
        images.conditions,
        wrong_weight=settings.wrong_weight,
        fake_weight=fake_weight,
        augmented_span=span,
        seed=seed,
    )

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        rate = settings.learning_rate
        if settings.schedule == "step":
            rate = keras.optimizers.schedules.ExponentialDecay(
                rate,
                max(1, round(settings.step_epochs * len(images.train) / settings.batch_size)),
                settings.step_factor,
                staircase=True,
            )
        return _adam(rate, settings.beta_1, **averaging(ema))

    model.compile(jit_compile=config.run.xla, discriminator=adam(), generator=adam(settings.ema))
    draw = generated_samples(run, in_training(config, run, nets))
    sampled_with = min(SAMPLE_BATCHES, settings.reestimate_batches)  # none if none are wanted

    def period_end(name: str) -> None:
        with averaged_weights(model.generator_optimizer, generator):
            reestimate(config, images.conditions, generator, sampled_with)
            draw(name)
            collapse.watch(run, read_history(run.history_file("gan")), tuple(saved))
            run.save_networks(saved)

    fit(
        model,
        run,
        "gan",
        images.train,
        settings,
        pixel_range=config.data.pixel_range,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    model.generator_optimizer.finalize_variable_values(generator.trainable_variables)
    reestimate(config, images.conditions, generator, settings.reestimate_batches)
    run.save_networks(saved)


def reestimate(
    config: Config, conditions: Conditions, generator: keras.Model, batches: int
) -> None:
    """Re-estimates G's batch statistics over so many batches.

    The authors' code does so before E_z inverts G. The samples of a period, too, are drawn with
    statistics that belong to the weights.
    """
    import numpy as np

    from common.training.averaging import reestimate_batch_statistics

    rng = np.random.default_rng(config.run.seed)
    rows, batch = conditions.rows.numpy(), REESTIMATION_BATCH
    latents = (batch, config.networks.latent_size)
    inputs = (
        [rng.standard_normal(latents, np.float32), rows[rng.integers(len(rows), size=batch)]]
        for _ in range(batches)
    )
    reestimate_batch_statistics(generator, inputs)


def train_encoder_z(config: Config, run: Run, images: Images, nets: dict[str, keras.Model]) -> None:
    """Stage 2 (Eq. 2); leaves E_z trained, and saved in the run with its generator.

    An E_y that shares its convolutions is trained with it.
    """
    from common.training.fit import fit
    from icgan_tf.encoders import LatentEncoding, SharedEncoding
    from icgan_tf.samples import regenerated_samples

    settings, seed = config.encoder_z, config.run.seed
    if "gan" not in config.stages:  # whatever moment of whose training G comes from
        reestimate(config, images.conditions, nets["generator"], config.gan.reestimate_batches)
    saved = {name: nets[name] for name in ("generator", "encoder_z")}
    fixed = len(images.train) if settings.fixed_pairs else 0
    options: dict[str, Any] = {"fixed": fixed, "reduction": settings.reduction, "seed": seed}
    if config.networks.encoders == "shared":
        saved["encoder_y"] = nets["encoder_y"]
        model = SharedEncoding(**saved, conditions=images.conditions, **options)
    else:
        options["real_weight"] = settings.real_weight
        model = LatentEncoding(**saved, conditions=images.conditions, **options)
    adam = _adam(settings.learning_rate, settings.beta_1)
    model.compile(jit_compile=config.run.xla, encoder_z=adam)
    draw = regenerated_samples(run, in_training(config, run, nets), images.train)

    def period_end(name: str) -> None:
        draw(name)
        run.save_networks(saved)

    fit(
        model,
        run,
        "encoder_z",
        images.train,
        settings,
        pixel_range=config.data.pixel_range,
        flip=config.gan.flip,
        backup_seconds=config.run.backup_seconds,
        validation=images.dev,
        period_end=period_end,
    )
    run.save_networks(saved)


def train_encoder_y(config: Config, run: Run, images: Images, nets: dict[str, keras.Model]) -> None:
    """Stage 3 (Eq. 3); leaves E_y trained, and saved in the run."""
    from common.training.fit import fit
    from icgan_tf.encoders import ConditionEncoding

    settings, seed = config.encoder_y, config.run.seed
    encoder_y = nets["encoder_y"]
    model = ConditionEncoding(encoder_y, images.conditions, reduction=settings.reduction, seed=seed)
    adam = _adam(settings.learning_rate, settings.beta_1)
    model.compile(jit_compile=config.run.xla, encoder_y=adam)
    fit(
        model,
        run,
        "encoder_y",
        images.train,
        settings,
        pixel_range=config.data.pixel_range,
        backup_seconds=config.run.backup_seconds,
        validation=images.dev,
        keep_best=("val_encoder_y_loss",) if settings.keep == "best" else (),
        period_end=lambda _: run.save_networks({"encoder_y": encoder_y}),
    )
    run.save_networks({"encoder_y": encoder_y})


def _adam(rate, beta_1: float, **averaging) -> keras.optimizers.Optimizer:
    """Adam with the epsilon of both codes."""
    import keras

    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=0.999, epsilon=1e-8, **averaging)


def in_training(config: Config, run: Run, nets: dict[str, keras.Model]) -> IcGANEditor:
    """The networks in training, as those that draw samples take them."""
    from icgan_tf.editor import NEEDED, IcGANEditor

    return IcGANEditor(run.folder, config, **{name: nets[name] for name in NEEDED})
