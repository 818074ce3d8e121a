"""MNIST: the embedded files' known facts, the splits, and every way in which IDX files are bad."""

import contextlib
import gzip
import hashlib
import struct
from pathlib import Path

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from common.datasets import mnist, prepared
from common.datasets.folder import read_images
from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT

EXAMPLES = ROOT / "examples"


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_set(folder: Path, count: int = 6, dot: str = "-", gz: bool = False) -> Path:
    """IDX files of `count` images each; image i is all i, its label i % 10."""
    for prefix in ("train", "t10k"):
        images = np.repeat(np.arange(count, dtype=np.uint8), 28 * 28).reshape(count, 28, 28)
        labels = np.arange(count, dtype=np.uint8) % 10
        for stem, array in ((f"images{dot}idx3", images), (f"labels{dot}idx1", labels)):
            content = idx_bytes(array)
            path = folder / f"{prefix}-{stem}-ubyte{'.gz' if gz else ''}"
            path.write_bytes(gzip.compress(content) if gz else content)
    return folder


@pytest.fixture(scope="module")
def train():
    return mnist.load("train")


@pytest.fixture(scope="module")
def test():
    return mnist.load("test")


def test_the_training_set_has_the_known_facts(train):
    assert train.images.shape == (60_000, 28, 28, 1)
    assert train.images.dtype == np.uint8
    assert train.attributes.shape == (60_000, 10)
    assert train.attribute_names == tuple("0123456789")
    # 0.1307 and 0.3081 are the mean and the standard deviation that everyone normalises MNIST by.
    parts = (np.bincount(part.ravel(), minlength=256) for part in np.split(train.images, 60))
    frequency = sum(parts) / train.images.size
    value = np.arange(256) / 255
    mean = frequency @ value
    assert round(mean, 4) == 0.1307
    assert round(np.sqrt(frequency @ value**2 - mean**2), 4) == 0.3081
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(train.labels).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    ]


def test_the_test_set_has_the_known_facts(test):
    assert test.images.shape == (10_000, 28, 28, 1)
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]


def test_the_embedded_files_are_the_originals():
    """SHA-256 of the decompressed files, as in `mnist_idx/README.md`."""
    readme = (mnist.EMBEDDED / "README.md").read_text()
    files = sorted(mnist.EMBEDDED.glob("*.gz"))
    assert len(files) == 4
    for file in files:
        digest = hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest()
        assert f"`{file.name}`" in readme
        assert digest in readme


def test_head_and_tail_are_the_training_file_in_its_order(train):
    head, tail = mnist.load("train-head"), mnist.load("train-tail")
    assert (len(head), len(tail)) == (55_000, 5_000)
    np.testing.assert_array_equal(np.concatenate([head.labels, tail.labels]), train.labels)
    np.testing.assert_array_equal(tail.images, train.images[55_000:])


def test_the_halves_of_test_are_drawn_from_all_of_it_always_alike(test):
    """Of the file's first 5,000, which are the harder ones, about half are in each."""
    halves = [mnist.load(f"test-half-{half}") for half in (1, 2)]
    rows = np.random.default_rng(547).permutation(10_000)
    for half, chosen in zip(halves, (rows[:5_000], rows[5_000:]), strict=True):
        np.testing.assert_array_equal(half.images, test.images[np.sort(chosen)])
        np.testing.assert_array_equal(half.labels, test.labels[np.sort(chosen)])
        assert 2_400 < (chosen < 5_000).sum() < 2_600


def test_no_image_is_in_two_splits(train):
    def hashes(records):
        return {image.tobytes() for image in records.images}

    dev, rest = (hashes(mnist.load(f"test-half-{half}")) for half in (1, 2))
    assert dev.isdisjoint(rest)
    assert hashes(train).isdisjoint(dev | rest)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("dot", ["-", "."])
def test_a_smaller_set_is_read_in_every_spelling(tmp_path, dot, gz):
    write_set(tmp_path, count=5, dot=dot, gz=gz)
    records = mnist.load("train", tmp_path)
    assert records.images[:, 7, 7, 0].tolist() == [0, 1, 2, 3, 4]
    assert records.labels.tolist() == [0, 1, 2, 3, 4]
    assert str(tmp_path) in records.source
    halves = [mnist.load(f"test-half-{half}", tmp_path).labels.tolist() for half in (1, 2)]
    assert [len(half) for half in halves] == [2, 3]
    assert sorted(halves[0] + halves[1]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("place", ["raw", "MNIST/raw"])
def test_the_files_are_found_where_torchvision_puts_them(tmp_path, place):
    (tmp_path / place).mkdir(parents=True)
    write_set(tmp_path / place)
    assert mnist.holds(tmp_path)
    assert mnist.load("train", tmp_path).labels.tolist() == [0, 1, 2, 3, 4, 5]


@hypothesis.given(
    hypothesis.extra.numpy.arrays(
        np.uint8, hypothesis.extra.numpy.array_shapes(min_dims=1, max_dims=3, min_side=0)
    ),
    st.booleans(),
)
@hypothesis.settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_idx_round_trip(tmp_path, array, gz):
    path = tmp_path / ("file.gz" if gz else "file")
    path.write_bytes(gzip.compress(idx_bytes(array)) if gz else idx_bytes(array))
    np.testing.assert_array_equal(mnist.read_idx(path, array.ndim), array)


@hypothesis.given(st.binary(max_size=64), st.booleans())
@hypothesis.settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_arbitrary_bytes_are_an_array_or_a_user_error(tmp_path, content, gz):
    path = tmp_path / ("file.gz" if gz else "file")
    path.write_bytes(content)
    try:
        array = mnist.read_idx(path, 1)
    except UserError as error:
        array, message = None, str(error)
    assert array.ndim == 1 if array is not None else str(path) in message


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
BLANK = np.zeros((6, 28, 28), np.uint8)
BAD_FILES = {
    "missing": (IMAGES, None, "contains none of train-images-idx3-ubyte, .* four IDX files"),
    "missing labels": (LABELS, None, "contains none of train-labels-idx1-ubyte"),
    "empty": (IMAGES, b"", "starts with the bytes ''"),
    "wrong magic": (IMAGES, b"\x89PNG\r\n", "'89 50 4e 47', but .* images .* '00 00 08 03'"),
    "labels as images": (
        *(IMAGES, idx_bytes(np.zeros(6, np.uint8))),
        "starts with the bytes '00 00 08 01'",
    ),
    "cut in its header": (IMAGES, idx_bytes(BLANK)[:9], "cut off: it has 9 of 16 header bytes"),
    "cut in its data": (
        *(IMAGES, idx_bytes(BLANK)[:-1]),
        "announces 6 x 28 x 28 = 4704 bytes but contains 4703",
    ),
    "too long": (IMAGES, idx_bytes(BLANK) + b"?", "4704 bytes but contains 4705"),
    "not gzip": (IMAGES + ".gz", b"<html>quota", "not an intact gzip file .*Not a gzipped file"),
    "damaged gzip": (
        *(IMAGES + ".gz", gzip.compress(idx_bytes(BLANK))[:10] + b"\xff" * 30),
        "not an intact gzip file",
    ),
    "wrong gzip checksum": (
        *(IMAGES + ".gz", gzip.compress(idx_bytes(BLANK))[:-8] + bytes(8)),
        "not an intact gzip file .*CRC",
    ),
    "cut gzip": (IMAGES + ".gz", gzip.compress(idx_bytes(BLANK))[:-9], "gzip stream ends too e"),
    "fewer labels": (
        *(LABELS, idx_bytes(np.zeros(5, np.uint8))),
        "train-labels-idx1-ubyte: 6 images but 5 labels",
    ),
    "label 10": (LABELS, idx_bytes(np.full(6, 10, np.uint8)), "there is a label 10"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_in_one_sentence(tmp_path, case):
    name, content, message = BAD_FILES[case]
    write_set(tmp_path)
    (tmp_path / name.removesuffix(".gz")).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        mnist.load("train", tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_bad_folder_or_split_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist; name another"):
        mnist.load("train", tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"file is a file, but .* must be a folder"):
        mnist.load("train", tmp_path / "file")
    with pytest.raises(
        UserError, match=r"no split 'valid'; choose one of train, train-head, train-tail, test, "
    ):
        mnist.load("valid")


@pytest.mark.parametrize("folder", ["digits", "pairs"])
def test_examples_are_the_test_images_that_their_readme_names(folder, test):
    lines = (EXAMPLES / folder / "README.md").read_text().splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("| `")]
    table = {name.strip(" `"): int(index) for name, index in rows}
    stems, images = read_images(EXAMPLES / folder, (28, 28), "L")
    assert sorted(table) == [f"{stem}.png" for stem in stems]
    for stem, image in zip(stems, images, strict=True):
        index = table[f"{stem}.png"]
        np.testing.assert_array_equal(image, test.images[index])
        if folder == "digits":
            assert stem == f"digit-{test.labels[index]}"


def test_images_of_another_size_are_refused_with_both_sizes(tmp_path):
    for prefix in ("train", "t10k"):
        images, labels = np.zeros((4, 32, 32), np.uint8), np.zeros(4, np.uint8)
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    with pytest.raises(UserError, match=r"32x32, but MNIST's are 28x28"):
        mnist.load("train", tmp_path)


# Forms


@pytest.fixture(scope="module")
def idx(tmp_path_factory) -> Path:
    """IDX files of 23 training and 11 test digits, real ones, named as TFDS wants them."""
    folder = tmp_path_factory.mktemp("idx")
    for prefix, split, count in (("train", "train", 23), ("t10k", "test", 11)):
        records = mnist.load(split).take(slice(count))
        for name, array in (
            (f"{prefix}-images-idx3-ubyte.gz", records.images[:, :, :, 0]),
            (f"{prefix}-labels-idx1-ubyte.gz", records.labels.astype(np.uint8)),
        ):
            (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
    return folder


def as_npz(idx: Path, folder: Path) -> Path:
    train, test = mnist.load("train", idx), mnist.load("test", idx)
    arrays = {
        "x_train": train.images[:, :, :, 0],
        "y_train": train.labels.astype(np.uint8),
        "x_test": test.images[:, :, :, 0],
        "y_test": test.labels.astype(np.uint8),
    }
    np.savez(folder / "mnist.npz", **arrays)  # pyright: ignore[reportArgumentType]
    return folder


def as_images(idx: Path, folder: Path, names: tuple[str, str] = ("train", "test")) -> Path:
    for split, name in zip(("train", "test"), names, strict=True):
        records = mnist.load(split, idx)
        for digit in range(10):
            (folder / name / str(digit)).mkdir(parents=True)
            rows = np.flatnonzero(records.labels == digit)
            for row in rows if len(rows) else [-1]:  # at least one
                file = folder / name / str(digit) / f"{row:05d}.png"
                Image.fromarray(records.images[row, :, :, 0]).save(file)
    return folder


def as_tfds(idx: Path, folder: Path, monkeypatch) -> Path:
    """By TFDS's own code, which is told that MNIST is smaller."""
    from tensorflow_datasets.image_classification import mnist as theirs

    monkeypatch.setattr(theirs, "_TRAIN_EXAMPLES", 23)
    monkeypatch.setattr(theirs, "_TEST_EXAMPLES", 11)
    prepared.prepare("mnist", idx, folder)
    return folder


def same(one: Records, other: Records) -> None:
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.attributes, other.attributes)


def test_an_npz_gives_the_same_digits(idx, tmp_path):
    folder = as_npz(idx, tmp_path)
    for split in mnist.SPLITS:
        same(mnist.load(split, folder), mnist.load(split, idx))
    same(mnist.load("train", folder / "mnist.npz"), mnist.load("train", idx))


def test_what_tfds_prepares_gives_the_same_digits_in_their_order(idx, tmp_path, monkeypatch):
    folder = as_tfds(idx, tmp_path, monkeypatch)
    for split in mnist.SPLITS:
        same(mnist.load(split, folder), mnist.load(split, idx))
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    same(mnist.load("test", None, "tfds"), mnist.load("test", idx))


@pytest.mark.parametrize("names", [("train", "test"), ("training", "testing")])
def test_folders_of_images_give_the_same_digits_in_the_order_of_their_names(idx, tmp_path, names):
    found, files = mnist.load("train", as_images(idx, tmp_path, names)), mnist.load("train", idx)
    same(found, files)  # the names are the rows; all ten digits are among the 23


def test_ink_on_transparent_ground_is_learnt_as_ink(idx, tmp_path):
    folder = as_images(idx, tmp_path)
    for file in folder.rglob("*.png"):
        ink = Image.open(file)
        Image.merge("LA", [Image.new("L", ink.size), ink]).save(file)  # black
    same(mnist.load("train", folder), mnist.load("train", idx))


def test_digits_without_a_common_order_are_mixed(tmp_path):
    for split in ("train", "test"):
        for digit in range(10):
            (tmp_path / split / str(digit)).mkdir(parents=True)
            for name in ("a", "b"):  # the same names in every folder
                image = Image.new("L", (28, 28), digit)
                image.save(tmp_path / split / str(digit) / f"{name}.png")
    assert mnist.load("train", tmp_path).labels.tolist() == [*range(10), *range(10)]
    assert set(mnist.load("test", tmp_path).labels) == set(range(10))


def test_nothing_prepared_says_how_to_prepare_it(tmp_path):
    with pytest.raises(
        UserError, match=r"has prepared no mnist in .*python -m common\.datasets --prepare mnist"
    ):
        mnist.load("train", tmp_path, "tfds")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_train": np.zeros((2, 28, 28), np.uint8)}, "has no y_train; take the one that Keras"),
        (
            {"x_train": np.zeros((2, 28, 28)), "y_train": np.zeros(2, np.uint8)},
            r"x_train must be uint8 \[N, 28, 28\] and y_train whole numbers \[N\], but they are",
        ),
        (
            {"x_train": np.zeros((2, 28, 28), np.uint8), "y_train": np.zeros(3, np.uint8)},
            "2 images but 3 labels",
        ),
        (
            {"x_train": np.zeros((2, 28, 28), np.uint8), "y_train": np.array([3, -1])},
            "there is a label -1, but digits are 0 to 9",
        ),
    ],
)
def test_another_npz_is_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(UserError, match=said):
        mnist.load("train", tmp_path)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(st.data())
def test_a_damaged_npz_is_read_or_is_a_user_error(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("npz") / "mnist.npz"
    arrays = {"x_train": np.zeros((3, 28, 28), np.uint8), "y_train": np.arange(3)}
    np.savez(file, x_test=arrays["x_train"], y_test=arrays["y_train"], **arrays)
    content = bytearray(file.read_bytes())
    heads = [i for i in range(len(content)) if content.startswith(b"\x93NUMPY", i)]
    near = st.builds(
        int.__add__, st.sampled_from([0, len(content) - 400, *heads]), st.integers(0, 99)
    )
    for place in data.draw(st.lists(near, min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with contextlib.suppress(UserError):
        mnist.load("train", file)


def test_a_cut_npz_is_refused(idx, tmp_path):
    file = as_npz(idx, tmp_path) / "mnist.npz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"mnist\.npz is not an intact \.npz .*; download it"):
        mnist.load("train", tmp_path)


def test_training_folders_without_those_of_the_test_are_told(tmp_path):
    (tmp_path / "train" / "0").mkdir(parents=True)
    with pytest.raises(UserError, match=r"has train/ with folders 0 to 9, but no test/ with them"):
        mnist.load("test", tmp_path)


def test_a_file_of_another_kind_is_no_mnist(tmp_path):
    (tmp_path / "digits.gz").touch()
    with pytest.raises(UserError, match=r"digits\.gz is a file, but the MNIST data must be a"):
        mnist.load("test", tmp_path / "digits.gz")


def test_a_folder_of_tfds_without_its_files_says_so(tmp_path):
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text('{"name": "mnist"}')
    with pytest.raises(UserError, match=r"is not what tensorflow-datasets leaves \(.*prepare it"):
        mnist.load("test", tmp_path)


def test_a_folder_of_images_without_a_digit_or_of_another_size_is_refused(idx, tmp_path):
    folder = as_images(idx, tmp_path)
    (folder / "train" / "7").rename(folder / "seven")
    with pytest.raises(UserError, match="has no folder 7; it needs 0 to 9"):
        mnist.load("train", folder)
    file = next((folder / "test" / "0").iterdir())
    Image.new("L", (32, 32)).save(file)
    with pytest.raises(UserError, match=rf"{file} is 32x32, but MNIST's are 28x28"):
        mnist.load("test", folder)


def test_an_array_or_a_page_in_the_place_of_an_npz_is_refused(tmp_path):
    np.save(tmp_path / "mnist.npy", np.zeros(3))
    array = (tmp_path / "mnist.npy").read_bytes()
    for content in (array, b"<html>Not found</html>"):
        (tmp_path / "mnist.npz").write_bytes(content)
        with pytest.raises(UserError, match=r"not an intact \.npz \(\w+\): it may be a web"):
            mnist.load("train", tmp_path)
