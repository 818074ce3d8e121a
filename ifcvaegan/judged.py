"""Codes of faces, and edits and reconstructions of them as a judge reads them."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.metrics.reconstruction import mae, mse
from ifcvaegan.codes import decode, encode, sampled, with_values

if TYPE_CHECKING:
    from common.metrics.face_classifier import Judge
    from ifcvaegan.trained import Trained


class Codes:
    """The codes of some faces, and edits of them.

    Args:
        model: E and D.
        records: the faces.
        seed: of z.

    Attributes:
        means: of z `[N, Z]`.
        latents: z ~ N(mu, sigma^2) `[N, Z]`, which the paper decodes.
        read: y as E reads it `[N, A]`.
    """

    def __init__(self, model: Trained, records: Records, seed: int):
        self.model, self.records = model, records
        self.means, self.log_variances, self.read = encode(model, records.images)
        self.latents = sampled(self.means, self.log_variances, seed)

    def edited(self, column: int, value: float, latents: np.ndarray | None = None) -> np.ndarray:
        """The faces with one attribute set, uint8 `[N, S, S, 3]`.

        Args:
            column: of the attribute in y.
            value: 0 for absent, 1 for present.
            latents: z `[N, Z]`; `self.latents` if None.
        """
        names = self.model.attribute_names
        attributes = with_values(self.read, names, {names[column]: value})
        return decode(self.model, attributes, self.latents if latents is None else latents)

    def take(self, rows: np.ndarray) -> Codes:
        """Those of some faces, `[N]` row numbers or bool."""
        some = copy.copy(self)
        some.records = self.records.take(rows)
        for name in ("means", "log_variances", "latents", "read"):
            setattr(some, name, getattr(self, name)[rows])
        return some

    def without_noise(self) -> Codes:
        """The same with the means in the place of sampled z, as `ifcvaegan.edit` decodes them."""
        some = copy.copy(self)
        some.latents = self.means
        return some

    def reconstructions(self, latents: np.ndarray) -> np.ndarray:
        """The faces with z as given, `[N, Z]`, and y as E reads it: uint8 `[N, S, S, 3]`."""
        return decode(self.model, self.read, latents)


class Judged:
    """Some faces, their reconstructions and edits of one attribute, and what the judge reads there.

    z is sampled, as in the paper.

    Args:
        codes: of the faces.
        column: of the attribute in y.
        judge: reads attributes.
        judged: column of the attribute in its answers.

    Attributes:
        present: bool `[N]`, the attribute by the labels.
        rebuilt: reconstructions, uint8 `[N, S, S, 3]`.
        edits: 0 and 1 -> the faces decoded with y at that value, uint8 `[N, S, S, 3]`.
        read_real: all attributes in the faces themselves, bool `[N, J]`.
        read_rebuilt: all attributes in the reconstructions, bool `[N, J]`.
        read_edits: 0 and 1 -> all attributes in the edits, bool `[N, J]`.
    """

    def __init__(self, codes: Codes, column: int, judge: Judge, judged: int):
        self.codes, self.column, self.judged = codes, column, judged
        self.present = codes.records.attributes[:, column] > 0.5
        self.rebuilt = codes.reconstructions(codes.latents)
        self.edits = {value: codes.edited(column, float(value)) for value in (0, 1)}
        self.read_real = judge(codes.records.images) > 0.5
        self.read_rebuilt = judge(self.rebuilt) > 0.5
        self.read_edits = {value: judge(edit) > 0.5 for value, edit in self.edits.items()}

    def right(self, value: int) -> np.ndarray:
        """Class0 or Class1: whether each face, decoded with y = value, is read so; bool `[N]`."""
        return self.read_edits[value][:, self.judged] == bool(value)

    @functools.cached_property
    def errors(self) -> np.ndarray:
        """MSE of each reconstruction on [0, 1], `[N]`."""
        return mse(self.codes.records.images, self.rebuilt)

    @functools.cached_property
    def effect(self) -> np.ndarray:
        """Mean absolute difference of D(1, z) and D(0, z) on [0, 1], `[N]`."""
        return mae(self.edits[0], self.edits[1])
