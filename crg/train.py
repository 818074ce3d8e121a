"""Trains CRG: the GAN, then the encoder, then the report (`python -m crg.train --help`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import UserError, exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.config import read_config
from common.settings.flags import LaunchConfig
from crg.config import Config, dataset_of
from crg.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from crg.editor import CRGEditor


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains on digits or faces, and reports."""
    words = sys.argv[1:] if arguments is None else arguments
    if is_digits(words):
        train(*begin(Config, PRESETS, "crg", words, EXTENDABLE, check_launch))
    else:
        from crg.faces import presets
        from crg.faces import train as faces
        from crg.faces.config import Config as FacesConfig

        launch = (presets.PRESETS, "crg", words, presets.EXTENDABLE, faces.check_launch)
        faces.train(*begin(FacesConfig, *launch))


def is_digits(words: Sequence[str]) -> bool:
    """Whether a command is about digits: by its data set, its resumed run or its preset.

    Args:
        words: after the program.
    """
    from crg.faces.presets import PRESETS as FACES

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--dataset", "--resume", "--preset"):
        parser.add_argument(flag, default=None)
    given, _ = parser.parse_known_args(words)
    if given.resume:
        return dataset_of(Path(given.resume)) == "mnist"
    if given.dataset:
        return given.dataset == "mnist"
    return given.preset not in FACES.keys() - PRESETS.keys()


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from crg import data
    from crg.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, *((getattr(config, stage), len(images)) for stage in config.stages))
    nets = build(config)
    needed = () if "gan" in config.stages else ("generator",)
    found = load_start(nets, launch, "CRG", needed)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "crg", device, images, nets, found) as run:
        if "gan" in config.stages:
            train_gan(config, run, images, nets)
        if "encoder" in config.stages:
            train_encoder(config, run, images, dev, nets)
        replicas.end()
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
    if launch.resume and Run(launch.resume).backup_file("encoder").is_file():
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


def train_gan(config: Config, run: Run, records: Records, nets: dict[str, keras.Model]) -> None:
    """Stage 1 (Sec. 3.2.1); leaves both networks trained, and saved in the run."""
    import keras

    from common.training.averaging import averaged_weights, averaging
    from common.training.fit import fit
    from crg.model import GAN
    from crg.samples import generated_samples

    settings, generator = config.gan, nets["generator"]
    saved = {name: nets[name] for name in ("generator", "discriminator")}
    model = GAN(**saved, seed=config.run.seed)

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(
            settings.learning_rate, beta_1=settings.beta_1, **averaging(ema)
        )

    model.compile(jit_compile=config.run.xla, discriminator=adam(), generator=adam(settings.ema))
    draw = generated_samples(run, in_training(config, run, nets))

    def period_end(name: str) -> None:
        with averaged_weights(model.generator_optimizer, generator):
            draw(name)
            run.save_networks(saved)

    fit(
        model,
        run,
        "gan",
        records,
        settings,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    model.generator_optimizer.finalize_variable_values(generator.trainable_variables)
    run.save_networks(saved)


def train_encoder(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """Stage 2 (Sec. 3.1); leaves the encoder trained, and saved in the run with its generator."""
    import keras

    from common.datasets.pipeline import endless_batches
    from common.training.averaging import (
        averaged_weights,
        averaging,
        reestimate_batch_statistics,
    )
    from common.training.fit import fit, stage_length
    from crg.model import CRG, ImageCycle, LatentCycle
    from crg.samples import reconstruction_samples

    settings, encoder, seed = config.encoder, nets["encoder"], config.run.seed
    saved = {name: nets[name] for name in ("generator", "encoder")}
    games = {"both": CRG, "latent_cycle": LatentCycle, "image_cycle": ImageCycle}
    model = games[settings.objectives](**saved, reduction=settings.reduction, seed=seed)

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        rate = settings.learning_rate
        if settings.schedule == "cosine":
            updates = stage_length(settings, len(records))[0]
            updates *= 2 if settings.shared_optimizer else 1
            rate = keras.optimizers.schedules.CosineDecay(rate, updates)
        return keras.optimizers.Adam(
            rate,  # pyright: ignore[reportArgumentType]
            beta_1=settings.beta_1,
            global_clipnorm=settings.clip_norm,
            **averaging(ema),
        )

    last = adam(settings.ema)  # the mean moves with the last update of an iteration
    *earlier, final = model.players
    optimizers = {player: last if settings.shared_optimizer else adam() for player in earlier}
    model.compile(jit_compile=config.run.xla, **optimizers, **{final: last})
    draw = reconstruction_samples(run, dev, in_training(config, run, nets))

    def period_end(name: str) -> None:
        with averaged_weights(last, encoder):
            draw(name)
            run.save_networks(saved)

    fit(
        model,
        run,
        "encoder",
        records,
        settings,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        keep_best=(
            ("val_latent_cycle_loss", "val_image_cycle_loss") if settings.keep == "best" else ()
        ),
        period_end=period_end,
    )
    last.finalize_variable_values(encoder.trainable_variables)
    if settings.reestimate_batches:
        batches = endless_batches(records, settings.batch_size, seed)
        batches = batches.take(settings.reestimate_batches)
        reestimate_batch_statistics(encoder, (image for image, _ in batches))
    run.save_networks(saved)


def in_training(config: Config, run: Run, nets: dict[str, keras.Model]) -> CRGEditor:
    """The networks in training, as those that draw samples take them."""
    from crg.editor import NEEDED, CRGEditor

    return CRGEditor(run.folder, config, **{name: nets[name] for name in NEEDED})


if __name__ == "__main__":
    main()
