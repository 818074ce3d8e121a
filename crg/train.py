"""Trains CRG: the GAN, then the encoder, then the report (`python -m crg.train --help`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from common import run as runs
from common.config import LaunchConfig, check_setting, parse_training, read_config
from common.errors import UserError, exits_cleanly
from common.launch import load_start, opened, show
from common.samples import draw_losses, draw_reals
from crg.config import EXTENDABLE, PRESETS, Config
from crg.samples import generated_samples, reconstruction_samples

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records

logger = logging.getLogger(__name__)


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    config, launch = parse_training(
        Config, PRESETS, "python -m crg.train", arguments, extendable=EXTENDABLE
    )
    check_launch(config, launch)
    if launch.dry_run:
        show(config)
        return
    from common import datasets, device

    config, described = device.configure(config)  # before anything imports TensorFlow
    from crg.trained import build

    train, test = (datasets.load(config.dataset, split, config.run) for split in ("train", "test"))
    if launch.resume:
        runs.check_data(launch.resume, train)
    check_lengths(config, len(train), len(test))
    nets = build(config)
    needed = () if "gan" in config.stages else ("generator",)
    found = load_start(nets, launch, "CRG", needed)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "crg", described, train, nets, found) as run:
        draw_reals(run, train)
        if "gan" in config.stages:
            train_gan(config, run, train, nets["generator"], nets["discriminator"])
        if "encoder" in config.stages:
            train_encoder(config, run, train, test, nets["generator"], nets["encoder"])
        draw_losses(run)
        if run.network_file("encoder").is_file():
            from crg.evaluate import EvaluateCommand, evaluate

            evaluate(EvaluateCommand(run=run.folder))


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses what cannot become a run, from the settings alone.

    Raises:
        UserError: an encoder stage without a generator; a longer GAN under a begun encoder; a
            longer stage whose learning rate has been falling towards its old end.
    """
    if "gan" not in config.stages and not (launch.resume or launch.init):
        raise UserError(
            "--stages encoder needs a trained generator: name the run or folder of weights that "
            "holds it by --init, or train both stages."
        )
    if launch.resume and runs.Run(launch.resume).backup_file("encoder").is_file():
        saved = read_config(Config, launch.resume)
        if config.gan.epochs != saved.gan.epochs:
            raise UserError(
                f"The encoder of {launch.resume} has begun to invert its generator, which must "
                f"stay as it is: train longer in a new run with --init {launch.resume}."
            )
        if config.encoder.schedule != "constant" and config.encoder != saved.encoder:
            raise UserError(
                f"The learning rate of {launch.resume} falls to zero at its "
                f"{saved.encoder.epochs:g} encoder epochs, so they cannot become more: train on "
                f"in a new run with --stages encoder --init {launch.resume}."
            )


def check_lengths(config: Config, images: int, test_images: int) -> None:
    """Refuses stages and a report for which there are too few images.

    Raises:
        UserError: images held out that leave none, a period shorter than a batch, or fewer than two
            test images.
    """
    from common.training import stage_length

    if test_images < 2:
        raise UserError(f"The report needs at least 2 test images; the data have {test_images}.")
    if "gan" in config.stages:
        stage_length(config.gan.epochs, config.gan.period, images, config.gan.batch_size)
    if "encoder" not in config.stages:
        return
    settings = config.encoder
    kept = images - settings.holdout
    check_setting("encoder.holdout", settings.holdout, kept > 0, f"below {images}")
    stage_length(settings.epochs, settings.period, kept, settings.batch_size)


def train_gan(
    config: Config,
    run: runs.Run,
    records: Records,
    generator: keras.Model,
    discriminator: keras.Model,
) -> None:
    """Stage 1 (Sec. 3.2.1); leaves both networks trained, and saved in the run."""
    import keras

    from common.datasets.pipeline import endless_batches
    from common.layers import averaged_weights, averaging
    from common.training import fit, stage_length
    from crg.model import GAN

    settings = config.gan
    model = GAN(generator, discriminator, seed=config.run.seed)

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(
            settings.learning_rate,
            beta_1=settings.beta_1,
            **averaging(ema),
        )

    model.compile(jit_compile=config.run.xla, discriminator=adam(), generator=adam(settings.ema))
    draw = generated_samples(run, generator, config.run.seed)

    def period_end(name: str) -> None:
        with averaged_weights(model.generator_optimizer, generator):
            draw(name)
            run.save_networks({"generator": generator, "discriminator": discriminator})

    steps, period_steps = stage_length(
        settings.epochs, settings.period, len(records), settings.batch_size
    )
    fit(
        model,
        run,
        "gan",
        lambda step: endless_batches(records, settings.batch_size, config.run.seed, step),
        steps=steps,
        period_steps=period_steps,
        batch_size=settings.batch_size,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    model.generator_optimizer.finalize_variable_values(generator.trainable_variables)
    run.save_networks({"generator": generator, "discriminator": discriminator})


def train_encoder(
    config: Config,
    run: runs.Run,
    records: Records,
    test: Records,
    generator: keras.Model,
    encoder: keras.Model,
) -> None:
    """Stage 2 (Sec. 3.1); leaves the encoder trained, and saved in the run with its generator."""
    import keras

    from common.datasets.pipeline import endless_batches, ordered_batches
    from common.layers import averaged_weights, averaging, reestimate_batch_statistics
    from common.training import fit, stage_length
    from crg.model import CRG

    settings = config.encoder
    kept = len(records) - settings.holdout
    training, held_out = records.take(slice(kept)), records.take(slice(kept, None))
    steps, period_steps = stage_length(
        settings.epochs, settings.period, len(training), settings.batch_size
    )
    model = CRG(generator, encoder, reduction=settings.reduction, seed=config.run.seed)

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        rate = settings.learning_rate
        updates = steps * (2 if settings.shared_optimizer else 1)
        if settings.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, updates)
        return keras.optimizers.Adam(
            rate,  # pyright: ignore[reportArgumentType]
            beta_1=settings.beta_1,
            global_clipnorm=settings.clip_norm,
            **averaging(ema),
        )

    image_cycle = adam(settings.ema)
    latent_cycle = image_cycle if settings.shared_optimizer else adam()
    model.compile(jit_compile=config.run.xla, latent_cycle=latent_cycle, image_cycle=image_cycle)
    last = model.image_cycle_optimizer  # the mean moves with the last update of an iteration
    draw = reconstruction_samples(run, test, generator, encoder)

    def period_end(name: str) -> None:
        with averaged_weights(last, encoder):
            draw(name)
            run.save_networks({"generator": generator, "encoder": encoder})

    fit(
        model,
        run,
        "encoder",
        lambda step: endless_batches(training, settings.batch_size, config.run.seed, step),
        steps=steps,
        period_steps=period_steps,
        batch_size=settings.batch_size,
        backup_seconds=config.run.backup_seconds,
        validation=ordered_batches(held_out, settings.batch_size) if settings.holdout else None,
        keep_best=(
            ("val_latent_cycle_loss", "val_image_cycle_loss") if settings.keep == "best" else ()
        ),
        period_end=period_end,
    )
    last.finalize_variable_values(encoder.trainable_variables)
    if settings.reestimate_batches:
        batches = endless_batches(training, settings.batch_size, config.run.seed)
        batches = batches.take(settings.reestimate_batches)
        reestimate_batch_statistics(encoder, (image for image, _ in batches))
    run.save_networks({"generator": generator, "encoder": encoder})


if __name__ == "__main__":
    main()
