"""`python -m crg.invert`: finds the latents of images by the encoder, by gradient descent, or both.

How latents descend is in `crg.inversion`.

    python -m crg.invert IMAGES --out DIR --method hybrid --steps 100
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from common.cli.commands import carry_out
from common.cli.images import ImagesCommand, check_images, check_takes_photos
from common.cli.reconstruction import reconstruct
from common.errors import UserError, exits_cleanly
from common.files import called, write_json
from common.settings.config import check_seed, check_setting

if TYPE_CHECKING:
    from crg.editor import CRGEditor
    from crg.inversion import Clip, Descent, Loss

logger = logging.getLogger(__name__)

Method = Literal["encoder", "optimise", "hybrid"]
RESTARTS = 4  # random starts of an image; ours, see the README


@dataclass(frozen=True, slots=True, kw_only=True)
class InvertCommand(ImagesCommand):
    """Finds the latents from which a generator makes the given images."""

    method: Method = "hybrid"
    """`encoder`: e alone, as `reconstruct`. `optimise`: gradient descent from random latents, the
    best of several. `hybrid`: gradient descent from the encoder's."""
    steps: int = 500
    """Steps of the descent: 100 take a fifth of the time."""
    restarts: int | None = None
    """Starts of each image, of which the best is kept: 4 random ones for `optimise`; 1 for
    `hybrid`, where those after the first are random."""
    loss: Literal["squared", "absolute", "cross_entropy"] | None = None
    """What descends: the squared error (Lipton & Tripathi), the absolute one, or the cross entropy
    of gray levels (Creswell & Bharath); by default the last one for digits, the first for faces."""
    clip: Literal["none", "hard", "stochastic"] = "none"
    """What becomes of a component of z that leaves [-1, 1], of digits: it may stay outside, is put
    at the edge, or is drawn anew (Lipton & Tripathi)."""
    seed: int = 0
    """Of the random starts and of stochastic clipping."""


def starts_of(method: Method, restarts: int | None) -> int:
    """How many starts each image has; 0 for the encoder alone.

    Raises:
        UserError: fewer than one.
    """
    check_setting("restarts", restarts, restarts is None or restarts >= 1, "at least 1")
    if method == "encoder":
        return 0
    return restarts or (RESTARTS if method == "optimise" else 1)


def descent_of(
    model: CRGEditor,
    steps: int,
    loss: Loss | None = None,
    clip: Clip = "none",
    seed: int = 0,
) -> Descent:
    """How latents of that model descend: Adam, at a learning rate that falls to zero.

    Of digits by cross entropy at a rate of 0.1. On 30 dev digits 500 steps of the hybrid with the
    shipped model gave MSE 0.0021 and whash 0.962, with squared error at 0.05 0.0020 and 0.954, with
    absolute error at 0.05 0.0036 and 0.955. Of faces by squared error at 0.05, not measured.
    """
    from crg.inversion import Descent

    digits = model.kind.noun == "digit"
    return Descent(
        steps=steps,
        learning_rate=0.1 if digits else 0.05,
        loss=loss or ("cross_entropy" if digits else "squared"),
        clip=clip,
        prior=model.prior,
        seed=seed,
    )


def latents_of(
    model: CRGEditor, images: np.ndarray, method: Method, starts: int, descent: Descent
) -> np.ndarray:
    """The latents float32 `[N, Z]` of uint8 images `[N, H, W, C]`.

    Args:
        model: g, and e unless the method is to optimise.
        images: what g is to show.
        method: see the command.
        starts: of each image.
        descent: how their latents descend.
    """
    from common.images import to_range
    from crg.inversion import invert, random_starts

    if method == "encoder":
        return model.encode(images).latent
    size = model.generator.input_shape[-1]
    points = random_starts(len(images), starts, size, descent.prior, descent.seed)
    if method == "hybrid":
        points[:, 0] = model.encode(images).latent
    return invert(model.generator, np.asarray(to_range(images)), points, descent).best()


def apply(command: InvertCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the reconstructions.

    Raises:
        UserError: images that are missing, unreadable or to be overwritten.
    """
    from crg import editor, shipped

    check(command)
    model = editor.load(shipped.run_for(command))
    descent = descent_of(model, command.steps, command.loss, command.clip, command.seed)
    starts = starts_of(command.method, command.restarts)
    found = {}

    def inverted(model: CRGEditor, images: np.ndarray) -> np.ndarray:
        started = time.monotonic()
        latents = latents_of(model, images, command.method, starts, descent)
        found["seconds_per_image"] = (time.monotonic() - started) / len(images)
        found["latent"] = latents
        return model.decode(editor.Codes(latents))

    out = reconstruct(command, model, inverted)
    logger.info("%s: %.2f seconds an image", command.method, found["seconds_per_image"])
    details = {"model": called(model.folder), "method": command.method}
    if command.method != "encoder":
        details |= {"steps": command.steps, "restarts": starts}
        details |= {"loss": descent.loss, "clip": descent.clip}
    write_json(out / "sheets" / "codes.json", {**details, **found})
    return out


def check(command: InvertCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: steps or starts below 1, images that are missing or would be overwritten, no
            trained model, or clipping where the prior has no edge.
    """
    from crg import editor, shipped

    check_setting("steps", command.steps, command.steps >= 1, "at least 1")
    check_seed(command.seed)
    starts_of(command.method, command.restarts)
    check_images(command)
    model = editor.outline(shipped.run_for(command))
    check_takes_photos(command, model.kind)
    if command.clip != "none" and model.prior == "normal":
        raise UserError(
            f"--clip {command.clip} is for digits: the z of {model.kind.noun}s is normal and has "
            "no edge to be clipped at."
        )


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and inverts."""
    carry_out(InvertCommand, "python -m crg.invert", apply, arguments, check)


if __name__ == "__main__":
    main()
