"""Trains iGAN: the GAN, then the predictor, then the report (`python -m igan.train --help`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import UserError, exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from igan.config import Config, GANConfig, PredictorConfig
from igan.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from igan.editor import IGANEditor

SAMPLE_BATCHES = 20  # of the estimate of batch statistics for the samples of a period
EPSILON = 1e-8  # of Adam [C]


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    train(*begin(Config, PRESETS, "igan", arguments, EXTENDABLE, check_launch))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from igan import data
    from igan.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, *((getattr(config, stage), len(images)) for stage in config.stages))
    nets = build(config)
    needed = () if "gan" in config.stages else ("generator", "discriminator")
    found = load_start(nets, launch, "iGAN", needed)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "igan", device, images, nets, found, needed) as run:
        if "gan" in config.stages:
            train_gan(config, run, images, nets)
        if "predictor" in config.stages:
            train_predictor(config, run, images, dev, nets)
        replicas.end()
        draw_losses(run)
        if run.network_file("predictor").is_file():
            from igan.evaluate import ProjectionEvaluateCommand, evaluate

            evaluate(ProjectionEvaluateCommand(run=run.folder))


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses what cannot become a run, from the settings alone.

    Raises:
        UserError: a predictor stage without a generator.
    """
    if "gan" not in config.stages and not (launch.resume or launch.init):
        raise UserError(
            "--stages predictor needs a trained generator and discriminator: name the run or "
            "folder of weights that holds them by --init, or train both stages."
        )


def train_gan(config: Config, run: Run, records: Records, nets: dict[str, keras.Model]) -> None:
    """Stage 1 [R, Sec. 5.1]; leaves both networks trained, with estimated batch statistics."""
    from common.training.averaging import averaged_weights
    from common.training.fit import fit, stage_length
    from igan.model import GAN
    from igan.samples import generated_samples

    settings, generator = config.gan, nets["generator"]
    saved = {name: nets[name] for name in ("generator", "discriminator")}
    model = GAN(
        **saved,
        discriminator_steps=settings.discriminator_steps,
        weight_decay=settings.weight_decay,
        augment=settings.augment,
        pixel_range=config.pixel_range,
        seed=config.run.seed,
    )
    steps = stage_length(settings, len(records))[0]
    model.compile(
        jit_compile=config.run.xla,
        discriminator=adam(settings, settings.discriminator_steps * steps),
        generator=adam(settings, steps, settings.ema),
    )
    draw = generated_samples(run, in_training(config, run, nets))

    def period_end(name: str) -> None:
        with averaged_weights(model.generator_optimizer, generator):
            estimate_statistics(config, records, nets, SAMPLE_BATCHES)
            draw(name)
            run.save_networks(saved)

    fit(
        model,
        run,
        "gan",
        records,
        settings,
        pixel_range=config.pixel_range,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    model.generator_optimizer.finalize_variable_values(generator.trainable_variables)
    estimate_statistics(config, records, nets, settings.reestimate_batches)
    run.save_networks(saved)


def train_predictor(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """Stage 2 [R, Sec. 4.1.2]; leaves P trained, and saved in the run with G and D."""
    from common.datasets.pipeline import endless_batches
    from common.training.averaging import reestimate_batch_statistics
    from common.training.fit import fit, stage_length
    from igan.features import distance_of
    from igan.model import Predictor
    from igan.samples import predicted_samples

    settings, predictor = config.predictor, nets["predictor"]
    distance = distance_of(
        config.features, nets["generator"], nets["discriminator"], config.pixel_range
    )
    model = Predictor(
        nets["generator"],
        predictor,
        distance,
        weight_decay=settings.weight_decay,
        seed=config.run.seed,
    )
    steps = stage_length(settings, len(records))[0]
    model.compile(jit_compile=config.run.xla, predictor=adam(settings, steps))
    draw = predicted_samples(run, dev, in_training(config, run, nets))

    def period_end(name: str) -> None:
        draw(name)
        run.save_networks(nets)

    fit(
        model,
        run,
        "predictor",
        records,
        settings,
        pixel_range=config.pixel_range,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )
    if settings.reestimate_batches:
        batches = endless_batches(
            records, settings.batch_size, config.run.seed, pixel_range=config.pixel_range
        )
        batches = batches.take(settings.reestimate_batches)
        reestimate_batch_statistics(predictor, (image for image, _ in batches))
    run.save_networks(nets)


def estimate_statistics(
    config: Config, records: Records, nets: dict[str, keras.Model], batches: int
) -> None:
    """Estimates the batch statistics of G over generated images, and those of D over both kinds.

    [C] gives D those of generated images alone, and so a D that has never seen a real one when it
    is asked about realism; here half of its batches are real.
    """
    import numpy as np

    from common.datasets.pipeline import endless_batches
    from common.training.averaging import reestimate_batch_statistics

    if not batches:
        return
    generator, batch = nets["generator"], config.gan.batch_size
    rng = np.random.default_rng(config.run.seed)

    def latents() -> Iterator[np.ndarray]:
        for _ in range(batches):
            yield rng.uniform(-1, 1, (batch, config.networks.latent_size)).astype(np.float32)

    def both() -> Iterator[Any]:
        reals = endless_batches(records, batch, config.run.seed, pixel_range=config.pixel_range)
        for z, (real, _) in zip(latents(), reals, strict=False):
            yield real
            yield generator(z, training=False)

    reestimate_batch_statistics(generator, latents())
    reestimate_batch_statistics(nets["discriminator"], both())


def adam(
    settings: GANConfig | PredictorConfig, updates: int, ema: float | None = None
) -> keras.optimizers.Optimizer:
    """The optimizer of a player that takes so many updates."""
    import keras

    from common.training.averaging import averaging
    from igan.schedule import ConstantThenLinear

    rate = ConstantThenLinear(settings.learning_rate, updates, settings.constant_share)
    return keras.optimizers.Adam(
        rate,  # pyright: ignore[reportArgumentType]
        beta_1=settings.beta_1,
        epsilon=EPSILON,
        **averaging(ema),
    )


def in_training(config: Config, run: Run, nets: dict[str, keras.Model]) -> IGANEditor:
    """The networks in training, as those that draw samples take them."""
    from igan.editor import NEEDED, IGANEditor

    return IGANEditor(run.folder, config, **{name: nets[name] for name in NEEDED})


if __name__ == "__main__":
    main()
