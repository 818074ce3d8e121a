"""Trains AGE (`python -m comparators.age.train --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from comparators.age.config import Config
from comparators.age.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from comparators.age.editor import AGEEditor

SAMPLES = 24  # images on a sheet, each above what becomes of it
COLUMNS = 8


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains."""
    train(*begin(Config, PRESETS, "comparators.age", arguments, EXTENDABLE))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains; the device is set up, and `device` is what to call it."""
    from comparators.age import data
    from comparators.age.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, (config.age, len(images)))
    nets = build(config)
    found = load_start(nets, launch, "AGE")

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "age", device, images, nets, found) as run:
        train_age(config, run, images, dev, nets)
        replicas.end()
        draw_losses(run)


def train_age(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """The whole training; leaves both networks saved in the run."""
    import keras

    from common.reporting.sheets import alternating, grid
    from common.training.fit import fit
    from comparators.age.editor import AGEEditor
    from comparators.age.model import AGE

    settings = config.age
    model = AGE(
        **nets,
        image_weight=settings.image_weight,
        latent_weight=settings.latent_weight,
        generator_steps=settings.generator_steps,
        seed=config.run.seed,
    )
    steps = round(settings.drop_epochs * len(records) / settings.batch_size)

    def adam(updates: int = 1) -> keras.optimizers.Optimizer:
        rate = keras.optimizers.schedules.ExponentialDecay(
            settings.learning_rate, max(1, steps * updates), 0.5, staircase=True
        )
        return keras.optimizers.Adam(rate, beta_1=settings.beta_1, epsilon=1e-8)  # pyright: ignore[reportArgumentType]

    model.compile(
        jit_compile=config.run.xla, encoder=adam(), generator=adam(settings.generator_steps)
    )
    trained = AGEEditor(run.folder, config, **nets)
    images = dev.images[:SAMPLES]

    def period_end(name: str) -> None:
        rows = alternating(images, trained.reconstruct(images), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")
        run.save_networks(nets)

    fit(
        model,
        run,
        "age",
        records,
        settings,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )
    reestimate(trained, records)
    run.save_networks(nets)


def reestimate(model: AGEEditor, records: Records) -> None:
    """Estimates the batch statistics anew: e's of real images, then g's of their codes."""
    from common.datasets.pipeline import endless_batches
    from common.training.averaging import reestimate_batch_statistics

    settings = model.config.age
    if not settings.reestimate_batches:
        return
    batches = endless_batches(records, settings.batch_size, model.config.run.seed)
    images = batches.map(lambda image, _: image).take(settings.reestimate_batches)
    reestimate_batch_statistics(model.encoder, images)
    codes = (model.encoder(image, training=False) for image in images)
    reestimate_batch_statistics(model.generator, codes)


if __name__ == "__main__":
    main()
