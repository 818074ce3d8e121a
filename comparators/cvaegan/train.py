"""Trains CVAE-GAN (`python -m comparators.cvaegan.train --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from comparators.cvaegan.config import Config
from comparators.cvaegan.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

SAMPLES = 8  # faces on a sheet, each above what becomes of it


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains."""
    train(*begin(Config, PRESETS, "comparators.cvaegan", arguments, EXTENDABLE))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains; the device is set up, and `device` is what to call it."""
    from comparators.cvaegan import data
    from comparators.cvaegan.editor import build

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, (config.cvaegan, len(images)))
    nets = build(config)
    found = load_start(nets, launch, "CVAE-GAN")

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "cvaegan", device, images, nets, found) as run:
        train_cvaegan(config, run, images, dev, nets)
        replicas.end()
        draw_losses(run)


def train_cvaegan(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """The whole training (Alg. 1); leaves all networks saved in the run."""
    import keras

    from common.reporting.sheets import grid
    from common.training.fit import fit
    from comparators.cvaegan.editor import NEEDED, CVAEGANEditor
    from comparators.cvaegan.model import CVAEGAN, Weights

    settings = config.cvaegan
    weights = Weights(
        kl=settings.kl_weight,
        reconstruction=settings.reconstruction_weight,
        mean=settings.mean_weight,
        classes=settings.class_weight,
    )
    model = CVAEGAN(
        **nets, weights=weights, centre_decay=settings.centre_decay, seed=config.run.seed
    )

    def adam() -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(settings.learning_rate, beta_1=settings.beta_1)

    model.compile(jit_compile=config.run.xla, **{player: adam() for player in model.players})
    trained = CVAEGANEditor(run.folder, config, **{name: nets[name] for name in NEEDED})
    images, name = dev.images[:SAMPLES], config.data.attributes[0]

    def period_end(file: str) -> None:
        edits = [trained.edit(images, trained.request({name: value})).images for value in (0, 1)]
        rows = [images, trained.reconstruct(images), *edits]
        titles = ["real", "rec.", f"{name} 0", f"{name} 1"]
        sheet = run.folder / "samples" / f"{file}.png"
        grid([list(row) for row in rows], sheet, row_labels=titles)
        run.save_networks(nets)

    fit(
        model,
        run,
        "cvaegan",
        records,
        settings,
        flip=config.data.flip,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )
    run.save_networks(nets)


if __name__ == "__main__":
    main()
