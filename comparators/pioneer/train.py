"""Trains PIONEER level by level (`python -m comparators.pioneer.train --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, opened
from common.datasets.records import Records
from common.errors import UserError, exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from comparators.pioneer.config import Config
from comparators.pioneer.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from common.training.levels import Level
    from comparators.pioneer.model import Pioneer

SAMPLES = 24  # images on a sheet, each above what becomes of it
COLUMNS = 8


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains."""
    package = "comparators.pioneer"
    train(*begin(Config, PRESETS, package, arguments, EXTENDABLE, check_launch))


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses a start from trained networks.

    Raises:
        UserError: --init is given.
    """
    if launch.init:
        raise UserError("PIONEER grows from 4x4 pixels and cannot start from --init.")


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains; the device is set up, and `device` is what to call it."""
    from comparators.pioneer import data
    from comparators.pioneer.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    stages = config.levels(len(images))
    check_lengths(dev, *((stage, len(images)) for stage in stages))
    nets = build(config)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "pioneer", device, images, nets) as run:
        grow(config, run, images, dev, nets, stages)
        replicas.end()
        draw_losses(run)


def grow(
    config: Config,
    run: Run,
    records: Records,
    dev: Records,
    nets: dict[str, keras.Model],
    stages: list[Level],
) -> None:
    """All levels, a model each; leaves both networks trained, and saved in the run.

    Each level starts with the weights of the one before and with fresh optimizers. A level that is
    done is read from its backup, so that a resumed run goes on in the one that was broken off.
    """
    before = None
    for level in stages:
        before = train_level(config, run, records, dev, level, before, nets)


def train_level(
    config: Config,
    run: Run,
    records: Records,
    dev: Records,
    level: Level,
    before: Pioneer | None,
    nets: dict[str, keras.Model],
) -> Pioneer:
    """One level, from the one before; `nets` become what the last level leaves."""
    import keras

    from common.reporting.sheets import alternating, grid
    from common.training.averaging import averaged_weights, averaging
    from common.training.fit import fit
    from common.training.growing import hand_on
    from comparators.pioneer.editor import PioneerEditor

    settings = config.pioneer
    keras.utils.set_random_seed(config.run.seed + level.size)  # a resume makes the same new layers
    model = level_model(config, level)
    growing = model.networks()
    if before is not None:
        for name, network in growing.items():
            hand_on(before.networks()[name], network)

    def adam(ema: float | None = None) -> keras.optimizers.Optimizer:
        rate = settings.learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8, **averaging(ema))

    model.compile(jit_compile=config.run.xla, encoder=adam(), generator=adam(settings.ema))
    trained = PioneerEditor(run.folder, config, **nets)
    images = dev.images[:SAMPLES]

    def period_end(name: str | None) -> None:
        if level.size < config.image_size:
            return
        with averaged_weights(model.generator_optimizer, model.generator):
            for network, grown in growing.items():
                hand_on(grown, nets[network])
        run.save_networks(nets)
        if name is not None:
            rows = alternating(images, trained.reconstruct(images), COLUMNS)
            grid(rows, run.folder / "samples" / f"{name}.png")

    fit(
        model,
        run,
        level.stage,
        records,
        level,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )
    period_end(None)  # also where the level had been trained before
    return model


def level_model(config: Config, level: Level) -> Pioneer:
    """The game of a level, with fresh networks."""
    from comparators.pioneer import networks
    from comparators.pioneer.model import Pioneer

    settings, count = config.pioneer, config.networks.sizes.index(level.size) + 1
    channels, fading = config.networks.channels[:count], level.fade_images > 0
    return Pioneer(
        networks.generator(config.networks.latent_size, channels, fading),
        networks.encoder(config.networks.latent_size, channels, fading),
        fade_steps=level.fade_steps,
        kl_weight=settings.kl_weight,
        image_weight=(settings.image_weight, settings.stable_image_weight),
        latent_weight=settings.latent_weight,
        generator_steps=settings.generator_steps,
        seed=config.run.seed,
    )


if __name__ == "__main__":
    main()
