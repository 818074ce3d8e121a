"""Trains IFcVAEGAN: all players together, then the report (`python -m ifcvaegan.train --help`)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.errors import UserError, exits_cleanly
from common.images import to_range
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.flags import LaunchConfig
from ifcvaegan.config import Config, TrainConfig
from ifcvaegan.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from ifcvaegan.editor import IFcVAEGANEditor
    from ifcvaegan.model import Weights

REESTIMATION_BATCH = 256  # images
# Torch adds 1e-8 to the root, and the authors' gradients are sums over 32 images, ours means. Keras
# adds below the root, so this is as near as it gets: updates differ by 8 % at the first step.
EPSILON = (1e-8 / 32) ** 2


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    train(*begin(Config, PRESETS, "ifcvaegan", arguments, EXTENDABLE))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from ifcvaegan import data
    from ifcvaegan.editor import build

    # The training images last: they take longest, and a split that is missing is refused before.
    dev, images = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, (config.train, len(images)))
    check_labels(images)
    nets = build(config)
    found = load_start(nets, launch, "IFcVAEGAN")

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "ifcvaegan", device, images, nets, found) as run:
        train_vaegan(config, run, images, dev, nets)
        replicas.end()
        draw_losses(run)
        from ifcvaegan.evaluate import EvaluateCommand, evaluate

        evaluate(EvaluateCommand(run=run.folder))


def check_labels(records: Records) -> None:
    """Refuses attributes from which there is nothing to learn.

    Raises:
        UserError: all training images have one, or lack it.
    """
    shares = records.attributes.mean(axis=0)
    for name, share in zip(records.attribute_names, shares, strict=True):
        if not 0.0 < share < 1.0:
            raise UserError(
                f"{share:.0%} of the {len(records):,} training images have {name}: there is "
                "nothing to tell apart. Use more images, or another attribute."
            )


def train_vaegan(
    config: Config, run: Run, records: Records, dev: Records, nets: dict[str, keras.Model]
) -> None:
    """Algorithm 1; leaves all networks saved in the run, as the last period ends them.

    Raises:
        UserError: a loss is no longer a number.
        KeyboardInterrupt: after Ctrl-C, when the state is saved.
    """
    from common.training.averaging import averaged_weights
    from common.training.fit import fit
    from ifcvaegan import alarms
    from ifcvaegan.editor import IFcVAEGANEditor
    from ifcvaegan.losses import entropy
    from ifcvaegan.model import IFcVAEGAN
    from ifcvaegan.samples import edited_samples

    settings, loss, seed = config.train, config.loss, config.run.seed
    rates = records.attributes.mean(axis=0)
    model = IFcVAEGAN(
        **nets,
        weights=weights(config),
        rates=rates,
        fidelity=loss.fidelity,
        mode=loss.auxiliary_mode,
        ramp=loss.ramp_steps,
        augmented=settings.augmented_discriminator,
        seed=seed,
    )

    made = optimizers(settings, len(records))
    playing = {player: made[player] for player in model.players}
    model.compile(jit_compile=config.run.xla, **playing)
    optimizer, averaged = model.autoencoder_optimizer, (nets["encoder"], nets["decoder"])
    trained = IFcVAEGANEditor(run.folder, config, nets["encoder"], nets["decoder"])
    draw = edited_samples(run, trained, dev)
    aim = float(np.mean(entropy(rates))) if loss.gamma else None  # of A's loss

    @contextlib.contextmanager
    def as_kept() -> Iterator[None]:
        """The networks as a run keeps them: EMAs, D's statistics of reconstructions."""
        with averaged_weights(optimizer, *averaged):
            reestimate(trained, records, settings.reestimate_batches)
            yield

    def period_end(name: str) -> None:
        with as_kept():
            effects = draw(name)
            run.save_networks(nets)
        alarms.watch(run, effects, aim)

    fit(
        model,
        run,
        "vaegan",
        records,
        settings,
        pixel_range="unit",
        flip=config.data.flip,
        shift=config.data.shift,
        jitter=config.data.jitter,
        backup_seconds=config.run.backup_seconds,
        validation=dev,
        period_end=period_end,
    )


def optimizers(settings: TrainConfig, images: int) -> dict[str, keras.optimizers.Optimizer]:
    """RMSprop for each player, of a training on so many images."""
    import keras

    from common.training.averaging import averaging

    def rmsprop(rate: float, rho: float, **options) -> keras.optimizers.Optimizer:
        halving = settings.halving_epochs
        schedule: Any = rate
        if halving is not None:
            steps = math.ceil(halving * images / settings.batch_size)
            schedule = keras.optimizers.schedules.ExponentialDecay(rate, steps, 0.5)
        return keras.optimizers.RMSprop(schedule, rho=rho, epsilon=EPSILON, **options)

    rate, smoothing = settings.learning_rate, settings.smoothing
    return {
        "autoencoder": rmsprop(rate, smoothing, **averaging(settings.ema)),
        "auxiliary": rmsprop(settings.auxiliary_learning_rate or rate, smoothing),
        "discriminator": rmsprop(
            rate, settings.discriminator_smoothing, momentum=settings.discriminator_momentum
        ),
    }


def reestimate(model: IFcVAEGANEditor, records: Records, batches: int) -> None:
    """Estimates batch statistics anew: of E over so many batches of images, of D over their codes.

    Args:
        model: E and D.
        records: the training images.
        batches: of `REESTIMATION_BATCH` images, evenly spaced; 0 leaves D as it is.
    """
    from common.training.averaging import reestimate_batch_statistics

    if not batches:
        return
    images = records.spaced(batches * REESTIMATION_BATCH).images
    parts = max(1, len(images) // REESTIMATION_BATCH)
    blocks = np.array_split(images, parts)
    reestimate_batch_statistics(model.encoder, (to_range(block, "unit") for block in blocks))
    codes = model.encode(images)
    split = (np.array_split(one, parts) for one in (codes.attributes, codes.latent))
    reestimate_batch_statistics(model.decoder, ([y, z] for y, z in zip(*split, strict=True)))


def weights(config: Config) -> Weights:
    """The weights of the autoencoder's terms, all of which `train_step` has as means.

    L_rec there is a mean over the batch, pixels and channels, the KL a mean over the batch and a
    sum over z, the terms of labels and C's are means over the batch.
    """
    from ifcvaegan.model import Weights

    loss, size, latents = config.loss, config.data.image_size, config.networks.latent_size
    return Weights(
        reconstruction={"sum": 3.0 * size**2, "mean": 1.0, "release": 3.0}[loss.pixels],
        kl=loss.alpha if loss.pixels == "sum" else loss.alpha / latents,
        label=loss.rho / loss.reference_batch,
        reconstruction_label=loss.beta / loss.reference_batch,
        auxiliary=loss.gamma / loss.reference_batch,
        gan=loss.delta,
        features=loss.features,
    )


if __name__ == "__main__":
    main()
