"""A face model whose answers are known: z is the mean colour, and is shown half as bright."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.datasets.celeba.faces import WHOLE_WIDTH
from common.editor import Control, Edited, Network, Pair, Rows, indexed
from common.images import to_uint8
from common.kinds import Faces


@dataclass(frozen=True)
class Colours:
    """Z `[N, 3]`: red, green and blue, 0 to 1."""

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Colours:
        return indexed(self, rows)


@functools.cache
def halving() -> Any:
    """Two layers of three units that halve z together."""
    import keras

    latent = keras.Input((3,), name="latent")
    first, second = (keras.layers.Dense(3) for _ in range(2))
    network = keras.Model(latent, second(first(latent)))
    first.set_weights([np.eye(3), np.zeros(3)])
    second.set_weights([np.eye(3) / 2, np.zeros(3)])
    return network


@dataclass(frozen=True)
class Flat:
    """Even images of 32x32 pixels; `Glow` adds to z."""

    network: Any = None
    folder: Path = Path("flat")
    decoding: str = "decoder"
    kind: Any = field(default_factory=lambda: Faces(32, WHOLE_WIDTH))
    controls: tuple[Control, ...] = (
        Control(name="Glow", meaning="added to all colours", low=0.0, high=1.0, default=0.0),
    )

    def encode(self, images: np.ndarray) -> Colours:
        return Colours((images.mean(axis=(1, 2)) / 255.0).astype(np.float32))

    def drawn(self, codes: Colours) -> Any:
        import tensorflow as tf

        colours = (self.network or halving())(codes.latent, training=False)
        return tf.tile(colours[:, None, None], (1, 32, 32, 1))

    def decode(self, codes: Colours) -> np.ndarray:
        return to_uint8(np.asarray(self.drawn(codes)), "unit")

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(images))

    def readings(self, codes: Colours) -> dict[str, np.ndarray]:
        return {}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> float:
        return values.get("Glow", 0.0)

    def edit(self, images: np.ndarray, request: float) -> Edited:
        inputs = self.encode(images)
        codes = Colours(inputs.latent + np.float32(request))
        return Edited(self.decode(codes), codes, inputs)

    def networks(self) -> dict[str, Network]:
        one = Network(self.network or halving(), {"latent": "z"}, {"image": "a colour"})
        return {"decoder": one}

    def random(self, count: int, seed: int) -> Colours:
        spread = np.array([3.0, 1.0, 0.1], np.float32)
        drawn = np.random.default_rng(seed).standard_normal((count, 3), np.float32)
        return Colours(drawn * spread)

    def with_decoder(self, network: Any) -> Flat:
        return replace(self, network=network)
