"""`--tune` of `edit` and `reconstruct`: a copy of the decoder is fitted to each image first."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.datasets.folder import image_files
from common.editor import SHOWN, Edited, Tunable
from common.errors import UserError
from common.files import atomic_path, called, check_writable, write_json
from common.runs.directory import Run
from common.settings.config import check_setting, to_json

if TYPE_CHECKING:
    from common.tuning import Tuned, Tuning

logger = logging.getLogger(__name__)

MOST_IMAGES = 16  # each takes its seconds
LOGGED = 100  # steps between log lines


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """Whether and how the decoder is fitted to each image."""

    tune: bool = False
    """Fit a copy of the decoder to each image around its code, so that the result shows that image
    (pivotal tuning, Roich et al. 2021); at most 16 images."""
    tune_seconds: float | None = None
    """For so long an image; 20 by default. Or less, where its loss falls no more."""
    tune_steps: int | None = None
    """Instead: so many steps at most, however long they take, so that a result can be repeated;
    sheets/edits.json says how many were done."""
    keep_tuned: Path | None = None
    """Keep the tuned networks in this new folder, which --run takes; of several images in folders
    below it, by their names."""


def check_tuning(options: TuneOptions, images: Path | None, outline: Any, out: Path) -> None:
    """Refuses a tuning that cannot be, before TensorFlow starts.

    Args:
        options: what is asked for.
        images: the file or folder; None of one photograph.
        outline: the model without its networks.
        out: where results go.

    Raises:
        UserError: options without --tune, both limits, one that is none, too many images, a model
            without a decoder to tune, or a folder that is not new.
    """
    given = {
        "--tune-seconds": options.tune_seconds,
        "--tune-steps": options.tune_steps,
        "--keep-tuned": options.keep_tuned,
    }
    named = [option for option, value in given.items() if value is not None]
    if not options.tune:
        if named:
            raise UserError(f"{named[0]} is for a tuning; add --tune, or leave it out.")
        return
    seconds, steps, kept = given.values()
    if seconds is not None and steps is not None:
        raise UserError("--tune-seconds and --tune-steps both limit the tuning; give one of them.")
    check_setting("--tune-seconds", seconds, seconds is None or 0 < seconds < np.inf, "above 0")
    check_setting("--tune-steps", steps, steps is None or steps > 0, "at least 1")
    if not isinstance(outline, Tunable):
        raise UserError(f"--tune: {called(outline.folder)} has no decoder that can be tuned.")
    count = 1 if images is None else len(image_files(images))
    if count > MOST_IMAGES:
        raise UserError(
            f"--tune fits the decoder to each image by itself, at most {MOST_IMAGES}; {images} "
            f"holds {count:,}. Name fewer, or leave --tune out."
        )
    if kept is not None:
        if kept.absolute() == out.absolute():
            raise UserError("--keep-tuned and --out name one folder; give each its own.")
        if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
            raise UserError(
                f"--keep-tuned {kept} exists and is not an empty folder; name a new one."
            )
        check_writable(kept)


def tuning_of(options: TuneOptions) -> Tuning:
    """The settings that the options stand for."""
    from common.tuning import Tuning

    plain = Tuning()
    if options.tune_steps is not None:
        return dataclasses.replace(plain, seconds=None, steps=options.tune_steps)
    return dataclasses.replace(plain, seconds=options.tune_seconds or plain.seconds)


def each_tuned(
    options: TuneOptions, editor: Any, stems: Sequence[str], images: np.ndarray
) -> Iterator[Tuned[Any]]:
    """An editor for each image, fitted to it; kept where the options say so.

    Args:
        options: how.
        editor: the trained model, which stays as it is.
        stems: N names.
        images: uint8 `[N, H, W, C]`.
    """
    from common.tuning import tuned

    tuning = tuning_of(options)
    for number, (stem, image) in enumerate(zip(stems, images, strict=True), start=1):
        name = f"{stem} ({number} of {len(stems)})"

        def told(step: int, loss: float, left: float, name: str = name) -> None:
            if step == 1 or step % LOGGED == 0:
                limit = f", {left:.0f} s left" if left < np.inf else ""
                logger.info("tuning %s: step %d, loss %.5f%s", name, step, loss, limit)

        done = tuned(editor, image, tuning, told)
        logger.info(
            "tuned to %s: %d steps, MSE at its code %.5f, before %.5f",
            *(name, done.steps, done.after, done.before),
        )
        if options.keep_tuned is not None:
            folder = options.keep_tuned / stem if len(stems) > 1 else options.keep_tuned
            keep(folder, editor, done, {"image": stem, **to_json(tuning)})
        yield done


def keep(folder: Path, editor: Any, done: Tuned[Any], details: Mapping[str, Any]) -> None:
    """Writes a tuned model as a folder that `--run` takes, with `tuned.json` about it."""
    networks = {name: one.model for name, one in done.editor.networks().items()}
    Run(folder).save_networks(networks)
    with atomic_path(folder / "config.json") as temporary:
        shutil.copyfile(editor.folder / "config.json", temporary)
    write_json(folder / "tuned.json", {"of": called(editor.folder), **details, **record(done)})
    logger.info("the tuned networks are in %s", folder)


def record(done: Tuned[Any]) -> dict[str, Any]:
    """What a tuning did, for JSON."""
    return {"steps_done": done.steps, "mse_before": done.before, "mse": done.after}


def edited(
    options: TuneOptions,
    editor: Any,
    stems: Sequence[str],
    images: np.ndarray,
    edits: Sequence[Callable[[Any, np.ndarray], Edited]],
) -> tuple[list[Edited], dict[str, Any]]:
    """Carries edits out, with an editor that is tuned once to each image where that is asked for.

    Args:
        options: whether and how.
        editor: the trained model.
        stems: N names.
        images: uint8 `[N, H, W, C]`.
        edits: of an editor and images, each.

    Returns:
        What became of each edit, and what `edits.json` tells about the tuning.

    Raises:
        UserError: as an edit does.
    """
    if not options.tune:
        return [edit(editor, images) for edit in edits], {}
    rows, records = [], []
    for row, done in enumerate(each_tuned(options, editor, stems, images)):
        rows.append([])
        for edit in edits:
            one = edit(done.editor, images[row : row + 1])
            before = {"without tuning": editor.decode(one.inputs), **one.columns}
            rows[-1].append(dataclasses.replace(one, columns=before, tuned=[done.editor]))
        records.append({"image": stems[row], **record(done)})
    told = {"tuning": {**to_json(tuning_of(options)), "images": records}}
    return [joined(images_of_one) for images_of_one in zip(*rows, strict=True)], told


def joined(edits: Sequence[Edited]) -> Edited:
    """One edit of several, all of one request and of one image each."""
    first = edits[0]
    return Edited(
        images=np.concatenate([one.images for one in edits]),
        codes=_together([one.codes for one in edits]),
        inputs=_together([one.inputs for one in edits]),
        columns={
            label: np.concatenate([one.columns[label] for one in edits])[:SHOWN]
            for label in first.columns
        },
        readings=[text for one in edits for text in one.readings],
        tuned=[editor for one in edits for editor in one.tuned],
    )


def _together(codes: Sequence[Any]) -> Any:
    names = [one.name for one in dataclasses.fields(codes[0])]
    columns = {name: [getattr(one, name) for one in codes] for name in names}
    arrays = {
        name: np.concatenate(every) for name, every in columns.items() if every[0] is not None
    }
    return dataclasses.replace(codes[0], **arrays)
