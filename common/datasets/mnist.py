"""MNIST: 70,000 handwritten digits, 28x28 gray.

The four original IDX files lie in `mnist_idx/` beside this module, so nothing is ever downloaded.
Instead of them a folder can be given, of MNIST or of a set of its form (Fashion-MNIST, KMNIST):

    IDX       train-images-idx3-ubyte and so on, raw or .gz; also in MNIST/raw/, as of torchvision
    npz       mnist.npz, as Keras has it: x_train, y_train, x_test, y_test
    images    train/0/*.png ... train/9/*.png, test/0/*.png ... (or training/, testing/)
    TFDS      mnist/3.*/, as tensorflow-datasets prepares it, in the order of the original files

Splits. The files hold 60,000 training and 10,000 test digits, `train` and `test`. To choose by
digits that are not in `test`: `train-head` has the first 55,000 training digits and `train-tail`
the last 5,000. The IcGAN report divides "60000/5000/5000 as train/dev/test data" (Sec. 4) without
saying which test digits are which: `test-half-1` and `test-half-2` are halves of the test file
after one permutation. Halves by its order differ: classifiers make more mistakes in the first (ours
44 and 12). Of sets of other lengths the shares are the same.
"""

from __future__ import annotations

import gzip
import itertools
import math
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from common.datasets import prepared
from common.datasets.folder import listed
from common.datasets.records import Records
from common.errors import UserError
from common.files import DAMAGED

EMBEDDED = Path(__file__).parent / "mnist_idx"
SIDE = 28  # pixels
CLASSES = 10
SPLITS = {  # the file, and which of its digits
    "train": ("train", "all"),
    "train-head": ("train", "head"),
    "train-tail": ("train", "tail"),
    "test": ("t10k", "all"),
    "test-half-1": ("t10k", "half 1"),
    "test-half-2": ("t10k", "half 2"),
}
TAIL = 12  # one of so many training digits is in the tail
SHUFFLE_SEED = 547  # of the halves; the code that the IcGAN report starts from shuffles by it
UBYTE = 0x08  # IDX type code of unsigned bytes, the third byte of the magic number


def load(
    split: str, data_dir: str | Path | None = None, source: Literal["tfds"] | None = None
) -> Records:
    """Reads one split.

    Args:
        split: one of `SPLITS`, see above.
        data_dir: A folder with the digits in one of the forms above, or the `.npz` itself; the
            digits that come with the project if None.
        source: "tfds" for what tensorflow-datasets has prepared in `data_dir` or, without it, in
            its own folder.

    Returns:
        Records with images `[N, 28, 28, 1]` and one-hot attributes `[N, 10]` named "0" to "9".

    Raises:
        UserError: The split is unknown, or a file is missing, damaged or does not fit the others.
    """
    if split not in SPLITS:
        raise UserError(f"MNIST has no split {split!r}; choose one of {', '.join(SPLITS)}.")
    prefix, part = SPLITS[split]
    if source == "tfds":
        title, images, labels = read_prepared(prepared.wanted("mnist", data_dir), prefix)
    else:
        title, images, labels = read(EMBEDDED if data_dir is None else Path(data_dir), prefix)
    mend = "take both from the same download."
    if len(images) != len(labels):
        raise UserError(f"{title}: {len(images)} images but {len(labels)} labels; {mend}")
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise UserError(
            f"{title}: images of {height}x{width}, but MNIST's are {SIDE}x{SIDE}; take MNIST's own."
        )
    wrong = labels[(labels < 0) | (labels >= CLASSES)]
    if len(wrong):
        raise UserError(
            f"{title}: there is a label {wrong[0]}, but digits are 0 to 9; take MNIST's own."
        )
    rows = chosen_rows(part, len(images))
    return Records(
        images=images[rows, :, :, np.newaxis],
        attributes=np.eye(CLASSES, dtype=np.float32)[labels[rows]],
        attribute_names=tuple(str(digit) for digit in range(CLASSES)),
        name="mnist",
        source=f"{title if data_dir or source else 'the embedded MNIST files'}, split {split}",
    )


def chosen_rows(part: str, count: int) -> slice | np.ndarray:
    """Which of a file's digits belong to a part of it, in the order of the file."""
    if part == "all":
        return slice(None)
    if part in ("head", "tail"):
        end = count - count // TAIL
        return slice(end) if part == "head" else slice(end, None)
    order = np.random.default_rng(SHUFFLE_SEED).permutation(count)
    return np.sort(order[: count // 2] if part == "half 1" else order[count // 2 :])


def holds(path: Path) -> bool:
    """Whether a folder has MNIST in one of the forms above, or the path is an `.npz`."""
    if path.is_file():
        return path.suffix == ".npz"
    return (
        (path / "mnist.npz").is_file()
        or any(any(place.glob("*-ubyte*")) for place in idx_places(path))
        or image_folder(path, "train") is not None
        or prepared.newest(path, "mnist") is not None
    )


def check(data_dir: str | Path | None, source: Literal["tfds"] | None = None) -> None:
    """Refuses a folder that does not hold MNIST in any form; the arguments are those of `load`.

    Raises:
        UserError: what was looked for, and what is there.
    """
    if source == "tfds":
        prepared.wanted("mnist", data_dir)
        return
    path = EMBEDDED if data_dir is None else Path(data_dir)
    if not path.exists():
        raise UserError(f"The MNIST folder {path} does not exist; name another by --data-dir.")
    if path.is_file() and path.suffix != ".npz":
        raise UserError(
            f"{path} is a file, but the MNIST data must be a folder or an .npz; give the folder "
            "that contains it."
        )
    if not (holds(path) or image_folder(path, "t10k")):
        there = listed(sorted(entry.name for entry in path.iterdir())) or "nothing"
        raise UserError(
            f"{path} has no digits: looked for MNIST's IDX files (train-images-idx3-ubyte, ...), "
            f"mnist.npz, folders train/0/ to test/9/ and mnist/3.*/ of tensorflow-datasets, and it "
            f"contains {there}. Without --data-dir the MNIST that comes along is used. Faces are "
            "learnt from CelebA, with its lists: python -m ifcvaegan.train --data-dir CELEBA."
        )


def read(path: Path, prefix: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Reads the training or the test digits in whatever form they are there.

    Args:
        path: A folder, or an `.npz`.
        prefix: "train" or "t10k".

    Returns:
        What was read, uint8 images `[N, H, W]` and labels `[N]`.
    """
    check(path)
    packed = path if path.is_file() else path / "mnist.npz"
    if packed.is_file():
        return read_npz(packed, prefix)
    images = image_folder(path, prefix)
    if images is not None:
        return read_image_folder(images)
    if any(image_folder(path, other) for other in ("train", "t10k")):
        here, missing = ("test", "train") if prefix == "train" else ("train", "test")
        raise UserError(
            f"{path} has {here}/ with folders 0 to 9, but no {missing}/ with them; put it beside."
        )
    version = prepared.newest(path, "mnist")
    if version is not None:
        return read_prepared(version, prefix)
    images, labels = (
        find_idx(path, f"{prefix}-{what}", kind)
        for what, kind in (("images", "idx3"), ("labels", "idx1"))
    )
    return f"{images} and {labels.name}", read_idx(images, 3), read_idx(labels, 1)


def read_npz(file: Path, prefix: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Reads the `.npz` that Keras downloads."""
    names = {"train": ("x_train", "y_train"), "t10k": ("x_test", "y_test")}[prefix]
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays.files]
            if missing:
                raise UserError(
                    f"{file} has no {' and no '.join(missing)}; take the one that Keras downloads."
                )
            images, labels = (arrays[name] for name in names)
    except DAMAGED as error:
        raise UserError(
            f"{file} is not an intact .npz ({type(error).__name__}): it may be a web page, cut "
            "off, or something else; download it again."
        ) from error
    whole = np.issubdtype(labels.dtype, np.integer) and labels.ndim == 1
    if images.dtype != np.uint8 or images.ndim != 3 or not whole:
        raise UserError(
            f"{file}: {names[0]} must be uint8 [N, 28, 28] and {names[1]} whole numbers [N], but "
            f"they are {images.dtype} {list(images.shape)} and {labels.dtype} {list(labels.shape)}."
        )
    return str(file), images, labels.astype(np.int64)


def image_folder(path: Path, prefix: str) -> Path | None:
    """The folder of `0/` to `9/` for these digits, if there is one."""
    names = {"train": ("train", "training"), "t10k": ("test", "testing")}[prefix]
    return next((path / name for name in names if (path / name / "0").is_dir()), None)


def read_image_folder(folder: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Reads `0/*.png` to `9/*.png`, gray and 28x28.

    The digits are mixed: in the order of the file names over all of them, which are the places in
    the original files in copies that keep these, or else one of each digit after the other.
    """
    from common.datasets.digits import gray
    from common.datasets.folder import decode, told_files

    images, labels, names, places = [], [], [], []
    for digit in range(CLASSES):
        if not (folder / str(digit)).is_dir():
            raise UserError(f"{folder} has no folder {digit}; it needs 0 to {CLASSES - 1}.")
        for place, file in enumerate(told_files(folder / str(digit))):
            image = decode(file)
            if image.size != (SIDE, SIDE):
                raise UserError(
                    f"{file} is {image.width}x{image.height}, but MNIST's are {SIDE}x{SIDE}."
                )
            images.append(np.asarray(gray(image)[0]))
            labels.append(digit)
            names.append((int(file.stem) if file.stem.isdigit() else 0, file.stem))
            places.append((place, digit))
    order = sorted(
        range(len(images)), key=(names if len(set(names)) == len(names) else places).__getitem__
    )
    return str(folder), np.stack(images)[order], np.array(labels)[order]


def read_prepared(version: Path, prefix: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Reads what tensorflow-datasets has prepared, in the order of the original files."""
    split = {"train": "train", "t10k": "test"}[prefix]
    data = prepared.Prepared(version, "mnist")
    order = prepared.shuffled(range(data.counts[split]), split)
    images = np.empty((len(order), SIDE, SIDE), np.uint8)
    labels = np.empty(len(order), np.int64)
    examples = data.examples(split, {"image": True, "label": True})
    for row, example in zip(order, examples, strict=True):
        images[row], labels[row] = example["image"][:, :, 0], example["label"]
    return f"{version}, prepared by tensorflow-datasets", images, labels


def find_idx(folder: Path, stem: str, kind: str) -> Path:
    """Finds `<stem>-<kind>-ubyte` or `<stem>.<kind>-ubyte`, raw or with `.gz`, in a folder."""
    names = [f"{stem}{dot}{kind}-ubyte{gz}" for dot in "-." for gz in ("", ".gz")]
    for place, name in itertools.product(idx_places(folder), names):
        if (place / name).is_file():
            return place / name
    raise UserError(
        f"{folder} contains none of {', '.join(names)}; put MNIST's four IDX files there."
    )


def idx_places(folder: Path) -> list[Path]:
    """Where the four files may lie: in the folder, or where torchvision puts them."""
    return [folder, folder / "raw", folder / "MNIST" / "raw"]


def read_idx(path: str | Path, dimensions: int) -> np.ndarray:
    """Parses an IDX file of unsigned bytes, raw or gzip by its suffix.

    The format is two zero bytes, the type code, the number of dimensions D, D big-endian uint32
    sizes, and then the values in C order (the section "File formats" of MNIST's web page).

    Args:
        path: The file; `.gz` at its end means that it is compressed.
        dimensions: The D to expect: 3 for images, 1 for labels.

    Returns:
        A read-only uint8 array with D dimensions.

    Raises:
        UserError: The file is not gzip despite its suffix, is cut off, or is not such an IDX file.
    """
    path = Path(path)
    mend = "replace it by an intact copy"
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except EOFError:
        raise UserError(f"{path} is cut off: its gzip stream ends too early; {mend}.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is not an intact gzip file ({error}); {mend}.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {mend}.") from None

    magic = bytes([0, 0, UBYTE, dimensions])
    header = 4 + 4 * dimensions
    if content[:4] != magic:
        raise UserError(
            f"{path} starts with the bytes '{content[:4].hex(' ')}', but an IDX file of "
            f"{'images' if dimensions == 3 else 'labels'} starts with '{magic.hex(' ')}'; {mend}."
        )
    if len(content) < header:
        raise UserError(
            f"{path} is cut off: it has {len(content)} of {header} header bytes; {mend}."
        )
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).tolist()
    expected, found = math.prod(shape), len(content) - header
    if found != expected:
        raise UserError(
            f"{path} announces {' x '.join(map(str, shape))} = {expected} bytes but contains "
            f"{found}; {mend}."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
