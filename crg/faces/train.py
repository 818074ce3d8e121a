"""Trains CRG on faces: the progressive GAN level by level, then the encoder, then the report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from common import replicas
from common.cli.training import check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import UserError
from common.reporting.samples import draw_losses
from common.runs.directory import Run
from common.settings.config import read_config
from common.settings.flags import LaunchConfig
from crg.faces.config import Config

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from common.training.levels import Level
    from crg.editor import CRGEditor
    from crg.faces.model import ProgressiveGAN

CHOSEN_BY = ("val_latent_cycle_loss", "val_image_cycle_loss")  # on dev, summed

logger = logging.getLogger(__name__)


def train(config: Config, launch: LaunchConfig, device: str) -> None:
    """Trains and reports; the device is set up, and `device` is what to call it."""
    from crg import data
    from crg.editor import build
    from crg.faces.networks import pretrained

    dev, images = (data.load(config, split) for split in ("dev", "train"))
    gan = config.levels(len(images)) if "gan" in config.stages else []
    encoder = [config.encoder] if "encoder" in config.stages else []
    check_lengths(dev, *((stage, len(images)) for stage in [*gan, *encoder]))
    nets = build(config)
    if config.generator is not None:
        nets["generator"] = pretrained(
            config.generator, config.networks.latent_size, config.image_size
        )
    needed = () if gan or config.generator else ("generator",)
    found = load_start(nets, launch, "CRG", needed)

    # Nothing has been written up to here; from here on nothing is refused.
    with opened(config, launch, "crg", device, images, nets, found) as run:
        if gan:
            train_gan(config, run, images, nets, gan)
        if encoder:
            train_encoder(config, run, images, dev, nets, "encoder" in found)
        replicas.end()
        draw_losses(run)
        if run.network_file("encoder").is_file():
            from crg.evaluate import EvaluateCommand, evaluate

            evaluate(EvaluateCommand(run=run.folder))


def check_launch(config: Config, launch: LaunchConfig) -> None:
    """Refuses what cannot become a run, from the settings alone.

    Raises:
        UserError: an encoder stage without a generator, a growing GAN from grown networks, a
            missing file, a longer stage under one that follows it or whose learning rate falls
            towards its old end.
    """
    growing = "gan" in config.stages
    if not (growing or launch.resume or launch.init or config.generator):
        raise UserError(
            "--stages encoder needs a trained generator: name the run or folder of weights that "
            "holds it by --init, a file of your own by --generator, or train both stages."
        )
    if growing and launch.init:
        raise UserError(
            "--init starts the encoder alone (--stages encoder): the generator of faces grows from "
            "4x4 pixels, and cannot start from a grown one."
        )
    for flag, file in (
        ("--generator", config.generator),
        ("--encoder.vgg-file", config.encoder.vgg_file),
    ):
        if file is not None and not (file.is_file() or launch.resume):
            raise UserError(f"There is no file {file}, which {flag} names.")
    if launch.resume and Run(launch.resume).backup_file("encoder").is_file():
        saved = read_config(Config, launch.resume)
        if config.gan != saved.gan:
            raise UserError(
                f"The encoder of {launch.resume} has begun to invert its generator, which must "
                f"stay as it is: train the generator longer in a run with --stages gan."
            )
        if config.encoder.schedule == "cosine" and config.encoder != saved.encoder:
            raise UserError(
                f"The learning rate of {launch.resume} falls to zero at its "
                f"{saved.encoder.epochs:g} encoder epochs, so they cannot become more: train on "
                f"in a new run with --stages encoder --init {launch.resume}."
            )


def train_gan(
    config: Config, run: Run, records: Records, nets: dict[str, keras.Model], stages: list[Level]
) -> None:
    """Stage 1 (Sec. 3.2.2), a model a level; leaves both networks trained, and saved in the run.

    Each level starts with the weights of the one before and with fresh optimizers, as in the
    authors' later code. A level that is done is read from its backup, so that a resumed run goes on
    in the one that was broken off.
    """
    before = None
    for level in stages:
        before = train_level(config, run, records, level, before, nets)


def train_level(
    config: Config,
    run: Run,
    records: Records,
    level: Level,
    before: ProgressiveGAN | None,
    nets: dict[str, keras.Model],
) -> ProgressiveGAN:
    """One level of stage 1, from the one before; `nets` become what the last level leaves."""
    import keras

    from common.training.averaging import averaged_weights, averaging
    from common.training.fit import fit
    from common.training.growing import hand_on
    from crg.faces.model import ProgressiveGAN, settle
    from crg.faces.samples import generated_samples

    settings, seed = config.gan, config.run.seed
    keras.utils.set_random_seed(seed + level.size)  # so that a resume makes the same new layers
    growing = build_level(config, level)
    if before is not None:
        for name, network in growing.items():
            hand_on(before.networks()[name], network)
    model = ProgressiveGAN(
        **growing,
        fade_steps=level.fade_steps,
        critic_steps=settings.critic_steps,
        penalty_weight=settings.penalty_weight,
        penalty_every=settings.penalty_every,
        drift=settings.drift,
        seed=seed,
    )

    def adam(rate: float, ema: float | None = None) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(
            rate, beta_1=settings.beta_1, beta_2=0.99, epsilon=1e-8, **averaging(ema)
        )

    model.compile(
        jit_compile=config.run.xla,
        critic=adam(settings.critic_learning_rate),
        generator=adam(settings.learning_rate, settings.ema),
    )
    draw = generated_samples(run, config)

    def period_end(name: str | None) -> None:
        with averaged_weights(model.generator_optimizer, model.generator):
            settle(model.generator)
            if name is not None:
                draw(name, model.generator)
            if level.size == config.image_size:
                for network, grown in growing.items():
                    hand_on(grown, nets[network])
                run.save_networks({network: nets[network] for network in growing})

    fit(
        model,
        run,
        level.stage,
        records,
        level,
        flip=settings.flip,
        backup_seconds=config.run.backup_seconds,
        period_end=period_end,
    )
    period_end(None)  # also where the level had been trained before
    return model


def build_level(config: Config, level: Level) -> dict[str, keras.Model]:
    """Generator and critic of a level, with fresh weights."""
    from crg.faces import networks

    sizes, fading = config.networks, level.fade_images > 0
    return {
        "generator": networks.generator(
            sizes.latent_size, sizes.channels, sizes.first_convolutions, level.size, fading
        ),
        "critic": networks.critic(
            sizes.channels, level.size, fading, sizes.normalise_score, sizes.critic_gain
        ),
    }


def train_encoder(
    config: Config,
    run: Run,
    records: Records,
    dev: Records,
    nets: dict[str, keras.Model],
    started: bool,
) -> None:
    """Stage 2 (Secs. 3.1, 3.2.2); leaves the encoder trained, and saved with its generator.

    Args:
        config: the settings.
        run: where it is saved.
        records: the training images.
        dev: those that choose.
        nets: generator and encoder.
        started: the encoder comes from --init, and is not to start from VGG16.
    """
    from common.datasets.pipeline import endless_batches
    from common.training.averaging import averaged_weights, reestimate_batch_statistics
    from common.training.fit import fit
    from common.training.plateau import Plateau
    from crg.faces.augmentation import Augmentation
    from crg.model import CRG
    from crg.samples import reconstruction_samples

    settings, encoder, seed = config.encoder, nets["encoder"], config.run.seed
    saved = {name: nets[name] for name in ("generator", "encoder")}
    model = CRG(
        **saved,
        reduction=settings.reduction,
        prior="normal",
        augment=Augmentation(settings.rotation, settings.horizontal_flip, settings.vertical_flip),
        seed=seed,
    )
    image_cycle = rmsprop(config, len(records), settings.ema)
    latent_cycle = image_cycle if settings.shared_optimizer else rmsprop(config, len(records))
    model.compile(jit_compile=config.run.xla, latent_cycle=latent_cycle, image_cycle=image_cycle)
    last = model.image_cycle_optimizer  # the mean moves with the last update of an iteration
    batches = endless_batches(records, settings.batch_size, seed)
    if not started and not run.backup_file("encoder").is_file():
        begin_encoder(config, encoder, next(iter(batches))[0])
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
        keep_best=CHOSEN_BY if settings.keep == "best" else (),
        plateau=Plateau() if settings.schedule == "plateau" else None,
        period_end=period_end,
    )
    last.finalize_variable_values(encoder.trainable_variables)
    if settings.reestimate_batches:
        some = batches.take(settings.reestimate_batches)
        reestimate_batch_statistics(encoder, (image for image, _ in some))
    run.save_networks(saved)


def begin_encoder(config: Config, encoder: keras.Model, images: tf.Tensor) -> None:
    """VGG16's weights where they are wanted, then z of a first batch around 0."""
    from crg.faces.encoders import centre, load_vgg16

    settings = config.encoder
    if settings.vgg == "imagenet":
        load_vgg16(encoder, settings.vgg_file)
        logger.info("VGG16's blocks start from %s", settings.vgg_file or "ImageNet's weights")
    centre(encoder, images)


def rmsprop(config: Config, images: int, ema: float | None = None) -> keras.optimizers.Optimizer:
    """The paper's optimizer for one of both objectives (Sec. 3.2.2)."""
    import keras

    from common.training.averaging import averaging
    from common.training.fit import stage_length

    settings = config.encoder
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        updates = stage_length(settings, images)[0] * (2 if settings.shared_optimizer else 1)
        rate = keras.optimizers.schedules.CosineDecay(rate, updates)
    return keras.optimizers.RMSprop(
        rate,  # pyright: ignore[reportArgumentType]
        rho=0.9,
        epsilon=1e-8,
        global_clipnorm=settings.clip_norm,
        **averaging(ema),
    )


def in_training(config: Config, run: Run, nets: dict[str, keras.Model]) -> CRGEditor:
    """The networks in training, as those that draw samples take them."""
    from crg.editor import NEEDED, CRGEditor

    return CRGEditor(run.folder, config, **{name: nets[name] for name in NEEDED})
