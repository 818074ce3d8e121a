"""Trains BiGAN or the latent regressor (`python -m comparators.bigan.train --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from comparators.bigan.config import Config
from comparators.bigan.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

SAMPLES = 24  # images on a sheet, each above what becomes of it
COLUMNS = 8


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains."""
    train(*begin(Config, PRESETS, "comparators.bigan", arguments, EXTENDABLE))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains; the device is set up, and `device` is what to call it."""
    from comparators.bigan import data
    from comparators.bigan.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, (config.gan, len(images)))
    nets = build(config)
    found = load_start(nets, launch, "BiGAN")

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, config.method, device, images, nets, found) as run:
        train_gan(config, run, images, dev, nets)
        replicas.end()
        draw_losses(run)


def train_gan(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """The whole training; leaves all networks saved in the run."""
    import keras

    from common.reporting.sheets import alternating, grid
    from common.training.fit import fit, stage_length
    from comparators.bigan.editor import NEEDED, BiGANEditor
    from comparators.bigan.model import BiGAN, LatentRegressor
    from comparators.bigan.schedule import HalfConstant

    settings = config.gan
    game = BiGAN if config.method == "bigan" else LatentRegressor
    model = game(**nets, decay=settings.decay, seed=config.run.seed)
    steps, _ = stage_length(settings, len(records))

    def adam() -> keras.optimizers.Optimizer:
        rate = HalfConstant(settings.learning_rate, steps, settings.last_rate)
        return keras.optimizers.Adam(rate, beta_1=settings.beta_1, epsilon=1e-8)  # pyright: ignore[reportArgumentType]

    model.compile(jit_compile=config.run.xla, **{player: adam() for player in model.players})
    trained = BiGANEditor(run.folder, config, **{name: nets[name] for name in NEEDED})
    images = dev.images[:SAMPLES]

    def period_end(name: str) -> None:
        rows = alternating(images, trained.reconstruct(images), COLUMNS)
        grid(rows, run.folder / "samples" / f"{name}.png")
        run.save_networks(nets)

    fit(
        model,
        run,
        "gan",
        records,
        settings,
        pixel_range="unit",
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )
    reestimate(config, records, nets)
    run.save_networks(nets)


def reestimate(config: Config, records: Records, nets: dict[str, keras.Model]) -> None:
    """Estimates the batch statistics of E and G anew: of real images, and of draws of z.

    The latent regressor's E, too, gets those of real images, which it has not been trained on (the
    authors' code).
    """
    import numpy as np

    from common.datasets.pipeline import endless_batches
    from common.training.averaging import reestimate_batch_statistics

    settings, seed = config.gan, config.run.seed
    if not settings.reestimate_batches:
        return
    batches = endless_batches(records, settings.batch_size, seed, pixel_range="unit")
    images = (image for image, _ in batches.take(settings.reestimate_batches))
    reestimate_batch_statistics(nets["encoder"], images)
    rng, shape = np.random.default_rng(seed), (settings.batch_size, config.networks.latent_size)
    draws = (
        rng.uniform(-1.0, 1.0, shape).astype(np.float32) for _ in range(settings.reestimate_batches)
    )
    reestimate_batch_statistics(nets["generator"], draws)


if __name__ == "__main__":
    main()
