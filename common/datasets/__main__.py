"""What data there are: `python -m common.datasets` shows, prepares and downloads them.

python -m common.datasets                           # MNIST, which comes along
python -m common.datasets --data-dir DIR            # whatever DIR holds, in which form
python -m common.datasets --prepare celeb_a --data-dir FILES --out TFDS
python -m common.datasets --download celeb_a --out DIR
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common.cli.commands import carry_out
from common.datasets import mnist, plain
from common.datasets.celeba import forms
from common.datasets.celeba import loader as celeba
from common.datasets.celeba.faces import WHOLE_WIDTH, Crop, face
from common.datasets.prepared import Name
from common.errors import UserError, exits_cleanly
from common.reporting.sheets import grid, in_rows
from common.reporting.tables import Cell, Table, show

logger = logging.getLogger(__name__)

Choice = Literal["mnist", "celeba", "celeb_a"]  # ours, and as tensorflow-datasets calls it
NAMES: dict[Choice, Name] = {"mnist": "mnist", "celeba": "celeb_a", "celeb_a": "celeb_a"}
SAMPLES, COLUMNS = 64, 8  # images of the picture, and in a row
SIDE = 64  # pixels of a sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Shows which data set a folder holds and what is in it, with a picture of 64 samples."""

    data_dir: Path | None = None
    """The folder; by default the MNIST that comes along. With --prepare: the original files."""
    source: Literal["tfds"] | None = None
    """`tfds`: look only for what tensorflow-datasets has prepared."""
    crop: Crop = WHOLE_WIDTH
    """The square of a face that the samples show: left, top, right, bottom in 178x218 pixels."""
    prepare: Choice | None = None
    """Let tensorflow-datasets prepare this data set from the files in --data-dir, offline."""
    download: Choice | None = None
    """Fetch the original files of this data set; what is there already is not fetched again."""
    out: Path | None = None
    """The picture, `out/samples.png` by default; with --prepare or --download the folder that
    gets the data."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is shown of a data set.

    Attributes:
        title: the data set and where it lies.
        splits: split -> number of images.
        shares: split -> share of each attribute in it `[A]`.
        names: of the attributes, A.
        samples: uint8 `[<=64, H, W, C]`, evenly spaced over the images.
    """

    title: str
    splits: dict[str, int]
    shares: dict[str, np.ndarray]
    names: Sequence[str]
    samples: np.ndarray


def carried_out(command: Command) -> Path | None:
    """Does what the command asks for.

    Returns:
        The picture, or the folder with the data.

    Raises:
        UserError: there is no such data set, or it is not what it should be.
    """
    from common.datasets import download, prepared

    if command.download is not None:
        return download.fetch(NAMES[command.download], wanted_out(command))
    if command.prepare is not None:
        if command.data_dir is None:
            raise UserError("--prepare needs --data-dir, the folder with the original files.")
        return prepared.prepare(NAMES[command.prepare], command.data_dir, wanted_out(command))
    found = look(command)
    logger.info("%s", found.title)
    for table in tables(found):
        show(table)
    picture = command.out or Path("out") / "samples.png"
    grid(in_rows(found.samples, COLUMNS), picture)
    logger.info("%d of them, as networks see them: %s", len(found.samples), picture)
    return picture


def wanted_out(command: Command) -> Path:
    """The folder that gets data; there is no default for gigabytes."""
    if command.out is None:
        raise UserError("Name the folder that is to get the data by --out.")
    return command.out


def look(command: Command) -> Found:
    """Finds out what the folder holds.

    Raises:
        UserError: it holds no data set and no images.
    """
    folder = command.data_dir
    if command.source == "tfds":
        from common.datasets import prepared

        home = prepared.home(folder)
        if prepared.newest(home, "celeb_a") is not None:
            return faces(forms.prepared_form(prepared.wanted("celeb_a", folder)), command.crop)
        if prepared.newest(home, "mnist") is None:
            raise UserError(
                f"tensorflow-datasets has prepared neither mnist nor celeb_a in {home}: name its "
                "folder by --data-dir, or prepare one by --prepare."
            )
        return digits(folder, "tfds")
    if folder is not None and folder.is_dir() and forms.holds(folder):
        return faces(forms.find(folder), command.crop)
    if folder is None or mnist.holds(folder):
        return digits(folder, None)
    if folder.suffix in (".zip", ".parquet", ".txt", ".csv") and folder.is_file():
        return faces(forms.find(folder), command.crop)
    if folder.is_dir():
        pictured = any(file.suffix.lower() in forms.SUFFIXES for file in folder.iterdir())
        instead = forms.elsewhere(folder)
        if instead and (folder.name in forms.IMAGES or not pictured):
            raise UserError(f"{folder} is no data set; name the folder that is one{instead}.")
        return pictures(folder, command.crop)
    what = "is no data set" if folder.exists() else "does not exist"
    raise UserError(f"{folder} {what}; name a folder by --data-dir.")


def digits(folder: Path | None, source: Literal["tfds"] | None) -> Found:
    """MNIST."""
    splits = {name: mnist.load(name, folder, source) for name in mnist.SPLITS}
    train = splits["train"]
    own = {image.tobytes() for image in mnist.load("test").images}
    known = own.issuperset(image.tobytes() for image in splits["test"].images)
    what = "MNIST" if known else "of MNIST's form, but other images than MNIST's"
    return Found(
        f"{what}: {train.source.removesuffix(', split train')}",
        {name: len(records) for name, records in splits.items()},
        {name: records.attributes.mean(axis=0) for name, records in splits.items()},
        train.attribute_names,
        train.spaced(SAMPLES).images,
    )


def faces(form: forms.Form, crop: Crop) -> Found:
    """CelebA."""
    there = [name for name in form.names if name in form.rows]
    if not there:
        raise UserError(f"{form.title}: none of the images has attributes.")
    try:
        splits = {name: celeba.chosen_names(form, there, name) for name in celeba.SPLITS}
    except UserError:
        splits = {"all of it": there}
    for sentence in celeba.training_obstacles(form, there):
        logger.warning("%s", sentence)
    filled = {split: names for split, names in splits.items() if names}
    return Found(
        celeba.describe(form, there),
        {split: len(names) for split, names in splits.items()},
        {
            split: np.mean([form.rows[name] for name in names], axis=0)
            for split, names in filled.items()
        },
        celeba.ATTRIBUTES,
        samples(form, there, crop),
    )


def pictures(folder: Path, crop: Crop) -> Found:
    """A plain folder of images."""
    form = plain.plain_form(folder)
    splits = {name: plain.chosen_names(form, name) for name in plain.SPLITS}
    return Found(
        f"images without labels: {form.title}",
        {name: len(names) for name, names in splits.items()},
        {},
        (),
        samples(form, form.names, crop),
    )


def samples(form: forms.Form, names: Sequence[str], crop: Crop) -> np.ndarray:
    """Some of the images, evenly spaced, as networks see them: uint8 `[<=64, 64, 64, 3]`.

    Those that cannot be read are told, and left out.

    Raises:
        UserError: none of them can be read.
    """
    count = min(SAMPLES, len(names))
    chosen = [names[round(i * (len(names) - 1) / max(1, count - 1))] for i in range(count)]
    images = dict(form.read(chosen))
    shown = []
    for name in chosen:
        try:
            image = celeba.opened(images[name], f"{name} of {form.title}")
        except UserError as error:
            logger.warning("%s", error)
        else:
            shown.append(face(image, SIDE, crop))
    if not shown:
        raise UserError(f"{form.title}: none of {count} images can be read.")
    return np.stack(shown)


def tables(found: Found) -> list[Table]:
    """The splits and the balance of the attributes."""
    counts: list[list[Cell]] = [[name, count] for name, count in found.splits.items()]
    shown = [Table("Splits", ("split", "images"), counts)]
    if found.shares:
        rows: list[list[Cell]] = [
            [name, *(f"{shares[i]:.1%}" for shares in found.shares.values())]
            for i, name in enumerate(found.names)
        ]
        shown.append(Table("Share of each attribute", ("attribute", *found.shares), rows))
    return shown


def check(command: Command) -> None:
    """Refuses what excludes itself.

    Raises:
        UserError: both --prepare and --download; a picture that would take the place of a file of
            the data.
    """
    if command.prepare is not None and command.download is not None:
        raise UserError("--prepare and --download are two commands; give one of them.")
    data, out = command.data_dir, command.out
    if data is not None and out is not None and out.is_file():
        files = [data] if data.is_file() else [file for file in data.rglob("*") if file.is_file()]
        if any(out.samefile(file) for file in files):
            raise UserError(f"--out {out} is a file of the data; name another for the picture.")


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and does what it asks for."""
    carry_out(Command, "python -m common.datasets", carried_out, arguments, check)


if __name__ == "__main__":
    main()
