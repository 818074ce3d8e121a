"""Trains IFcVAEGAN: all players together, then the report (`python -m ifcvaegan.train --help`)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from common import run as runs
from common.config import parse_training
from common.errors import UserError, exits_cleanly
from common.launch import load_start, opened, show
from common.samples import draw_losses, draw_reals
from ifcvaegan.config import EXTENDABLE, PRESETS, Config

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from ifcvaegan.model import Weights
    from ifcvaegan.trained import Trained

logger = logging.getLogger(__name__)

REESTIMATION_BATCH = 256  # images
EPSILON = 1e-16  # Keras adds it below the root, where Torch adds 1e-8 outside


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    config, launch = parse_training(
        Config, PRESETS, "python -m ifcvaegan.train", arguments, extendable=EXTENDABLE
    )
    if launch.dry_run:
        show(config)
        return
    from common import device

    config, described = device.configure(config)
    from ifcvaegan import data
    from ifcvaegan.trained import build

    # The training images last: they take longest, and a split that is missing is refused before.
    test, dev, train = (data.load(config, split) for split in ("test", "dev", "train"))
    if launch.resume:
        runs.check_data(launch.resume, train)
    check_lengths(config, train, len(test))
    nets = build(config)
    found = load_start(nets, launch, "IFcVAEGAN")

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "ifcvaegan", described, train, nets, found) as run:
        draw_reals(run, train)
        train_vaegan(config, run, train, dev, nets)
        draw_losses(run)
        from ifcvaegan.evaluate import EvaluateCommand, evaluate

        evaluate(EvaluateCommand(run=run.folder))


def check_lengths(config: Config, train: Records, test_images: int) -> None:
    """Refuses a stage and a report for which there are too few images.

    Raises:
        UserError: a period shorter than a batch, fewer than two test images, or an attribute that
            all training images have or lack.
    """
    from common.training import stage_length

    if test_images < 2:
        raise UserError(f"The report needs at least 2 test images; the data have {test_images}.")
    shares = train.attributes.mean(axis=0)
    for name, share in zip(train.attribute_names, shares, strict=True):
        if not 0.0 < share < 1.0:
            raise UserError(
                f"{share:.0%} of the {len(train):,} training images have {name}: there is nothing "
                "to tell apart. Use more images, or another attribute."
            )
    settings = config.train
    stage_length(settings.epochs, settings.period, len(train), settings.batch_size)


def train_vaegan(
    config: Config, run: runs.Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """Algorithm 1; leaves all networks saved in the run, as the last period ends them.

    Raises:
        UserError: a loss is no longer a number.
        KeyboardInterrupt: after Ctrl-C, when the state is saved.
    """
    import keras

    from common.datasets.pipeline import endless_batches, ordered_batches
    from common.layers import averaged_weights, averaging
    from common.training import fit, stage_length
    from ifcvaegan import alarms
    from ifcvaegan.losses import entropy
    from ifcvaegan.model import IFcVAEGAN
    from ifcvaegan.samples import edited_samples
    from ifcvaegan.trained import Trained

    settings, loss, seed = config.train, config.loss, config.run.seed
    rates = records.attributes.mean(axis=0)
    model = IFcVAEGAN(
        **nets,
        weights=weights(config),
        rates=rates,
        fidelity=loss.fidelity,
        mode=loss.auxiliary_mode,
        ramp=loss.ramp_steps,
        seed=seed,
    )

    def rmsprop(
        smoothing: float,
        momentum: float = 0.0,
        ema: float | None = None,
        learning_rate: float = settings.learning_rate,
    ):
        return keras.optimizers.RMSprop(
            learning_rate,
            rho=smoothing,
            momentum=momentum,
            epsilon=EPSILON,
            **averaging(ema),
        )

    model.compile(
        jit_compile=config.run.xla,
        autoencoder=rmsprop(settings.smoothing, ema=settings.ema),
        auxiliary=rmsprop(
            settings.smoothing,
            learning_rate=settings.auxiliary_learning_rate or settings.learning_rate,
        ),
        discriminator=rmsprop(settings.discriminator_smoothing, settings.discriminator_momentum),
    )
    optimizer, averaged = model.autoencoder_optimizer, (nets["encoder"], nets["decoder"])
    trained = Trained(run.folder, config, nets["encoder"], nets["decoder"])
    draw = edited_samples(run, trained, dev)
    aim = float(np.mean(entropy(rates))) if loss.gamma else None  # of A's loss

    @contextlib.contextmanager
    def as_kept() -> Iterator[None]:
        """The networks as a run keeps them: running means, D's statistics of reconstructions."""
        with averaged_weights(optimizer, *averaged):
            reestimate(trained, records, settings.reestimate_batches)
            yield

    def period_end(name: str) -> None:
        with as_kept():
            effects = draw(name)
            run.save_networks(nets)
        alarms.watch(run, effects, aim)

    steps, period_steps = stage_length(
        settings.epochs, settings.period, len(records), settings.batch_size
    )
    fit(
        model,
        run,
        "vaegan",
        lambda step: endless_batches(
            records, settings.batch_size, seed, step, pixel_range="unit", flip=config.data.flip
        ),
        steps=steps,
        period_steps=period_steps,
        batch_size=settings.batch_size,
        backup_seconds=config.run.backup_seconds,
        validation=ordered_batches(dev, settings.batch_size, "unit"),
        period_end=period_end,
    )


def reestimate(model: Trained, records: Records, batches: int) -> None:
    """Estimates D's batch statistics anew, over reconstructions of so many batches of images.

    Args:
        model: E and D.
        records: the training images.
        batches: of `REESTIMATION_BATCH` images, evenly spaced; 0 leaves D as it is.
    """
    from common.layers import reestimate_batch_statistics
    from ifcvaegan.codes import encode

    if not batches:
        return
    means, _, read = encode(model, records.spaced(batches * REESTIMATION_BATCH).images)
    parts = max(1, len(means) // REESTIMATION_BATCH)
    reestimate_batch_statistics(
        model.decoder,
        ([y, z] for y, z in zip(*(np.array_split(x, parts) for x in (read, means)), strict=True)),
    )


def weights(config: Config) -> Weights:
    """The weights of the autoencoder's terms, which are means over the batch.

    "release": the sums of the authors' code, divided by the batch. Its L_rec is a sum over pixels
    and channels divided by the pixels, so 3 times the mean; its KL a sum over Z divided by Z; its
    class terms are means already, so they weigh 1/batch: `reference_batch` stands for the batch.
    "mean": every term is a mean.
    """
    from ifcvaegan.model import Weights

    loss, latent_size = config.loss, config.networks.latent_size
    release = loss.scaling == "release"
    labels = 1.0 / loss.reference_batch if release else 1.0
    return Weights(
        reconstruction=3.0 if release else 1.0,
        kl=loss.alpha / latent_size,
        label=loss.rho * labels,
        reconstruction_label=loss.beta * labels,
        auxiliary=loss.gamma * labels,
        gan=loss.delta,
    )


if __name__ == "__main__":
    main()
