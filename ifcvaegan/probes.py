"""How much z still tells about y: fresh readers that try to find it there.

The adversary A was trained against E and may be fooled where another reader is not. A saw fresh
noise at each step, and so do these readers: z ~ N(mu, sigma^2) is drawn anew in each epoch. They
learn on codes of training images until they read those of dev no better, and are measured beside
the base rate. What they find is a lower bound: a better reader may find more.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np

from ifcvaegan.editor import Codes

EPOCHS = 300  # at most
PATIENCE = 20  # epochs in which no answer for dev was better than before
DRAWS = 8  # of z of each face that is read
BATCH = 128
LEARNING_RATE = 1e-3
WIDTH = 1000  # of both hidden layers of the network, as of A

Kind = Literal["linear", "network"]


def read(
    train: tuple[Codes, np.ndarray],
    dev: tuple[Codes, np.ndarray],
    measured: Codes,
    kind: Kind,
    *,
    sampled: bool,
    seed: int = 0,
) -> np.ndarray:
    """What a fresh reader of one attribute says of each code.

    The codes are standardised by the training codes. Sets the global random seeds.

    Args:
        train: encoded images with mean and log variance of z, `[N, Z]`, and the labels, bool `[N]`.
        dev: others, which choose the epoch.
        measured: those to read, of M images.
        kind: "linear" (logistic regression) or "network" (of A's shape).
        sampled: reads samples of z, `DRAWS` of each image; else its mean.
        seed: of the first weights, the order and the noise.

    Returns:
        Logits float `[D, M]`, above 0 for present, of D = `DRAWS` samples of z, or of the one mean.
    """
    import keras

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    reader = _reader(train[0].latent.shape[1], kind)
    draws = DRAWS if sampled else 1

    def drawn(codes: Codes) -> np.ndarray:
        return codes.sampled(int(rng.integers(2**31))).latent if sampled else codes.latent

    first = drawn(train[0])
    mean, spread = first.mean(axis=0), first.std(axis=0) + 1e-6

    def answers(several: np.ndarray) -> np.ndarray:
        """Of `[D, M, Z]`: `[D, M]`."""
        return np.stack([np.asarray(reader((one - mean) / spread))[:, 0] for one in several])

    chosen = np.stack([drawn(dev[0]) for _ in range(draws)])
    best, since, weights = -1.0, 0, reader.get_weights()
    for _ in range(EPOCHS):
        codes = (drawn(train[0]) - mean) / spread
        reader.fit(codes, train[1].astype(np.float32), batch_size=BATCH, verbose=cast(Any, 0))
        right = float(((answers(chosen) > 0.0) == dev[1]).mean())
        if right > best:
            best, since, weights = right, 0, reader.get_weights()
        else:
            since += 1
            if since == PATIENCE:
                break
    reader.set_weights(weights)
    return answers(np.stack([drawn(measured) for _ in range(draws)]))


def _reader(size: int, kind: Kind) -> Any:
    """A new reader: z `[B, Z]` to logits `[B, 1]`."""
    import keras

    hidden = 2 if kind == "network" else 0
    layers = [keras.layers.Dense(WIDTH, activation="relu") for _ in range(hidden)]
    last = keras.layers.Dense(1, dtype="float32")
    reader = keras.Sequential([keras.Input((size,)), *layers, last])
    reader.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=cast(Any, False),
    )
    return reader
