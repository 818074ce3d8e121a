"""Encoded faces, and edits and reconstructions of them as a classifier reads them."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING

import numpy as np

from common.datasets.records import Records
from common.metrics.reconstruction import mae, mse
from ifcvaegan.codes import with_values

if TYPE_CHECKING:
    from common.classifiers.faces import FaceClassifier
    from ifcvaegan.editor import IFcVAEGANEditor


class Encoded:
    """Some faces with their codes, and edits of them.

    Args:
        model: E and D.
        records: the faces.
        seed: of z.

    Attributes:
        means: their codes, with the mean of z.
        codes: the same with z ~ N(mu, sigma^2), which the paper decodes.
    """

    def __init__(self, model: IFcVAEGANEditor, records: Records, seed: int):
        self.model, self.records = model, records
        self.means = model.encode(records.images)
        self.codes = self.means.sampled(seed)

    def edited(self, column: int, value: float) -> np.ndarray:
        """The faces with one attribute set, uint8 `[N, S, S, 3]`.

        Args:
            column: of the attribute in y.
            value: 0 for absent, 1 for present.
        """
        names = self.model.attribute_names
        attributes = with_values(self.codes.attributes, names, {names[column]: value})
        return self.model.decode(self.codes.with_attributes(attributes))

    def reconstructions(self) -> np.ndarray:
        """The faces decoded with y as E reads it, uint8 `[N, S, S, 3]`."""
        return self.model.decode(self.codes)

    def moved(self, latents: np.ndarray) -> np.ndarray:
        """The faces with another z `[N, Z]`, and y as E reads it: uint8 `[N, S, S, 3]`."""
        return self.model.decode(self.codes.with_latent(latents))

    def take(self, rows: np.ndarray) -> Encoded:
        """Those of some faces, `[N]` row numbers or bool."""
        some = copy.copy(self)
        some.records = self.records.take(rows)
        some.means, some.codes = self.means[rows], self.codes[rows]
        return some

    def without_noise(self) -> Encoded:
        """The same with the means in the place of sampled z, as `ifcvaegan.edit` decodes them."""
        some = copy.copy(self)
        some.codes = self.means
        return some


class Readings:
    """What a classifier reads in some faces, their reconstructions and edits of one attribute.

    z is sampled, as in the paper.

    Args:
        faces: with their codes.
        column: of the attribute in y.
        classifier: reads attributes, also this one.

    Attributes:
        present: bool `[N]`, the attribute by the labels.
        rebuilt: reconstructions, uint8 `[N, S, S, 3]`.
        edits: 0 and 1 -> the faces decoded with y at that value, uint8 `[N, S, S, 3]`.
        read_real: all attributes in the faces themselves, bool `[N, J]`.
        read_rebuilt: all attributes in the reconstructions, bool `[N, J]`.
        read_edits: 0 and 1 -> all attributes in the edits, bool `[N, J]`.
    """

    def __init__(self, faces: Encoded, column: int, classifier: FaceClassifier):
        self.faces, self.column = faces, column
        self.answer = classifier.names.index(faces.model.attribute_names[column])
        self.present = faces.records.attributes[:, column] > 0.5
        self.rebuilt = faces.reconstructions()
        self.edits = {value: faces.edited(column, float(value)) for value in (0, 1)}
        self.read_real = classifier.read(faces.records.images)
        self.read_rebuilt = classifier.read(self.rebuilt)
        self.read_edits = {value: classifier.read(edit) for value, edit in self.edits.items()}

    def right(self, value: int) -> np.ndarray:
        """Class0 or Class1: whether each face, decoded with y = value, is read so; bool `[N]`."""
        return self.read_edits[value][:, self.answer] == bool(value)

    @functools.cached_property
    def errors(self) -> np.ndarray:
        """MSE of each reconstruction on [0, 1], `[N]`."""
        return mse(self.faces.records.images, self.rebuilt)

    @functools.cached_property
    def effect(self) -> np.ndarray:
        """Mean absolute difference of D(1, z) and D(0, z) on [0, 1], `[N]`."""
        return mae(self.edits[0], self.edits[1])
