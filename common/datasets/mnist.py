"""MNIST: 70,000 handwritten digits, 28x28 gray, read from the four original IDX files.

The files lie in `mnist_idx/` beside this module, so nothing is ever downloaded; any other folder
of IDX files (Fashion-MNIST, KMNIST, a small set for tests) can be given instead.

Splits. The files hold 60,000 training and 10,000 test digits. The IcGAN report divides them
"60000/5000/5000 as train/dev/test data" (Sec. 4) without saying which test digits are which. Ours:
the first half of the test file is `dev`, the second half `test5000`. MNIST's authors call the first
half the cleaner one, yet classifiers make more mistakes on it (ours 44 in `dev` and 12 in
`test5000`), so do not compare numbers of one half with the other's.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from common.datasets.records import Records
from common.errors import UserError

EMBEDDED = Path(__file__).parent / "mnist_idx"
SIDE = 28  # pixels
CLASSES = 10
SPLITS = {
    "train": ("train", "all"),  # 60,000 digits
    "test": ("t10k", "all"),  # all 10,000 test digits, as most papers use them
    "dev": ("t10k", "first half"),  # 5,000 digits to choose settings by (IcGAN report)
    "test5000": ("t10k", "second half"),  # the other 5,000, for final numbers (IcGAN report)
}
UBYTE = 0x08  # IDX type code of unsigned bytes, the third byte of the magic number


def load(split: str, data_dir: str | Path | None = None) -> Records:
    """Reads one split.

    Args:
        split: `train`, `test`, or the halves of the test file, `dev` and `test5000`.
        data_dir: A folder with the IDX files, `.gz` or raw, named `train-images-idx3-ubyte` or
            `train-images.idx3-ubyte` and so on; the digits that come with the project if None.

    Returns:
        Records with images `[N, 28, 28, 1]` and one-hot attributes `[N, 10]` named "0" to "9".

    Raises:
        UserError: The split is unknown, or a file is missing, damaged or does not fit the others.
    """
    if split not in SPLITS:
        raise UserError(f"MNIST has no split {split!r}; choose one of {', '.join(SPLITS)}.")
    prefix, part = SPLITS[split]
    folder = EMBEDDED if data_dir is None else Path(data_dir)
    if not folder.exists():
        raise UserError(f"The MNIST folder {folder} does not exist; give a folder of IDX files.")
    if not folder.is_dir():
        raise UserError(
            f"{folder} is a file, but the MNIST data must be a folder of IDX files; "
            "give the folder that contains it."
        )
    images_path = find_idx(folder, f"{prefix}-images", "idx3")
    labels_path = find_idx(folder, f"{prefix}-labels", "idx1")
    images = read_idx(images_path, dimensions=3)
    labels = read_idx(labels_path, dimensions=1)
    if len(images) != len(labels):
        raise UserError(
            f"{images_path} holds {len(images)} images but {labels_path.name} beside it holds "
            f"{len(labels)} labels; take both files from the same download."
        )
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise UserError(
            f"{images_path} holds images of {height}x{width}, but MNIST's are {SIDE}x{SIDE}; "
            "replace it by MNIST's image file."
        )
    if len(labels) and labels.max() >= CLASSES:
        raise UserError(
            f"{labels_path} contains the label {labels.max()}, but digits are 0 to 9; "
            "replace it by MNIST's label file."
        )
    half = len(images) // 2
    rows = {"all": slice(None), "first half": slice(half), "second half": slice(half, None)}[part]
    return Records(
        images=images[rows, :, :, np.newaxis],
        attributes=np.eye(CLASSES, dtype=np.float32)[labels[rows]],
        attribute_names=tuple(str(digit) for digit in range(CLASSES)),
        name="mnist",
        source=f"{folder if data_dir else 'the embedded MNIST files'}, split {split}",
    )


def find_idx(folder: Path, stem: str, kind: str) -> Path:
    """Finds `<stem>-<kind>-ubyte` or `<stem>.<kind>-ubyte`, raw or with `.gz`, in a folder."""
    names = [f"{stem}{dot}{kind}-ubyte{gz}" for dot in "-." for gz in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"{folder} contains none of {', '.join(names)}; put MNIST's four IDX files there."
    )


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
