"""`python -m ifcvaegan.edit`: attribute editing of an image or a folder, x* = D(y*, E_z(x)).

What an edit does to y is in `ifcvaegan.codes`.

    python -m ifcvaegan.edit IMAGES --set Smiling=1 --out DIR --run RUN
    python -m ifcvaegan.edit IMAGES --sweep Smiling --out DIR --run RUN
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common.commands import attribute_values, carry_out
from common.datasets.folder import check_inputs
from common.errors import UserError, did_you_mean, exits_cleanly
from ifcvaegan.codes import decode, encode, with_values

if TYPE_CHECKING:
    from ifcvaegan.trained import Trained

logger = logging.getLogger(__name__)

LOWEST, HIGHEST = -1.0, 2.0  # of a value that is set; 0 and 1 are what the networks know
MOST_STEPS = 40  # of a sweep
SHEET_ROWS = 40  # at most so many images on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommand:
    """Edits faces by their attributes: takes --set or --sweep."""

    images: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IMAGES")]
    """A face or a folder of faces, aligned as CelebA's are."""
    out: Path
    """Folder for one `<name>.png` an input; sheets and codes go to `OUT/sheets/`."""
    set: tuple[str, ...] = ()
    """Attributes to set, such as `Smiling=1` or `Smiling=1 Male=0`; 1 is present, 0 absent, and
    others from -1 to 2 are degrees. Attributes that are not set stay as E reads them."""
    sweep: str | None = None
    """Show this attribute from 0 to 1 on the sheet; each `<name>.png` has it at 1."""
    steps: int | None = None
    """Images in a sweep, 2 to 40; 5 by default."""
    run: Path | None = None
    """A run or a folder of weights; by default the model that comes with the project."""


def apply(command: EditCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the edited images.

    Raises:
        UserError: not exactly one edit, one that does not fit the model, or images that are
            missing, unreadable or to be overwritten.
    """
    from common.datasets.folder import write_images
    from common.files import write_json
    from common.sheets import grid
    from ifcvaegan import trained

    check(command)
    model = trained.load(command.run)
    values = check_for_model(command, model)
    stems, images = read(command.images, model)
    means, _, answers = encode(model, images)

    def images_of(wanted: dict[str, float]) -> np.ndarray:
        return decode(model, with_values(answers, model.attribute_names, wanted), means)

    edited = images_of(values)
    columns = {"input": images, "reconstruction": decode(model, answers, means)}
    if command.sweep:
        for value in np.linspace(0.0, 1.0, command.steps or 5):
            columns[f"{value:.2f}"] = images_of({command.sweep: float(value)})
    else:
        columns["\n".join(command.set)] = edited
    write_images(command.out, stems, edited)
    sheets, shown = command.out / "sheets", slice(SHEET_ROWS)
    rows = [list(row) for row in zip(*(column[shown] for column in columns.values()), strict=True)]
    indices = [model.attribute_names.index(name) for name in values]
    labels = [
        f"{stem} ({', '.join(f'{answer[i]:.2f}' for i in indices)})"
        for stem, answer in zip(stems[shown], answers[shown], strict=True)
    ]
    grid(rows, sheets / "edits.png", row_labels=labels, column_labels=list(columns))
    write_json(
        sheets / "edits.json",
        {
            "model": model.folder.name,
            "attribute_names": model.attribute_names,
            "images": stems,
            "latents": means,
            "attributes": answers,
            "edited_attributes": with_values(answers, model.attribute_names, values),
        },
    )
    logger.info("edited images: %d in %s, the sheet in %s", len(stems), command.out, sheets)
    if len(stems) > SHEET_ROWS:
        logger.info("the sheet shows the first %d", SHEET_ROWS)
    return command.out


def check(command: EditCommand) -> None:
    """Refuses what can be refused before a model is loaded.

    Raises:
        UserError: no edit or both, or images that are missing or would be overwritten.
    """
    if bool(command.set) == (command.sweep is not None):
        raise UserError("Give exactly one of --set NAME=1 and --sweep NAME.")
    if command.steps is not None:
        if command.sweep is None:
            raise UserError(f"--steps {command.steps} is for a --sweep.")
        if not 2 <= command.steps <= MOST_STEPS:
            raise UserError(f"--steps {command.steps}: a sweep has 2 to {MOST_STEPS}.")
    check_inputs(command.out, command.images)


def check_for_model(command: EditCommand, model: Trained) -> dict[str, float]:
    """The attributes that the edited images get; checks that the model knows them.

    Raises:
        UserError: an unknown attribute, or a value that is none.
    """
    names = model.attribute_names
    if command.sweep is not None:
        if command.sweep not in names:
            raise UserError(
                f"--sweep {command.sweep}: the model has no attribute {command.sweep!r}."
                f"{did_you_mean(command.sweep, names)} It has {', '.join(names)}."
            )
        return {command.sweep: 1.0}
    return attribute_values(command.set, names, 0, LOWEST, HIGHEST)


def read(path: Path, model: Trained) -> tuple[list[str], np.ndarray]:
    """A face or a folder of faces as the model takes them: stems and uint8 `[N, S, S, 3]`."""
    from common.datasets.faces import read_faces

    return read_faces(path, model.config.data.image_size, model.config.data.crop)


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and edits."""
    carry_out(EditCommand, "python -m ifcvaegan.edit", apply, arguments, check)


if __name__ == "__main__":
    main()
