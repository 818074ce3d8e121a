"""A trained CVAE-GAN that edits faces: x* = G(c*, E(x, c)), c as its classifier C reads it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.datasets.celeba.faces import WHOLE_WIDTH
from common.editor import SHOWN, Control, Edited, Network, Pair, Rows, compiled, indexed
from common.errors import UserError, did_you_mean
from common.images import in_blocks, range_text, to_range, to_uint8
from common.kinds import Faces
from common.runs import trained
from comparators.cvaegan.config import Config

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SHIPPED = "cvaegan-celeba"  # below weights/, where none comes with the project
NEEDED = ("encoder", "generator", "classifier")


@dataclass(frozen=True, slots=True)
class Set:
    """Set attributes: name -> value, 0 for absent and 1 for present. None: the reconstruction."""

    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Codes:
    """What faces become.

    Attributes:
        latent: z `[N, Z]`: of encoded images the mean, mu.
        attributes: c `[N, A]`, 0 for absent and 1 for present: of encoded images as C reads it.
    """

    latent: np.ndarray
    attributes: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True)
class CVAEGANEditor:
    """A trained CVAE-GAN: where it lies, its settings, and E, G and C."""

    folder: Path
    config: Config
    encoder: keras.Model
    generator: keras.Model
    classifier: keras.Model

    @property
    def title(self) -> str:
        """The system, as a table of several names it."""
        return "CVAE-GAN"

    @property
    def kind(self) -> Faces:
        """Faces of the run's size."""
        return Faces(self.config.data.image_size, WHOLE_WIDTH)

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Of the columns of c."""
        return self.config.data.attributes

    @property
    def controls(self) -> tuple[Control, ...]:
        """The attributes; C answers 0 or 1, and G knows nothing between."""
        return tuple(
            Control(name=name, meaning="1 present, 0 absent", low=0.0, high=1.0)
            for name in self.attribute_names
        )

    def encode(self, images: np.ndarray) -> Codes:
        """Reads c by C, then the mean of z by E(x, c), of uint8 images `[N, S, S, 3]`."""
        size = len(self.attribute_names)

        def codes(block: np.ndarray) -> np.ndarray:
            x = to_range(block)
            logits, _ = self._classify(x)
            c = (np.asarray(logits) > 0.0).astype(np.float32)
            return np.concatenate([c, np.asarray(self._encode(x, c)[0])], axis=1)

        attributes, latent = np.split(in_blocks(codes, images), [size], axis=1)
        return Codes(latent, attributes)

    def decode(self, codes: Codes) -> np.ndarray:
        """The images G(c, z), uint8 `[N, S, S, 3]`."""
        z, c = (np.asarray(one, np.float32) for one in (codes.latent, codes.attributes))
        return in_blocks(lambda *block: to_uint8(self.drawn(Codes(*block)), "unit"), z, c)

    @property
    def decoding(self) -> str:
        """G."""
        return "generator"

    def drawn(self, codes: Codes) -> tf.Tensor:
        """See `common.editor.Tunable.drawn`."""
        return 0.5 * (self._decode(codes.attributes, codes.latent) + 1.0)

    def random(self, count: int, seed: int) -> Codes:
        """Z ~ N(0, I), and each attribute there or not."""
        rng, sizes = np.random.default_rng(seed), [one.shape[1] for one in self.generator.inputs]
        attributes = rng.integers(0, 2, (count, sizes[0])).astype(np.float32)
        return Codes(rng.standard_normal((count, sizes[1]), np.float32), attributes)

    def with_decoder(self, network: keras.Model) -> CVAEGANEditor:
        """See `common.editor.Tunable.with_decoder`."""
        return replace(self, generator=network)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(c, E(x, c)) of uint8 images `[N, S, S, 3]`, with the mean of z."""
        return self.decode(self.encode(images))

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        """What C reads, by name: 0 or 1, `[N]` each."""
        return dict(zip(self.attribute_names, codes.attributes.T, strict=True))

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Set:
        """See `common.editor.Editor.request`; no control takes a pair."""
        return Set(dict(values))

    def edit(self, images: np.ndarray, request: Set) -> Edited:
        """Sets attributes; those that are not set stay as C reads them.

        Args:
            images: uint8 `[N, S, S, 3]`.
            request: what to set.

        Raises:
            UserError: the model does not have an attribute.
        """
        inputs, names = self.encode(images), self.attribute_names
        wanted = inputs.attributes.copy()
        for name, value in request.values.items():
            if name not in names:
                raise UserError(
                    f"The model has no attribute {name!r}.{did_you_mean(name, names)} It has "
                    f"{', '.join(names)}."
                )
            wanted[:, names.index(name)] = value
        codes = replace(inputs, attributes=wanted)
        edited = self.decode(codes)
        label = "\n".join(f"{name}={value:g}" for name, value in request.values.items())
        columns = {"reconstruction": self.decode(inputs[:SHOWN]), label or "no change": edited}
        return Edited(edited, codes, inputs, {name: made[:SHOWN] for name, made in columns.items()})

    @functools.cached_property
    def _encode(self) -> Callable[..., Any]:
        """E, compiled."""
        return compiled(self.encoder)

    @functools.cached_property
    def _decode(self) -> Callable[..., Any]:
        """G, compiled."""
        return compiled(self.generator)

    @functools.cached_property
    def _classify(self) -> Callable[..., Any]:
        """C, compiled."""
        return compiled(self.classifier)

    def networks(self) -> dict[str, Network]:
        """E, G and C."""
        image = {"image": f"{self.kind.text}; {range_text('signed')}"}
        attribute = {"attribute": f"c: 1 present, 0 absent, of {', '.join(self.attribute_names)}"}
        latent = {"latent": "z: the mean that E gives, or a sample"}
        found = {"mean": "of z", "log_variance": "of z: log sigma^2"}
        read = {"logits": "of c: present above 0", "features": "what the last layer takes"}
        return {
            "encoder": Network(self.encoder, image | attribute, found),
            "generator": Network(self.generator, attribute | latent, image),
            "classifier": Network(self.classifier, image, read),
        }


def build(config: Config) -> dict[str, keras.Model]:
    """All four networks that the settings describe, by name, with fresh weights."""
    from comparators.cvaegan import networks

    size, count = config.data.image_size, len(config.data.attributes)
    latent_size, filters = config.networks.latent_size, config.networks.filters
    return {
        "encoder": networks.encoder(latent_size, count, size, filters),
        "generator": networks.generator(latent_size, count, size, filters),
        "discriminator": networks.discriminator(size, filters),
        "classifier": networks.classifier(count, size, filters),
    }


def outline(folder: Path | None) -> CVAEGANEditor:
    """As `load`, at once but without the networks."""
    found, config = trained.find(folder, SHIPPED, "comparators.cvaegan", Config, NEEDED)
    return CVAEGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> CVAEGANEditor:
    """Loads encoder, generator and classifier of a run.

    Raises:
        UserError: the folder is no run, or is not trained yet.
    """
    package = "comparators.cvaegan"
    folder, config, nets = trained.load(folder, SHIPPED, package, Config, build, NEEDED)
    return CVAEGANEditor(folder, config, **nets)
