"""Short real trainings: L_aux takes the attribute out of z; a longer run."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from ifcvaegan.train import EPSILON, main
from tests.runs import saved

FACES, SIDE = 1536, 16
TRAIN, DEV, TEST = slice(0, 1024), slice(1024, 1280), slice(1280, None)


def toy_faces(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares on a ground with a mouth: y is whether it is bright; places and colours are not y.

    Returns:
        Images float32 `[FACES, 16, 16, 3]` in [0, 1] and y `[FACES, 1]`.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, (FACES, 1)).astype(np.float32)
    images = np.empty((FACES, SIDE, SIDE, 3), np.float32)
    for image, present in zip(images, y[:, 0], strict=True):
        image[:] = rng.random(3)
        top, left = rng.integers(1, 5, 2)
        image[top : top + 10, left : left + 10] = rng.random(3)
        image[top + 6 : top + 9, left + 2 : left + 8] = 1.0 if present else 0.0
    return images, y


def trained(gamma: float, seed: int) -> float:
    """Trains with L_aux of that weight: how often a fresh reader then finds y in z."""
    import keras
    import tensorflow as tf

    from ifcvaegan import networks, probes
    from ifcvaegan.editor import Codes
    from ifcvaegan.model import IFcVAEGAN, Weights

    keras.utils.set_random_seed(seed)
    images, y = toy_faces(seed)
    encoder = networks.encoder(8, 1, SIDE, 8)
    decoder = networks.decoder(8, 1, SIDE, 8)
    model = IFcVAEGAN(
        encoder,
        decoder,
        networks.discriminator(SIDE, 8),
        networks.auxiliary(8, 1, 64),
        weights=Weights(
            reconstruction=3.0,
            kl=0.005,
            label=0.1,
            reconstruction_label=0.1,
            auxiliary=gamma,
            gan=0.01,
        ),
        rates=y.mean(axis=0),
        mode="confuse",
        seed=seed,
    )
    rmsprop = functools.partial(keras.optimizers.RMSprop, epsilon=EPSILON)
    model.compile(
        autoencoder=rmsprop(1e-3, rho=0.99),
        auxiliary=rmsprop(2e-3, rho=0.99),
        discriminator=rmsprop(1e-3, rho=0.5),
    )
    data = tf.data.Dataset.from_tensor_slices((images[TRAIN], y[TRAIN]))
    model.fit(
        data.shuffle(1024, seed).batch(64).repeat(), steps_per_epoch=500, shuffle=False, verbose=0
    )

    means, log_variances, _ = encoder(images, training=False)
    codes = Codes(np.asarray(means), y, np.asarray(log_variances))
    known, dev = ((codes[part], y[part, 0] > 0) for part in (TRAIN, DEV))
    logits = probes.read(known, dev, codes[TEST], "network", sampled=True, seed=seed)
    right = (logits > 0) == (y[TEST, 0] > 0)
    return float(right.mean())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_auxiliary_loss_takes_the_attribute_out_of_z(seed: int):
    without, with_ = (trained(gamma, seed) for gamma in (0.0, 1.0))
    assert without > 0.85  # z tells the attribute where nothing keeps it out
    assert with_ < without - 0.15, (with_, without)


@pytest.mark.slow
def test_a_run_that_is_extended_ends_like_one_that_was_long_at_once(tmp_path: Path):
    smoke = ["--preset", "smoke", "--deterministic", "--report-images", "8"]
    smoke += ["--cache-dir", str(tmp_path / "cache")]
    main([*smoke, "--out", str(tmp_path / "long")])
    main([*smoke, "--out", str(tmp_path / "short"), "--train.epochs", "1"])
    main(["--resume", str(tmp_path / "short"), "--train.epochs", "3"])
    networks = ("encoder", "decoder", "discriminator", "auxiliary")
    players = ("autoencoder", "auxiliary", "discriminator")
    for kind in [f"network/{n}" for n in networks] + [f"optimizer/{p}" for p in players]:
        for one, other in zip(
            *(saved(tmp_path / run, "vaegan", kind) for run in ("long", "short")), strict=True
        ):
            assert np.array_equal(one, other), kind
