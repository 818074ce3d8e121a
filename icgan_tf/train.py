"""Trains IcGAN: the conditional GAN, E_z, E_y, then the report (`python -m icgan_tf.train --help`).

The stages are those of Perarnau et al. 2016: G and D; E_z on images of the frozen G; E_y on real
images. E_y depends on neither of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.errors import UserError, exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.config import read_config
from common.settings.flags import LaunchConfig
from icgan_tf.config import Config
from icgan_tf.presets import EXTENDABLE, PRESETS

if TYPE_CHECKING:
    import keras

    from common.datasets.records import Records
    from icgan_tf.conditions import Conditions
    from icgan_tf.editor import IcGANEditor

TRAINED = {  # stage -> the networks that it trains
    "gan": ("generator", "discriminator"),
    "encoder_z": ("encoder_z",),
    "encoder_y": ("encoder_y",),
}
REESTIMATION_BATCH = 256  # images, the authors' code
SAMPLE_BATCHES = 4  # for the samples at the end of a period


@dataclass(frozen=True, slots=True)
class Images:
    """What the stages train on: training images, those of `dev`, and what to ask about y."""

    train: Records
    dev: Records
    conditions: Conditions


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    train(*begin(Config, PRESETS, "icgan_tf", arguments, EXTENDABLE, check_launch))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from icgan_tf import data
    from icgan_tf.conditions import Conditions
    from icgan_tf.editor import build

    # The training images last, which take longest: a missing split is refused before.
    dev, records = (data.load(config, split) for split in ("dev", "train"))
    check_lengths(dev, *((getattr(config, stage), len(records)) for stage in config.stages))
    values, prior = config.data.condition_values, config.gan.prior
    conditions = Conditions(records.attributes, values, prior, one_hot=config.dataset == "mnist")
    images = Images(records, dev, conditions)
    nets = build(config)
    found = load_start(nets, launch, "IcGAN", ("generator",) if encoder_z_alone(config) else ())
    check_meaning(config, launch)
    kept = kept_networks(config, found)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "icgan", device, records, nets, found, kept) as run:
        if "gan" in config.stages:
            train_gan(config, run, images, nets)
        if "encoder_z" in config.stages:
            train_encoder_z(config, run, images, nets)
        if "encoder_y" in config.stages:
            train_encoder_y(config, run, images, nets)
        replicas.end()
        draw_losses(run)
        report(config, run)


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses what cannot become a run, from the settings alone.

    Raises:
        UserError: an E_z stage without a generator; a longer GAN under a begun E_z.
    """
    if encoder_z_alone(config) and not (launch.resume or launch.init):
        raise UserError(
            "--stages encoder_z needs a trained generator: name the run or folder of weights that "
            "holds it by --init, or train the stage gan as well."
        )
    if launch.resume and Run(launch.resume).backup_file("encoder_z").is_file():
        saved = read_config(Config, launch.resume)
        if config.gan.epochs != saved.gan.epochs:
            raise UserError(
                f"E_z of {launch.resume} has begun to invert its generator, which must stay as it "
                f"is: train longer in a new run with --init {launch.resume}."
            )


def encoder_z_alone(config: Config) -> bool:
    """E_z is to be trained on a generator that this run does not train."""
    return "encoder_z" in config.stages and "gan" not in config.stages


def check_meaning(config: Config, launch: LaunchConfig) -> None:
    """Refuses networks of --init to which y or a pixel means something else than to this run.

    Raises:
        UserError: naming the setting in which the two differ.
    """
    if not launch.init or not (launch.init / "config.json").is_file():
        return
    theirs = read_config(Config, launch.init).data
    for name in ("attributes", "condition_values", "pixel_range"):
        old, new = getattr(theirs, name), getattr(config.data, name)
        if old != new:
            raise UserError(
                f"The networks of --init {launch.init} were trained with data.{name} {old!r}, but "
                f"this run has {new!r}: give it the same --data.{name.replace('_', '-')}."
            )


def kept_networks(config: Config, found: Sequence[str]) -> list[str]:
    """Those of the networks of --init that the run keeps as they are, since no stage trains them.

    E_z inverts one generator, so it is not kept beside another one.
    """
    changed = {name for stage in config.stages for name in TRAINED[stage]}
    if "generator" in changed:
        changed.add("encoder_z")
    return [name for name in found if name not in changed]


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
    model = ConditionalGAN(
        generator,
        discriminator,
        images.conditions,
        wrong_weight=settings.wrong_weight,
        fake_weight=fake_weight,
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
    """Stage 2 (Eq. 2); leaves E_z trained, and saved in the run with its generator."""
    from common.training.fit import fit
    from icgan_tf.encoders import LatentEncoding
    from icgan_tf.samples import regenerated_samples

    settings, seed = config.encoder_z, config.run.seed
    if "gan" not in config.stages:  # whatever moment of whose training G comes from
        reestimate(config, images.conditions, nets["generator"], config.gan.reestimate_batches)
    saved = {name: nets[name] for name in ("generator", "encoder_z")}
    model = LatentEncoding(
        nets["generator"],
        nets["encoder_z"],
        images.conditions,
        fixed=len(images.train) if settings.fixed_pairs else 0,
        reduction=settings.reduction,
        real_weight=settings.real_weight,
        seed=seed,
    )
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


def report(config: Config, run: Run) -> None:
    """Evaluates a run that has all its networks, else reports on its training alone."""
    from icgan_tf.editor import NEEDED

    if all(run.network_file(name).is_file() for name in NEEDED):
        from icgan_tf.evaluate import EvaluateCommand, evaluate

        evaluate(EvaluateCommand(run=run.folder))
    else:
        from icgan_tf.tables import report_training

        report_training(run.folder, config)


def _adam(rate, beta_1: float, **averaging) -> keras.optimizers.Optimizer:
    """Adam with the epsilon of both codes."""
    import keras

    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=0.999, epsilon=1e-8, **averaging)


def in_training(config: Config, run: Run, nets: dict[str, keras.Model]) -> IcGANEditor:
    """The networks in training, as those that draw samples take them."""
    from icgan_tf.editor import NEEDED, IcGANEditor

    return IcGANEditor(run.folder, config, **{name: nets[name] for name in NEEDED})


if __name__ == "__main__":
    main()
