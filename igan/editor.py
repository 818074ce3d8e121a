"""A trained iGAN: G, P and D, by which images are projected onto the manifold and edited there.

An image x becomes z (`igan.projection`), an edit moves z (`igan.manipulation`), and z becomes the
image G(z).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.editor import SHOWN, Control, Edited, Network, Pair, between, compiled
from common.errors import UserError
from common.images import cropped, from_range, in_blocks, padded, range_text, to_range, to_uint8
from common.kinds import Digits, Faces, Kind, Pictures
from common.runs import trained
from common.settings.config import from_json
from igan.codes import Codes, Method, Paint
from igan.config import GRAY, Config
from igan.strokes import WARP_SIDE, WIDTHS, Stroke

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from igan.manifold import Manifold
    from igan.manipulation import Descent
    from igan.projection import Projection, Projector
    from igan.session import EditSession

SHIPPED = "igan-fashion"  # below weights/
KEPT = 32  # images whose latents are kept
FAST = 50  # iterations of L-BFGS-B where many images are encoded; ours
NEEDED = ("generator", "predictor", "discriminator")  # for editing


@dataclass(frozen=True, eq=False)
class IGANEditor:
    """A trained iGAN: where it lies, its settings, and its networks."""

    folder: Path
    config: Config
    generator: keras.Model
    predictor: keras.Model
    discriminator: keras.Model
    projecting: keras.Model | None = None  # G as images are projected by, where that is another

    @property
    def kind(self) -> Kind:
        """Digits, clothing, faces, or the pictures of a folder."""
        size = self.config.data.image_size
        match self.config.dataset:
            case "mnist":
                return Digits()
            case "fashion":
                return Pictures(28, 1, "fashion item")
            case "folder":
                return Pictures(size)
        from common.datasets.celeba.faces import WHOLE_WIDTH

        return Faces(size, WHOLE_WIDTH)

    def shown(self, images: np.ndarray) -> np.ndarray:
        """Images of the kind as the networks see them, float32 in G's range, `[N, S, S, C]`."""
        size = self.config.data.image_size
        return np.asarray(to_range(padded(images, size), self.config.pixel_range))

    def decode(self, codes: Codes) -> np.ndarray:
        """X = G(z), uint8 `[N, H, W, C]`; digits and clothing without their border."""
        return in_blocks(lambda z: to_uint8(self.drawn(Codes(z)), "unit"), codes.latent)

    @property
    def decoding(self) -> str:
        """G."""
        return "generator"

    def drawn(self, codes: Codes) -> tf.Tensor:
        """See `common.editor.Tunable.drawn`."""
        made = self._generate(codes.latent)
        return cropped(from_range(made, self.config.pixel_range), self.kind.size)

    def random(self, count: int, seed: int) -> Codes:
        """Z ~ U[-1, 1]."""
        return Codes(self.manifold.draw(count, np.random.default_rng(seed)))

    def with_decoder(self, network: keras.Model) -> IGANEditor:
        """See `common.editor.Tunable.with_decoder`."""
        return replace(self, generator=network, projecting=self.projecting or self.generator)

    def predict(self, images: np.ndarray) -> Codes:
        """Z = P(x) of uint8 images `[N, H, W, C]` [R, Sec. 4.1.2]."""
        return Codes(in_blocks(lambda x: self.predictor(self.shown(x), training=False), images))

    def project(self, images: np.ndarray, method: Method = "cnn_opt", **options: Any) -> Projection:
        """Projects uint8 images `[N, H, W, C]` onto the manifold [R, Sec. 4.1].

        Args:
            images: of the kind.
            method: `opt`, `cnn` or `cnn_opt`.
            **options: `starts`, `iterations`, `mask` and `seed` of `Projector.project`.
        """
        return self.projector.project(self.shown(images), method, **options)

    def encode(self, images: np.ndarray) -> Codes:
        """Z* of uint8 images `[N, H, W, C]`, by the hybrid method and few iterations.

        The latents of the last single images are kept: who moves a slider waits once.
        """
        if len(images) == 1:
            return self._kept(images.tobytes(), images.shape)
        return self._encoded(images)

    def _encoded(self, images: np.ndarray) -> Codes:
        return Codes(self.project(images, "cnn_opt", iterations=FAST).latent)

    @functools.cached_property
    def _kept(self) -> Callable[[bytes, tuple[int, ...]], Codes]:
        """`_encoded` of an image's bytes and shape; for networks that are no longer trained."""

        def encode(pixels: bytes, shape: tuple[int, ...]) -> Codes:
            return self._encoded(np.frombuffer(pixels, np.uint8).reshape(shape))

        return functools.lru_cache(KEPT)(encode)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(z*) of uint8 images `[N, H, W, C]`."""
        return self.decode(self.encode(images))

    def edit(self, images: np.ndarray, request: Paint) -> Edited:
        """Carries out strokes on each image; none are its projection.

        Args:
            images: uint8 `[N, H, W, C]`.
            request: strokes, weights and steps.
        """
        from igan.session import EditSession

        inputs = self.encode(images)
        session = EditSession(self, count=request.count, weights=request.weights, seed=request.seed)
        found = []
        for latent in inputs.latent:
            session.paint(request, latent)
            # Without a stroke the first candidate, z0 itself, is the cheapest.
            found.append(session.latents[session.order[0]])
        codes = Codes(np.stack(found))
        shares = (0.0, 0.25, 0.5, 0.75, 1.0) if request else (0.0,)
        columns = {
            f"{share:.0%}": self.decode(between(inputs[:SHOWN], codes[:SHOWN], share))
            for share in shares
        }
        return Edited(self.decode(codes), codes, inputs, columns)

    @property
    def controls(self) -> tuple[Control, ...]:
        """None that is a number alone: this model is edited by strokes."""
        return ()

    def readings(self, codes: Codes) -> dict[str, np.ndarray]:
        """Nothing: there is no control."""
        return {}

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> Paint:
        """Without values the request of no stroke, which is the projection.

        Raises:
            UserError: there are values.
        """
        if values:
            raise UserError("This model has no controls; it is edited by strokes.")
        return Paint()

    @property
    def subjects(self) -> str:
        """See `common.strokes.StrokeEditor.subjects`."""
        if self.config.dataset == "fashion":
            classes = self.config.data.classes
            return "clothes" if classes == ("all",) else " and ".join(classes)
        return f"{self.kind.noun}s"

    @property
    def brushes(self) -> dict[str, float]:
        """See `common.strokes.StrokeEditor.brushes`."""
        side = self.config.data.image_size
        return {**WIDTHS, "warp": WIDTHS["warp"] * side / WARP_SIDE}

    def stroke(self, values: Any) -> Stroke:
        """See `common.strokes.StrokeEditor.stroke`."""
        return from_json(Stroke, values, "The stroke")

    def session(self, seed: int = 0) -> EditSession:
        """See `common.strokes.StrokeEditor.session`."""
        from igan.session import EditSession

        return EditSession(self, seed=seed)

    def networks(self) -> dict[str, Network]:
        """G, P and D."""
        image = {"image": f"{self.kind.text}{self._border}; {range_text(self.config.pixel_range)}"}
        latent = {"latent": "z, from -1 to 1"}
        made = {"image": range_text(self.config.pixel_range)}
        logit = {"logit": "above 0 for real"}
        return {
            "generator": Network(self.generator, latent, made),
            "predictor": Network(self.predictor, image, latent),
            "discriminator": Network(self.discriminator, image, logit),
        }

    @property
    def _border(self) -> str:
        size = self.config.data.image_size
        return f" with a black border to {size}x{size}" if size > self.kind.size else ""

    @property
    def manifold(self) -> Manifold:
        """The images that G makes."""
        from igan.manifold import Manifold

        return Manifold(self.generator, self.config.pixel_range)

    def descent(self, realism: bool) -> Descent:
        """See `igan.codes.ManifoldEditor.descent`."""
        return self._descents[realism]

    @functools.cached_property
    def _generate(self) -> Callable[..., Any]:
        """G, compiled."""
        return compiled(self.generator)

    @functools.cached_property
    def _descents(self) -> dict[bool, Descent]:
        from igan.manipulation import Descent

        return {
            realism: Descent(self.manifold, self.discriminator if realism else None)
            for realism in (False, True)
        }

    @functools.cached_property
    def projector(self) -> Projector:
        """What projects images, with the distance that P was trained by."""
        from igan.features import distance_of
        from igan.manifold import Manifold
        from igan.projection import Projector

        generator, pixel_range = self.projecting or self.generator, self.config.pixel_range
        distance = distance_of(self.config.features, generator, self.discriminator, pixel_range)
        return Projector(Manifold(generator, pixel_range), distance, self.predictor)


def build(config: Config) -> dict[str, keras.Model]:
    """All three networks that the settings describe, by name, with fresh weights."""
    from igan import networks

    sizes, size, channels = config.networks, config.data.image_size, config.channels
    output = "sigmoid" if config.dataset in GRAY else "tanh"
    latent = sizes.latent_size
    return {
        "generator": networks.generator(latent, size, channels, sizes.generator_filters, output),
        "discriminator": networks.discriminator(size, channels, sizes.discriminator_filters),
        "predictor": networks.predictor(latent, size, channels, sizes.predictor_filters),
    }


def outline(folder: Path | None) -> IGANEditor:
    """As `load`, at once but without the networks: what it knows of kind and controls."""
    found, config = trained.find(folder, SHIPPED, "igan", Config, NEEDED)
    return IGANEditor(found, config, **dict.fromkeys(NEEDED))  # pyright: ignore[reportArgumentType]


def load(folder: Path | None) -> IGANEditor:
    """Loads G, P and D of a run, or of the shipped model where none is named.

    Raises:
        UserError: the folder is no run, or not all of its networks are trained yet.
    """
    folder, config, nets = trained.load(folder, SHIPPED, "igan", Config, build, NEEDED)
    return IGANEditor(folder, config, **nets)
