"""How much z still tells about y: fresh readers that try to find it there.

The adversary A was trained against E and may be fooled where another reader is not. Both kinds are
trained on codes of training images and measured on test images, beside the base rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np

EPOCHS = 60  # at most
BATCH = 128
LEARNING_RATE = 1e-3
WIDTH = 1000  # of both hidden layers of the network, as of A
HELD_OUT = 0.1  # of the training codes, which choose the best epoch
PENALTY = 1e-3  # of the squared weights of the linear reader, of which the loss is a mean

Kind = Literal["linear", "network"]


def read(
    train_codes: np.ndarray,
    train_labels: np.ndarray,
    test_codes: np.ndarray,
    kind: Kind,
    seed: int = 0,
) -> np.ndarray:
    """What a fresh reader of one attribute says of each test code.

    The codes are standardised by the training codes. Sets the global random seeds.

    Args:
        train_codes: `[N, Z]`.
        train_labels: bool `[N]`.
        test_codes: `[M, Z]`.
        kind: "linear" (logistic regression, `PENALTY` on its squared weights, to the optimum) or
            "network" (of A's shape, as of the epoch with the smallest loss on a tenth of the
            training codes).
        seed: of the network's first weights and order.

    Returns:
        Logits float `[M]`, above 0 for present.
    """
    mean, spread = train_codes.mean(axis=0), train_codes.std(axis=0) + 1e-6
    train, test = ((codes - mean) / spread for codes in (train_codes, test_codes))
    if kind == "linear":
        return _linear(train, train_labels)(test)
    return _network(train, train_labels, seed)(test)


def _linear(codes: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Logistic regression: a function from codes to logits."""
    from scipy.optimize import minimize
    from scipy.special import expit

    x = np.concatenate([codes, np.ones((len(codes), 1))], axis=1).astype(np.float64)
    y = labels.astype(np.float64)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = x @ weights
        value = float(np.mean(np.logaddexp(0.0, logits) - y * logits))
        gradient = x.T @ (expit(logits) - y) / len(y)
        return value + PENALTY * float(weights @ weights), gradient + 2.0 * PENALTY * weights

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B")
    return lambda others: others @ found.x[:-1] + found.x[-1]


def _network(
    codes: np.ndarray, labels: np.ndarray, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Two hidden layers: a function from codes to logits."""
    import keras

    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(WIDTH, activation="relu") for _ in range(2)]
    last = keras.layers.Dense(1, dtype="float32")
    reader = keras.Sequential([keras.Input((codes.shape[1],)), *hidden, last])
    reader.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=cast(Any, False),
    )
    best = keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
    reader.fit(
        codes,
        labels.astype(np.float32),
        batch_size=BATCH,
        epochs=EPOCHS,
        validation_split=HELD_OUT,
        callbacks=[best],
        verbose=cast(Any, 0),
    )
    return lambda others: np.asarray(reader(others))[:, 0]
