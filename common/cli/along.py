"""`--direction FILE --strength S` on `edit`: z moves along directions, beside what else is set."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.cli.tuning import TuneOptions, edited
from common.directions.edits import along
from common.directions.files import read
from common.directions.layers import latent_size
from common.editor import Edited
from common.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class AlongOptions:
    """Along which directions, and how far."""

    direction: tuple[Path, ...] = ()
    """Files of directions, which `python -m common.directions` writes: z goes along them, beside
    what else is asked for."""
    strength: tuple[float, ...] | None = None
    """How far along them: 1, the default, is a file's own step, -1 the way back. One for all
    directions, or one each."""


def check_along(options: AlongOptions) -> None:
    """Refuses directions that cannot be followed, before TensorFlow starts.

    Raises:
        UserError: strengths without directions or of another count, or files that hold none.
    """
    strengths_of(options)
    for file in options.direction:
        read(file)


def strengths_of(options: AlongOptions) -> tuple[float, ...]:
    """One a direction.

    Raises:
        UserError: strengths without directions, or of another count.
    """
    count, given = len(options.direction), options.strength
    if given is not None and not count:
        raise UserError("--strength says how far along a --direction, which is missing.")
    strengths = given or (1.0,)
    strengths = strengths * count if len(strengths) == 1 else strengths
    if len(strengths) != count:
        raise UserError(
            f"Files in --direction: {count}, values of --strength: {len(strengths)}; give one "
            "value for all, or one each."
        )
    return strengths


def edited_along(
    tuning: TuneOptions,
    options: AlongOptions,
    editor: Any,
    stems: Sequence[str],
    images: np.ndarray,
    requests: Sequence[Any],
) -> tuple[list[Edited], dict[str, Any]]:
    """Carries requests out, goes along directions from there, with a decoder that may be tuned.

    Args:
        tuning: whether the decoder is fitted to each image first.
        options: the directions.
        editor: the trained model.
        stems: N names.
        images: uint8 `[N, H, W, C]`.
        requests: of the editor.

    Returns:
        The edit of each request, and what `edits.json` tells about directions and tuning.

    Raises:
        UserError: directions of a model with other codes, or what the editor refuses.
    """
    size = latent_size(editor) if options.direction else None
    directions = [read(file, size) for file in options.direction]
    strengths = strengths_of(options)

    def edit(request: Any, model: Any, some: np.ndarray) -> Edited:
        return along(model, model.edit(some, request), directions, strengths)

    each = [functools.partial(edit, request) for request in requests]
    found, told = edited(tuning, editor, stems, images, each)
    followed = [
        {"file": str(file), "from": one.origin, "strength": strength}
        for file, one, strength in zip(options.direction, directions, strengths, strict=True)
    ]
    return found, {**({"directions": followed} if followed else {}), **told}
