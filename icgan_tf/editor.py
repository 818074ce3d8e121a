"""A trained IcGAN that edits images: x* = G(E_z(x), y*).

Perarnau et al. 2016, Sec. 3.3; the report, Sec. 1 and 6.2. z = E_z(x) holds what is not in y; y is
what E_y reads, made binary (the largest class, or the sign of each attribute). What each request
does to y is in `icgan_tf.codes`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.editor import SHOWN, Control, Edited, Network, Pair, between, compiled, repeated
from common.errors import UserError
from common.images import cropped, from_range, in_blocks, padded, range_text, to_range, to_uint8
from common.kinds import Digits, Faces
from common.runs import trained
from icgan_tf.codes import (
    Codes,
    Each,
    Interpolate,
    Request,
    Set,
    Shift,
    Swap,
    attribute_names,
    binary,
    controls_of,
    reading,
    refuse_clashes,
    shifted,
    turned,
    variations,
    with_values,
)
from icgan_tf.config import CROPS, Config

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SHIPPED = "icgan-mnist"  # below weights/
NEEDED = ("generator", "encoder_z", "encoder_y")  # for editing


@dataclass(frozen=True)
class IcGANEditor:
    """A trained IcGAN: where it lies, its settings, and G, E_z and E_y."""

    folder: Path
    config: Config
    generator: keras.Model
    encoder_z: keras.Model
    encoder_y: keras.Model

    @property
    def digits(self) -> bool:
        """The images are digits, gray and with one class each; else faces."""
        return self.config.dataset == "mnist"

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Of the columns of y: the classes "0" to "9", or those of faces."""
        return attribute_names(self.config)

    @property
    def kind(self) -> Digits | Faces:
        """Digits, or faces as they were cropped in the training."""
        data = self.config.data
        return Digits() if self.digits else Faces(data.image_size, CROPS[data.crop])

    @property
    def controls(self) -> tuple[Control, ...]:
        """The attributes; of digits the number that is added, too."""
        return controls_of(self.attribute_names, self.digits)

    def encode(self, images: np.ndarray) -> Codes:
        """Z = E_z(x) and y = E_y(x) of uint8 images `[N, H, W, C]`.

        An E_z that is told y is told the binary y that E_y reads, with which G decodes, too.
        """
        data = self.config.data

        def apply(network: Callable[..., Any], block: np.ndarray, *told: np.ndarray) -> tf.Tensor:
            return network(to_range(padded(block, data.image_size), data.pixel_range), *told)

        y = in_blocks(functools.partial(apply, self._encode_y), images)
        read = (y + 1.0) / 2.0 if data.condition_values == "signed" else y
        attributes = binary(read, self.digits)
        told = (self.conditions(attributes),) if len(self.encoder_z.inputs) > 1 else ()
        z = in_blocks(functools.partial(apply, self._encode_z), images, *told)
        return Codes(z, attributes, read)

    def decode(self, codes: Codes) -> np.ndarray:
        """X = G(z, y), uint8 `[N, H, W, C]`; digits without their border."""
        z, y = codes.latent, np.asarray(codes.attributes, np.float32)
        return in_blocks(lambda *block: to_uint8(self.drawn(Codes(*block)), "unit"), z, y)

    @property
    def decoding(self) -> str:
        """G."""
        return "generator"

    def drawn(self, codes: Codes) -> tf.Tensor:
        """See `common.editor.Tunable.drawn`."""
        made = "unit" if self.config.data.pixel_range == "unit" else "signed"  # of G's activation
        images = from_range(self._generate(codes.latent, self.conditions(codes.attributes)), made)
        return cropped(images, 28) if self.digits else images

    def random(self, count: int, seed: int) -> Codes:
        """Z ~ N(0, I), and a class, or each attribute there or not."""
        rng, sizes = np.random.default_rng(seed), [one.shape[1] for one in self.generator.inputs]
        z = rng.standard_normal((count, sizes[0]), np.float32)
        return Codes(z, binary(rng.random((count, sizes[1])), self.digits))

    def with_decoder(self, network: keras.Model) -> IcGANEditor:
        """See `common.editor.Tunable.with_decoder`."""
        return replace(self, generator=network)

    @functools.cached_property
    def _encode_z(self) -> Callable[..., Any]:
        """E_z, compiled."""
        return compiled(self.encoder_z)

    @functools.cached_property
    def _encode_y(self) -> Callable[..., Any]:
        """E_y, compiled."""
        return compiled(self.encoder_y)

    @functools.cached_property
    def _generate(self) -> Callable[..., Any]:
        """G, compiled."""
        return compiled(self.generator)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E_z(x), E_y(x)) of uint8 images `[N, H, W, C]`, with a binary y."""
        return self.decode(self.encode(images))

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        """What E_y reads, by name: -1 for absent to 1 for present, `[N]` each."""
        return dict(zip(self.attribute_names, 2.0 * codes.read.T - 1.0, strict=True))

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Request:
        """See `common.editor.Editor.request`; no control takes a pair."""
        return turned(values, self.digits)

    def conditions(self, attributes: np.ndarray) -> np.ndarray:
        """Attributes `[N, A]` of 0 and 1 as G and D are told them, float32."""
        signed = self.config.data.condition_values == "signed"
        return 2.0 * attributes - 1.0 if signed else attributes

    def found_again(self, codes: Codes) -> np.ndarray:
        """E_z(G(z, y)) `[N, Z]`, as Eq. 2 has it.

        Nothing is rounded to 8 bits and no border is taken off, as between two commands.
        """
        from icgan_tf.encoder_networks import find_latent

        def apply(z: np.ndarray, y: np.ndarray) -> tf.Tensor:
            return find_latent(self.encoder_z, self.generator([z, y], training=False), y)

        return in_blocks(apply, codes.latent, self.conditions(codes.attributes))

    def edit(self, images: np.ndarray, request: Request) -> Edited:
        """Carries out one request.

        Args:
            images: uint8 `[N, H, W, C]`.
            request: `Shift`, `Set`, `Swap`, `Interpolate` or `Each`.

        Raises:
            UserError: a shift of faces, or attributes that the model does not have or that exclude
                each other.
        """
        self.check(request)
        inputs = self.encode(images)
        shown = inputs[:SHOWN]
        columns = {"reconstruction": self.decode(shown)}
        match request:
            case Shift(k=k, wrap=wrap):
                codes = inputs.with_attributes(shifted(inputs.attributes, k, wrap))
                columns[f"digit {k:+d}"] = self.decode(codes[:SHOWN])
            case Set(values=values, exclusive=exclusive):
                names = self.attribute_names
                wanted = with_values(inputs.attributes, names, self.complete(values), exclusive)
                codes = inputs.with_attributes(wanted)
                columns["\n".join(f"{n}={v:g}" for n, v in values.items()) or "no change"] = (
                    self.decode(codes[:SHOWN])
                )
            case Swap(other=other):
                codes = inputs.with_attributes(self._other(other, len(images)).attributes)
                columns |= self._swapped(shown, other)
            case Interpolate(other=other, steps=steps):
                codes = between(inputs, self._other(other, len(images)), 0.5)
                columns |= self._line(shown, other, steps)
            case Each(exclusive=exclusive):
                codes = replace(inputs, read=None)
                varied = variations(shown.attributes, self.attribute_names, self.digits, exclusive)
                columns |= {
                    label: self.decode(shown.with_attributes(wanted))
                    for label, wanted in varied.items()
                }
        told = range(len(self.attribute_names))
        if not self.digits:  # of faces those alone that the request sets
            set_ = request.values if isinstance(request, Set) else ()
            told = [i for i in told if self.attribute_names[i] in set_]
        read = [reading(row, self.attribute_names, told) for row in shown.attributes]
        return Edited(self.decode(codes), codes, inputs, columns, read)

    def check(self, request: Request) -> None:
        """Refuses what the model does not know.

        Raises:
            UserError: a shift of faces, an unknown attribute, or attributes that exclude each
                other.
        """
        if isinstance(request, Shift) and not self.digits:
            raise UserError("--shift adds to digits, but this model knows faces; use --set.")
        if not isinstance(request, Set):
            return
        if unknown := [name for name in request.values if name not in self.attribute_names]:
            raise UserError(f"The model has no attributes {unknown}.")
        refuse_clashes(request, self.attribute_names, self.digits)

    def complete(self, values: dict[str, float]) -> dict[str, float]:
        """The values of all attributes that a `Set` determines: one digit excludes the others."""
        names = self.attribute_names if self.digits and values else ()
        return {name: values.get(name, -1.0) for name in names} or values

    def networks(self) -> dict[str, Network]:
        """G, E_z and E_y."""
        data, names = self.config.data, self.attribute_names
        size, absent = data.image_size, -1 if data.condition_values == "signed" else 0
        border = f" with a black border to {size}x{size}" if self.digits and size > 28 else ""
        made = "unit" if data.pixel_range == "unit" else "signed"  # the range of G's activation
        image = {"image": f"{self.kind.text}{border}; {range_text(data.pixel_range)}"}
        y = f"1 for present, {absent} for absent, of {', '.join(names)}"
        code = {"latent": "z, standard normal", "condition": f"y: {y}"}
        found = {"latent": "z as it is found, of smaller spread than normal"}
        read = {"condition": f"y as it is read, about {y}"}
        told = {"condition": code["condition"]} if len(self.encoder_z.inputs) > 1 else {}
        return {
            "generator": Network(self.generator, code, {"image": range_text(made)}),
            "encoder_z": Network(self.encoder_z, image | told, found),
            "encoder_y": Network(self.encoder_y, image, read),
        }

    def _other(self, other: np.ndarray, count: int) -> Codes:
        """The codes of one image `[H, W, C]`, `count` times."""
        return replace(repeated(self.encode(other[None]), count), read=None)

    def _swapped(self, inputs: Codes, other: np.ndarray) -> dict[str, np.ndarray]:
        """The y of another image with the z of each input, and the other way round."""
        count = len(inputs.latent)
        theirs = self._other(other, count)
        return {
            "attributes of the other": self.decode(inputs.with_attributes(theirs.attributes)),
            "the other": np.repeat(other[None], count, axis=0),
            "its reconstruction": self.decode(theirs),
            "with these attributes": self.decode(theirs.with_attributes(inputs.attributes)),
        }

    def _line(self, inputs: Codes, other: np.ndarray, steps: int) -> dict[str, np.ndarray]:
        """The straight line from each input to another image."""
        count = len(inputs.latent)
        end, shares = self._other(other, count), np.linspace(0.0, 1.0, steps + 2)[1:]
        columns = {f"{share:.0%}": self.decode(between(inputs, end, share)) for share in shares}
        return {**columns, "the other": np.repeat(other[None], count, axis=0)}


def build(config: Config) -> dict[str, keras.Model]:
    """All four networks that the settings describe, by name, with fresh weights."""
    from icgan_tf import encoder_networks, networks

    data, sizes = config.data, config.networks
    latent, conditions = sizes.latent_size, len(attribute_names(config))
    size, channels = data.image_size, 1 if config.dataset == "mnist" else 3
    output = "sigmoid" if data.pixel_range == "unit" else "tanh"
    dropout = sizes.discriminator_dropout
    if sizes.family == "paper":
        g = networks.generator(
            *(latent, conditions, size, channels),
            *(sizes.generator_filters, sizes.generator_dense, sizes.generator_dense_form, output),
            sizes.generator_condition_layer,
        )
        d = networks.discriminator(
            *(conditions, size, channels),
            *(sizes.discriminator_filters, sizes.discriminator_condition_layer, dropout),
        )
    else:
        everywhere = sizes.family == "baseline"
        slope = networks.BASELINE_SLOPE if everywhere else networks.SLOPE
        g = networks.dense_generator(latent, conditions, everywhere, output)
        d = networks.dense_discriminator(conditions, everywhere, slope, dropout)
    e_z, e_y = encoder_networks.build(config, conditions, channels)
    return {"generator": g, "discriminator": d, "encoder_z": e_z, "encoder_y": e_y}


def outline(folder: Path | None) -> IcGANEditor:
    """As `load`, at once but without the networks: what it knows of kind, controls and requests."""
    found, config = trained.find(folder, SHIPPED, "icgan_tf", Config, NEEDED)
    return IcGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> IcGANEditor:
    """Loads G, E_z and E_y of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or not all of its networks are trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "icgan_tf", Config, build, NEEDED)
    return IcGANEditor(folder, config, **nets)
