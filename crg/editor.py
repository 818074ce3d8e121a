"""A trained CRG that edits digits or faces: g and e of Dogan & Keles (arXiv 1907.01841), Sec. 3.3.

An image x becomes z = e(x), a code becomes the image g(z), and an edit is a step along directions
in z (`crg.codes`, Eqs. 3 and 4).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.editor import SHOWN, Control, Edited, Network, Pair, Rows, compiled, indexed
from common.errors import UserError
from common.images import from_range, in_blocks, range_text, to_range, to_uint8
from common.kinds import Digits, Faces
from common.runs import trained
from common.runs.directory import Run
from common.runs.weights import default_weights
from crg.codes import Along, Direction, Norm, moved
from crg.config import Config, dataset_of
from crg.faces.config import CROPS
from crg.faces.config import Config as FacesConfig
from crg.shipped import DIGITS

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from crg.inversion import Prior

SHIPPED = DIGITS  # where neither a run nor images say more
NEEDED = ("generator", "encoder")  # for editing
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the amounts, on the sheet


@dataclass(frozen=True, slots=True)
class Codes:
    """What images become.

    Attributes:
        latent: z `[N, Z]`, float32.
    """

    latent: np.ndarray

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)


@dataclass(frozen=True)
class CRGEditor:
    """A trained CRG: where it lies, its settings, and g and e."""

    folder: Path
    config: Config | FacesConfig
    generator: keras.Model
    encoder: keras.Model

    @property
    def title(self) -> str:
        """CRG, and the objective of its encoder where that is one alone."""
        if not isinstance(self.config, Config):
            return "CRG"
        alone = {"both": "", "latent_cycle": ", Eq. 1 alone", "image_cycle": ", Eq. 2 alone"}
        return f"CRG{alone[self.config.encoder.objectives]}"

    @property
    def kind(self) -> Digits | Faces:
        """Digits, or faces as they were cropped in the training."""
        if isinstance(self.config, Config):
            return Digits()
        return Faces(self.config.image_size, CROPS[self.config.data.crop])

    @property
    def prior(self) -> Prior:
        """Where z is drawn from: U[-1, 1]^Z of digits (Sec. 3.2.1), N(0, I) of faces."""
        return "uniform" if isinstance(self.config, Config) else "normal"

    @property
    def controls(self) -> tuple[Control, ...]:
        """The strength of a step along a direction, which a pair of images defines."""
        meaning = "share of the pair's own step: 1 adds the attribute, -1 takes it away"
        return (
            Control(name="strength", meaning=meaning, low=-2.0, high=2.0, default=0.0, pair=True),
        )

    def encode(self, images: np.ndarray) -> Codes:
        """Z = e(x) of uint8 images `[N, S, S, C]`."""
        return Codes(in_blocks(lambda block: self._encode(to_range(block)), images))

    def decode(self, codes: Codes) -> np.ndarray:
        """X = g(z), uint8 `[N, S, S, C]`."""
        return in_blocks(lambda z: to_uint8(self.drawn(Codes(z)), "unit"), codes.latent)

    @property
    def decoding(self) -> str:
        """The generator, g."""
        return "generator"

    def drawn(self, codes: Codes) -> tf.Tensor:
        """See `common.editor.Tunable.drawn`."""
        return from_range(self._generate(codes.latent))

    def random(self, count: int, seed: int) -> Codes:
        """`draw`, as codes."""
        return Codes(self.draw(count, seed))

    def with_decoder(self, network: keras.Model) -> CRGEditor:
        """See `common.editor.Tunable.with_decoder`."""
        return replace(self, generator=network)

    @functools.cached_property
    def _encode(self) -> Callable[..., Any]:
        """E, compiled."""
        return compiled(self.encoder)

    @functools.cached_property
    def _generate(self) -> Callable[..., Any]:
        """G, compiled."""
        return compiled(self.generator)

    def draw(self, count: int, seed: int) -> np.ndarray:
        """Z of the prior, float32 `[count, Z]`: U[-1, 1] of digits, N(0, I) of faces."""
        rng, shape = np.random.default_rng(seed), (count, self.generator.input_shape[-1])
        if isinstance(self.config, Config):
            return rng.uniform(-1, 1, shape).astype(np.float32)
        return rng.standard_normal(shape, np.float32)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """g(e(x)) of uint8 images `[N, S, S, C]`."""
        return self.decode(self.encode(images))

    def direction(
        self, without: np.ndarray, with_: np.ndarray, norm: Norm = "squared"
    ) -> Direction:
        """The direction that a pair of images defines (Eq. 3).

        Args:
            without: the image without the attribute, uint8 `[S, S, C]`.
            with_: the image with it.
            norm: how Eq. 3 divides, see `Direction`.

        Raises:
            UserError: both images have the same code.
        """
        z_without, z_with = self.encode(np.stack([without, with_])).latent
        return Direction(z_without, z_with, norm)

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        """Nothing: z has no coordinate with a meaning of its own."""
        return {}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Along:
        """See `common.editor.Editor.request`; the pair defines the direction.

        Raises:
            UserError: a strength without a pair, or of one whose images have the same code.
        """
        if unknown := sorted(set(values) - {"strength"}):
            raise UserError(f"The model has no control {unknown}; it has strength.")
        if not values:
            return Along()
        if pair is None:
            raise UserError("A strength needs a direction: choose two images, without and with.")
        return Along(directions=[self.direction(*pair)], amounts=[values["strength"]])

    def edit(self, images: np.ndarray, request: Along) -> Edited:
        """Steps along directions (Eq. 4); none is the reconstruction.

        Args:
            images: uint8 `[N, S, S, C]`.
            request: the directions and the amounts.

        Raises:
            UserError: amounts that lead to codes that are not finite numbers.
        """
        inputs = self.encode(images)
        with np.errstate(over="ignore", invalid="ignore"):
            codes = Codes(moved(inputs.latent, request))
        if not np.isfinite(codes.latent).all():
            raise UserError(
                f"The amounts {list(request.amounts)} lead to codes that are not finite numbers; "
                "strengths are usually between -2 and 2."
            )
        columns = {
            request.label(share): self.decode(Codes(moved(inputs.latent[:SHOWN], request, share)))
            for share in SHARES
        }
        return Edited(self.decode(codes), codes, inputs, columns)

    def networks(self) -> dict[str, Network]:
        """G and e."""
        image = {"image": f"{self.kind.text}, {range_text('signed')}"}
        digits = isinstance(self.config, Config)
        latent = {"latent": "z, from -1 to 1" if digits else "z, of N(0, 1)"}
        unbounded = digits and self.config.networks.output_activation == "lrelu"
        beyond = "; to be clipped" if unbounded else ""
        made = {"image": f"{range_text('signed')}{beyond}"}
        return {
            "generator": Network(self.generator, latent, made),
            "encoder": Network(self.encoder, image, latent),
        }


def build(config: Config | FacesConfig) -> dict[str, keras.Model]:
    """All three networks that the settings describe, by name, with fresh weights."""
    if isinstance(config, FacesConfig):
        from crg.faces.networks import build as build_faces

        return build_faces(config)
    from crg import networks

    sizes = config.networks
    return {
        "generator": networks.generator(
            sizes.latent_size, sizes.generator_channels, sizes.output_activation
        ),
        "discriminator": networks.discriminator(
            sizes.discriminator_channels, sizes.discriminator_dropout
        ),
        "encoder": networks.encoder(
            sizes.latent_size, sizes.encoder_channels, sizes.encoder_dropout
        ),
    }


def outline(folder: Path | None) -> CRGEditor:
    """As `load`, at once but without the networks: what it knows of kind, controls and requests."""
    found, config = trained.find(folder, SHIPPED, "crg", settings_of(folder), NEEDED)
    return CRGEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> CRGEditor:
    """Loads generator and encoder of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its encoder is not trained yet.
    """
    kind, config = settings_of(folder), outline(folder).config
    foreign = isinstance(config, FacesConfig) and config.generator is not None
    own = tuple(name for name in NEEDED if name != "generator" or not foreign)
    folder, config, nets = trained.load(folder, SHIPPED, "crg", kind, build, own)
    if foreign:
        from crg.faces.networks import pretrained

        sizes = config.networks.latent_size, config.image_size
        nets["generator"] = pretrained(Run(folder).network_file("generator"), *sizes)
    return CRGEditor(folder, config, **nets)


def settings_of(folder: Path | None) -> type[Config] | type[FacesConfig]:
    """What the settings of a run are: those of digits, or of faces."""
    return Config if dataset_of(folder or default_weights(SHIPPED)) == "mnist" else FacesConfig
