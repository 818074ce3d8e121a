"""Edits along directions, with any editor and beside any request."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from common.directions.vectors import Direction, moved
from common.editor import SHOWN, Edited, Editor

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the strengths, on the sheet


def along(
    editor: Editor[Any],
    edited: Edited,
    directions: Sequence[Direction],
    strengths: Sequence[float],
) -> Edited:
    """Goes on from an edit: its z moves along directions, all else stays as the edit has set it.

    Args:
        editor: that has made the edit.
        edited: what it made; of an empty request, reconstructions.
        directions: where to; none for the edit itself.
        strengths: how far, one each.

    Raises:
        UserError: strengths that lead to codes that are not finite numbers.
    """
    if not directions:
        return edited
    codes = moved(edited.codes, directions, strengths)
    shown = edited.codes[:SHOWN]
    label = "strength {:.3g}" if len(directions) == 1 else "{:.0%} of each"
    columns = {
        label.format(share * strengths[0] if len(directions) == 1 else share): editor.decode(
            moved(shown, directions, strengths, share)
        )
        for share in SHARES
    }
    return dataclasses.replace(
        edited, images=editor.decode(codes), codes=codes, columns={**edited.columns, **columns}
    )
