"""MNIST and CelebA as tensorflow-datasets prepares them: read, and prepared from original files.

Nothing here downloads. tensorflow-datasets stores the examples of a split in the order of the MD5
of split and key (`tensorflow_datasets.core.hashing`); a change of that would be a new major version
of every data set, so the order of the original files can be told.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from common.datasets.celeba.readers import zip_reader
from common.datasets.folder import listed
from common.errors import UserError
from common.files import DISK

logger = logging.getLogger(__name__)

Name = Literal["mnist", "celeb_a"]
FILES: dict[Name, tuple[str, ...]] = {  # that tensorflow-datasets wants
    "mnist": (
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ),
    "celeb_a": (
        "img_align_celeba.zip",
        "list_eval_partition.txt",
        "list_landmarks_align_celeba.txt",
        "list_attr_celeba.txt",
        "identity_CelebA.txt",
    ),
}


SPLITS: dict[Name, tuple[str, ...]] = {
    "mnist": ("train", "test"),
    "celeb_a": ("train", "validation", "test"),
}


def newest(folder: Path, name: Name) -> Path | None:
    """The newest version of a data set in a folder of tensorflow-datasets, or that folder itself.

    Args:
        folder: what `tfds.load` calls `data_dir`, or the data set or a version of it there.
        name: of the data set.
    """
    versions = [*folder.glob("*.*.*"), *(folder / name).glob("*.*.*"), folder]
    found = [version for version in versions if _told(version) == name]
    return max(found, key=lambda version: _number(version.name), default=None)


def home(data_dir: str | Path | None) -> Path:
    """The folder of tensorflow-datasets: that one, `TFDS_DATA_DIR`, or `~/tensorflow_datasets`."""
    default = os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets")
    return Path(default if data_dir is None else data_dir)


def wanted(name: Name, data_dir: str | Path | None) -> Path:
    """The newest version of a data set that tensorflow-datasets has prepared.

    Args:
        name: of the data set.
        data_dir: the folder of tensorflow-datasets; by default `TFDS_DATA_DIR` or
            `~/tensorflow_datasets`.

    Raises:
        UserError: there is none.
    """
    folder = home(data_dir)
    found = newest(folder, name)
    if found is None:
        raise UserError(
            f"tensorflow-datasets has prepared no {name} in {folder}. From the original files: "
            f"python -m common.datasets --prepare {name} --data-dir FILES --out {folder}"
        )
    return found


def _told(version: Path) -> str | None:
    """The data set that a folder says that it holds."""
    try:
        return json.loads((version / "dataset_info.json").read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def shuffled(keys: Sequence[Any], split: str) -> list[Any]:
    """The keys of a split in the order in which tensorflow-datasets stores their examples."""
    return sorted(keys, key=lambda key: hashlib.md5(f"{split}{key}".encode()).digest())


class Prepared:
    """A data set that tensorflow-datasets has prepared.

    Args:
        folder: of one version of it.
        name: of the data set.

    Attributes:
        counts: split -> its examples.

    Raises:
        UserError: the folder is not what tensorflow-datasets leaves.
    """

    def __init__(self, folder: Path, name: Name):
        import tensorflow_datasets as tfds

        logging.getLogger("absl").setLevel(logging.ERROR)  # it tells of each step of its own

        try:
            self.builder: Any = tfds.builder_from_directory(folder)
            splits = self.builder.info.splits
            self.counts: Mapping[str, int] = {
                split: splits[split].num_examples for split in SPLITS[name]
            }
        except (ValueError, OSError, AssertionError, KeyError, TypeError) as error:
            raise UserError(
                f"{folder} is not what tensorflow-datasets leaves ({error}); prepare it again."
            ) from error
        self.folder, self.name = folder, name

    def examples(
        self, split: str, features: Any, rows: slice = slice(None), **decoders: Any
    ) -> Iterator[Any]:
        """The examples of a split in stored order, with these features.

        Raises:
            UserError: a file is cut off or missing.
        """
        import tensorflow as tf
        import tensorflow_datasets as tfds

        begin, end, _ = rows.indices(self.counts[split])
        decode = cast(Any, tfds.decode.PartialDecoding)(features, decoders=decoders or None)
        config = cast(Any, tfds.ReadConfig)(interleave_cycle_length=1)  # one file after the other
        try:
            stream = self.builder.as_dataset(
                f"{split}[{begin}:{end}]", decoders=decode, read_config=config
            )
            yield from tfds.as_numpy(stream)
        except (tf.errors.OpError, AssertionError, OSError) as error:
            told = str(error).splitlines()[0]
            raise UserError(f"{self.folder} cannot be read ({told}); prepare it again.") from error

    def encoded(self, split: str, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Some rows of a split, in stored order, with the files of their images."""
        import tensorflow_datasets as tfds

        wanted, some = set(rows), slice(min(rows), max(rows) + 1)
        images = self.examples(split, {"image": True}, some, image=tfds.decode.SkipDecoding())
        for row, example in enumerate(images, start=some.start):
            if row in wanted:
                yield row, example["image"]


def prepare(name: Name, files: Path, data_dir: Path) -> Path:
    """Prepares a data set by tensorflow-datasets' own code from the original files, offline.

    Args:
        name: of the data set.
        files: the folder of its original files, see `FILES`.
        data_dir: the folder of tensorflow-datasets.

    Returns:
        The folder of the prepared version.

    Raises:
        UserError: a file is missing, or is none that tensorflow-datasets can read.
    """
    if data_dir.exists() and not data_dir.is_dir():
        raise UserError(f"--out {data_dir} is a file; name a folder.")
    places = (files, *(files / inside for inside in ("Anno", "Eval", "Img")))
    found = {
        file: next((place / file for place in places if (place / file).is_file()), None)
        for file in FILES[name]
    }
    missing = [file for file, place in found.items() if place is None]
    if missing:
        raise UserError(
            f"{files} has no {listed(missing)}; tensorflow-datasets prepares {name} from "
            f"{', '.join(FILES[name])}, named and packed so."
        )
    for place in found.values():
        if place is not None and place.suffix == ".zip":
            zip_reader(place)
    with tempfile.TemporaryDirectory() as flat:  # as tensorflow-datasets wants them
        for file, place in found.items():
            (Path(flat) / file).symlink_to(Path(str(place)).resolve())
        version = _prepared(name, Path(flat), data_dir, files)
    with contextlib.suppress(OSError):  # what it makes for downloads, which there are none of
        for left in ("extracted", ""):
            (data_dir / "downloads" / left).rmdir()
    logger.info(
        "prepared %s; look at it by python -m common.datasets --data-dir %s", *(version, data_dir)
    )
    return version


def _prepared(name: Name, files: Path, data_dir: Path, told: Path) -> Path:
    """Prepares a data set from the files of one folder, which `told` names to people."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import checksums

    builder: Any = tfds.builder(name, data_dir=data_dir)
    if Path(builder.data_dir).exists():
        raise UserError(
            f"{builder.data_dir} is prepared already; move it away, or name another folder by "
            "--out."
        )
    officials = dict(builder.url_infos)  # which all builders of this name share
    try:
        for url, official in officials.items():
            there = checksums.compute_url_info(str(files / official.filename))
            if there.checksum != official.checksum:
                logger.warning(
                    "%s is not the official file to the byte; taken as it is.", official.filename
                )
            builder.url_infos[url] = there
        config = tfds.download.DownloadConfig(manual_dir=files)
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # whatever its readers stumble over
        if isinstance(error, OSError) and error.errno in DISK:
            raise UserError(
                f"Cannot write {name} into {data_dir} ({error.strerror}): make room, or name "
                "another folder by --out."
            ) from error
        raise UserError(
            f"tensorflow-datasets cannot prepare {name} from {told} ({type(error).__name__}: "
            f"{error}); take the original files."
        ) from error
    finally:
        builder.url_infos.update(officials)
    return Path(builder.data_dir)
