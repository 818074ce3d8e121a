"""Records: what every loader returns and everything downstream starts from.

A data set is an array of images and an array of attributes, aligned by row. That is all that the
papers need of MNIST, CelebA or a folder of pictures, so no loader subclasses or extends this.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from common.errors import UserError

HASHED_WHOLE_BYTES = 256 * 2**20  # arrays above this size are fingerprinted by a sample
HASHED_ROWS = 1024  # rows of that sample


@dataclass(frozen=True, eq=False, slots=True)
class Records:
    """Images with their attributes, in a fixed order.

    Attributes:
        images: uint8 `[N, H, W, C]` in 0..255, C = 1 (gray) or 3 (RGB); an array in memory or an
            `np.memmap` for sets that do not fit there. Not to be written to.
        attributes: float32 `[N, A]`, finite: a one-hot class for MNIST, a value per attribute
            (0 absent, 1 present) for faces, A = 0 for images without labels.
        attribute_names: A different names, in the order of the columns.
        name: The data set, such as `mnist`.
        source: Where the records came from, for people: a path and a split.

    Raises:
        UserError: The arrays do not have these shapes and types or do not belong together.
    """

    images: np.ndarray
    attributes: np.ndarray
    attribute_names: tuple[str, ...]
    name: str
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "attribute_names", tuple(self.attribute_names))
        images, attributes = self.images, self.attributes
        what = f"Records of {self.name} from {self.source}"
        if not (images.ndim == 4 and images.dtype == np.uint8 and images.shape[3] in (1, 3)):
            raise UserError(
                f"{what}: the images must be uint8 [N, H, W, 1 or 3] "
                f"but are {images.dtype} {list(images.shape)}."
            )
        if not (attributes.ndim == 2 and attributes.dtype == np.float32):
            raise UserError(
                f"{what}: the attributes must be float32 [N, A] "
                f"but are {attributes.dtype} {list(attributes.shape)}."
            )
        if len(images) != len(attributes):
            raise UserError(
                f"{what}: there are {len(images)} images but {len(attributes)} rows of attributes; "
                "both need one row per image."
            )
        names = self.attribute_names
        if len(names) != attributes.shape[1] or len(set(names)) != len(names):
            raise UserError(
                f"{what}: {attributes.shape[1]} attribute columns need as many different names, "
                f"but the names are {list(names)}."
            )
        if not np.isfinite(attributes).all():
            raise UserError(f"{what}: the attributes contain values that are not finite numbers.")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> np.ndarray:
        """The class of each record, int64 `[N]`: the column of its one-hot attributes.

        Raises:
            UserError: The attributes are not one-hot, so there is no class.
        """
        one_hot = (self.attributes == 0) | (self.attributes == 1)
        if not (one_hot.all() and (self.attributes.sum(axis=1) == 1).all()):
            raise UserError(
                f"Records of {self.name} from {self.source} have no class labels: "
                f"their {len(self.attribute_names)} attributes are not one-hot."
            )
        return self.attributes.argmax(axis=1)

    def take(self, rows: slice | np.ndarray | list[int]) -> Records:
        """Some of the records: a view for a slice, a copy in memory for indices."""
        return Records(
            images=self.images[rows],
            attributes=self.attributes[rows],
            attribute_names=self.attribute_names,
            name=self.name,
            source=self.source,
        )

    def spaced(self, limit: int | None) -> Records:
        """At most `limit` records, evenly spaced: the halves of MNIST's test file differ."""
        if limit is None or limit >= len(self):
            return self
        return self.take(np.linspace(0, len(self) - 1, limit).astype(np.int64))

    def fingerprint(self) -> str:
        """A short hash of the contents, for a run's environment record.

        Equal for equal images, attributes and attribute names, wherever they were read from.
        Images of more than 256 MiB are hashed by their shape and 1,024 evenly spaced rows, the
        first and the last included: it tells data sets apart but does not notice every changed
        pixel. The attributes are always hashed whole.

        Returns:
            The first 16 hexadecimal digits of a SHA-256.
        """
        digest = hashlib.sha256()
        digest.update(repr((self.images.shape, self.attribute_names)).encode())
        images = self.images
        if images.nbytes > HASHED_WHOLE_BYTES:
            images = images[
                np.unique(np.linspace(0, len(images) - 1, HASHED_ROWS).astype(np.int64))
            ]
        digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(self.attributes).data)
        return digest.hexdigest()[:16]
