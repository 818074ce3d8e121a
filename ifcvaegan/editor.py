"""A trained IFcVAEGAN that edits faces: x* = D(y*, E_z(x)).

Creswell, Bharath & Sengupta (arXiv 1711.05175 v1), Sec. 3.3: encode an image to z, put the wanted y
beside it, decode. What each request does to y is in `ifcvaegan.codes`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.editor import SHOWN, Control, Edited, Network, Pair, Rows, compiled, indexed
from common.errors import UserError, did_you_mean
from common.images import in_blocks, range_text, to_range, to_uint8
from common.kinds import Faces
from common.runs import trained
from ifcvaegan.codes import Request, Set, Sweep, with_values
from ifcvaegan.config import CROPS, Config, attribute_names

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SHIPPED = "ifcvaegan-celeba"  # below weights/
NEEDED = ("encoder", "decoder")  # for editing
LOWEST, HIGHEST = -1.0, 2.0  # of a value that is set; 0 and 1 are what the networks know


@dataclass(frozen=True, slots=True)
class Codes:
    """What faces become.

    Attributes:
        latent: z `[N, Z]`: of encoded images the mean, mu.
        attributes: y `[N, A]`, from 0 for absent to 1 for present: of encoded images as E reads it.
        log_variance: log sigma^2 of z `[N, Z]`; None of codes that were not encoded.
    """

    latent: np.ndarray
    attributes: np.ndarray
    log_variance: np.ndarray | None = None

    def __getitem__(self, rows: Rows) -> Codes:
        """Those of some images."""
        return indexed(self, rows)

    def with_attributes(self, attributes: np.ndarray) -> Codes:
        """The same z with another y `[N, A]`."""
        return Codes(self.latent, attributes)

    def with_latent(self, latent: np.ndarray) -> Codes:
        """The same y with another z `[N, Z]`."""
        return Codes(latent, self.attributes)

    def sampled(self, seed: int) -> Codes:
        """Z ~ N(mu, sigma^2), as in the training and in the paper's evaluation.

        Args:
            seed: of the noise.
        """
        assert self.log_variance is not None
        noise = np.random.default_rng(seed).standard_normal(self.latent.shape, np.float32)
        return self.with_latent(self.latent + np.exp(0.5 * self.log_variance) * noise)


@dataclass(frozen=True)
class IFcVAEGANEditor:
    """A trained IFcVAEGAN: where it lies, its settings, and E and D."""

    folder: Path
    config: Config
    encoder: keras.Model
    decoder: keras.Model

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Of the columns of y."""
        return attribute_names(self.config)

    @property
    def kind(self) -> Faces:
        """Faces as they were cropped in the training."""
        return Faces(self.config.data.image_size, CROPS[self.config.data.crop])

    @property
    def controls(self) -> tuple[Control, ...]:
        """The attributes."""
        return tuple(
            Control(name=name, meaning="1 present, 0 absent", low=LOWEST, high=HIGHEST)
            for name in self.attribute_names
        )

    def encode(self, images: np.ndarray) -> Codes:
        """E(x) of uint8 images `[N, S, S, 3]`: the mean of z, its log variance, y."""
        from scipy.special import expit

        def outputs(block: np.ndarray) -> np.ndarray:
            return np.concatenate(self._encode(to_range(block, "unit")), axis=1)

        joined = in_blocks(outputs, images)  # [N, Z + Z + A]
        size = (joined.shape[1] - len(self.attribute_names)) // 2
        means, log_variances, logits = np.split(joined, [size, 2 * size], axis=1)
        return Codes(means, expit(logits), log_variances)

    def decode(self, codes: Codes) -> np.ndarray:
        """X = D(y, z), uint8 `[N, S, S, 3]`."""
        z, y = (np.asarray(one, np.float32) for one in (codes.latent, codes.attributes))
        return in_blocks(lambda *block: to_uint8(self.drawn(Codes(*block)), "unit"), z, y)

    @property
    def decoding(self) -> str:
        """D."""
        return "decoder"

    def drawn(self, codes: Codes) -> tf.Tensor:
        """See `common.editor.Tunable.drawn`."""
        import tensorflow as tf

        return tf.sigmoid(self._decode(codes.attributes, codes.latent))

    def random(self, count: int, seed: int) -> Codes:
        """Z ~ N(0, I), and each attribute there or not."""
        rng, sizes = np.random.default_rng(seed), [one.shape[1] for one in self.decoder.inputs]
        attributes = rng.integers(0, 2, (count, sizes[0])).astype(np.float32)
        return Codes(rng.standard_normal((count, sizes[1]), np.float32), attributes)

    def with_decoder(self, network: keras.Model) -> IFcVAEGANEditor:
        """See `common.editor.Tunable.with_decoder`."""
        return replace(self, decoder=network)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """D(E_y(x), E_z(x)) of uint8 images `[N, S, S, 3]`, with the mean of z."""
        return self.decode(self.encode(images))

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        """Y by name: 0 for absent to 1 for present, `[N]` each."""
        return dict(zip(self.attribute_names, codes.attributes.T, strict=True))

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Request:
        """See `common.editor.Editor.request`; no control takes a pair."""
        return Set(dict(values))

    def edit(self, images: np.ndarray, request: Request) -> Edited:
        """Sets attributes; those that are not set stay as E reads them.

        Args:
            images: uint8 `[N, S, S, 3]`.
            request: `Set` or `Sweep`.

        Raises:
            UserError: the model does not have an attribute.
        """
        self.check(request)
        inputs = self.encode(images)

        def having(codes: Codes, values: dict[str, float]) -> Codes:
            wanted = with_values(codes.attributes, self.attribute_names, values)
            return codes.with_attributes(wanted)

        shown = inputs[:SHOWN]
        values = request.values if isinstance(request, Set) else {request.name: 1.0}
        codes = having(inputs, values)
        images = self.decode(codes)
        columns = {"reconstruction": self.decode(shown)}
        match request:
            case Set():
                label = "\n".join(f"{name}={value:g}" for name, value in values.items())
                columns[label or "no change"] = images[:SHOWN]
            case Sweep(name=name, steps=steps):
                for value in np.linspace(0.0, 1.0, steps):
                    columns[f"{value:.2f}"] = self.decode(having(shown, {name: float(value)}))
        rows = [self.attribute_names.index(name) for name in values]
        read = [f"({', '.join(f'{row[i]:.2f}' for i in rows)})" for row in shown.attributes]
        return Edited(images, codes, inputs, columns, read)

    @functools.cached_property
    def _encode(self) -> Callable[..., Any]:
        """E, compiled."""
        return compiled(self.encoder)

    @functools.cached_property
    def _decode(self) -> Callable[..., Any]:
        """D, compiled."""
        return compiled(self.decoder)

    def check(self, request: Request) -> None:
        """Refuses what the model does not know.

        Raises:
            UserError: naming the attribute, and the nearest one.
        """
        names = self.attribute_names
        for name in request.values if isinstance(request, Set) else (request.name,):
            if name not in names:
                raise UserError(
                    f"The model has no attribute {name!r}.{did_you_mean(name, names)} It has "
                    f"{', '.join(names)}."
                )

    def networks(self) -> dict[str, Network]:
        """E and D."""
        names = ", ".join(self.attribute_names)
        image = {"image": f"{self.kind.text}; {range_text('unit')}"}
        code = {
            "attribute": f"y: 1 for present, 0 for absent, of {names}",
            "latent": "z: the mean that E gives, or a sample",
        }
        found = {
            "mean": "of z",
            "log_variance": "of z: log sigma^2",
            "attribute_logits": f"a sigmoid makes them probabilities, of {names}",
        }
        made = {"image_logits": f"a sigmoid makes them an image, {range_text('unit')}"}
        return {
            "encoder": Network(self.encoder, image, found),
            "decoder": Network(self.decoder, code, made),
        }


def build(config: Config) -> dict[str, keras.Model]:
    """All four networks that the settings describe, by name, with fresh weights."""
    from ifcvaegan import networks

    sizes, size = config.networks, config.data.image_size
    count = len(attribute_names(config))
    detached = config.loss.fidelity == "release"
    z, f, padding = sizes.latent_size, sizes.filters, sizes.padding
    return {
        "encoder": networks.encoder(z, count, size, f, detached, padding, sizes.encoder_normalised),
        "decoder": networks.decoder(
            z, count, size, sizes.decoder_filters or f, padding, sizes.upsampling
        ),
        "discriminator": networks.discriminator(size, f, padding),
        "auxiliary": networks.auxiliary(z, count, sizes.auxiliary_width),
    }


def outline(folder: Path | None) -> IFcVAEGANEditor:
    """As `load`, at once but without the networks: what it knows of kind, controls and requests."""
    found, config = trained.find(folder, SHIPPED, "ifcvaegan", Config, NEEDED)
    return IFcVAEGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> IFcVAEGANEditor:
    """Loads E and D of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or its networks are not trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "ifcvaegan", Config, build, NEEDED)
    return IFcVAEGANEditor(folder, config, **nets)
