"""Trains IcGAN: the conditional GAN, E_z, E_y, then the report (`python -m icgan_tf.train --help`).

The stages are those of Perarnau et al. 2016: G and D; E_z on images of the frozen G; E_y on real
images. E_y depends on neither of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from common import replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.errors import UserError, exits_cleanly
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.config import read_config
from common.settings.flags import LaunchConfig
from icgan_tf.config import Config
from icgan_tf.presets import EXTENDABLE, PRESETS


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, then trains and reports."""
    train(*begin(Config, PRESETS, "icgan_tf", arguments, EXTENDABLE, check_launch))


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from icgan_tf import data
    from icgan_tf.conditions import Conditions
    from icgan_tf.editor import build
    from icgan_tf.stages import Images, train_encoder_y, train_encoder_z, train_gan

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


def trained_by(stage: str, config: Config) -> tuple[str, ...]:
    """The networks that a stage trains."""
    if stage == "gan":
        return ("generator", "discriminator")
    shared = stage == "encoder_z" and config.networks.encoders == "shared"
    return ("encoder_z", "encoder_y") if shared else (stage,)


def kept_networks(config: Config, found: Sequence[str]) -> list[str]:
    """Those of the networks of --init that the run keeps as they are, since no stage trains them.

    E_z inverts one generator, so it is not kept beside another one.
    """
    changed = {name for stage in config.stages for name in trained_by(stage, config)}
    if "generator" in changed:
        changed.add("encoder_z")
    return [name for name in found if name not in changed]


def report(config: Config, run: Run) -> None:
    """Evaluates a run that has all its networks, else reports on its training alone."""
    from icgan_tf.editor import NEEDED

    if all(run.network_file(name).is_file() for name in NEEDED):
        from icgan_tf.evaluate import EvaluateCommand, evaluate

        evaluate(EvaluateCommand(run=run.folder))
    else:
        from icgan_tf.tables import report_training

        report_training(run.folder, config)


if __name__ == "__main__":
    main()
