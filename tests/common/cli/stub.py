"""An editor of digits that inherits from nothing, for the tests of the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from common.editor import Control, Edited, Network, Pair, Rows, indexed
from common.kinds import Digits

LIGHTER = 51  # a fifth of 255


@dataclass(frozen=True)
class Codes:
    """Images as they are, and nothing else."""

    pixels: np.ndarray
    unknown: np.ndarray | None = None

    def __getitem__(self, rows: Rows) -> Codes:
        return indexed(self, rows)


@dataclass(frozen=True)
class Stub:
    """Decodes everything lighter by a fifth, an edit by so many fifths more."""

    folder: Path = Path("runs/stub")
    kind: Digits = field(default_factory=Digits)
    controls: tuple[Control, ...] = (
        Control(name="Smiling", meaning="1 present, 0 absent", low=-1.0, high=2.0),
        Control(name="Male", meaning="1 present, -1 absent", low=-3.0, high=3.0, off=-1.0),
    )

    def encode(self, images: np.ndarray) -> Codes:
        return Codes(images)

    def decode(self, codes: Codes) -> np.ndarray:
        return codes.pixels + np.uint8(LIGHTER)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(images))

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        return {"Smiling": codes.pixels[:, 0, 0, 0] / 255.0}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> int:
        return int(values.get("Smiling", 0.0))

    def edit(self, images: np.ndarray, request: int) -> Edited:
        inputs = self.encode(images)
        codes = Codes(images + np.uint8(LIGHTER * request))
        columns = {"reconstruction": self.decode(inputs[:40]), "lighter": self.decode(codes[:40])}
        return Edited(self.decode(codes), codes, inputs, columns, [f"({n})" for n in range(40)])

    def networks(self) -> dict[str, Network]:
        keras.utils.set_random_seed(3)
        image, y = (keras.Input((n,), name=name) for n, name in ((4, "image"), (2, "attribute")))
        joined = keras.layers.Concatenate()([image, y])
        heads = [keras.layers.Dense(units)(joined) for units in (3, 1)]
        inner, code = keras.Model([image, y], heads), keras.Input((3,), name="latent")
        outer = keras.Model(code, keras.layers.Dense(4)(code))
        docs = {"image": "four pixels", "attribute": "y"}
        found = {"mean": "of z", "answer": "a logit"}
        return {
            "encoder": Network(inner, docs, found),
            "decoder": Network(outer, {"latent": "z"}, {"image": "four pixels"}),
        }


def module(load: Callable[[Path | None], Any]) -> SimpleNamespace:
    """An editor's module, whose models can be outlined wherever they lie."""
    return SimpleNamespace(load=load, outline=lambda run: Stub(run or Stub.folder))
