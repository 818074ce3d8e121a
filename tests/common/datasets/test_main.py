"""`python -m common.datasets`: what it says of each kind of folder, and its picture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets import mnist
from common.datasets.__main__ import main
from common.datasets.drawn import write_celeba


@pytest.fixture
def shown(tmp_path, capsys):
    """Runs the command; what it said, and the size of its picture."""

    def run(*words: str) -> tuple[str, tuple[int, int]]:
        picture = tmp_path / "pictures" / "samples.png"
        main([*words, "--out", str(picture)])
        captured = capsys.readouterr()
        with Image.open(picture) as image:
            return captured.out + captured.err, image.size

    return run


def test_celeba_is_told_with_its_splits_and_the_balance_of_its_attributes(shown, tmp_path):
    write_celeba(tmp_path / "celeba", {"train": 12, "dev": 4, "test": 4})
    said, _ = shown("--data-dir", str(tmp_path / "celeba"))
    assert f"CelebA: JPEG files in {tmp_path}/celeba/img_align_celeba, 20 images" in said
    lines = [[word.strip() for word in line.split("│")[1:-1]] for line in said.splitlines()]
    assert ["train", "12"] in lines
    smiling = next(line for line in lines if line and line[0] == "Smiling")
    assert len(smiling) == 4
    assert all(share.endswith("%") for share in smiling[1:])
    assert "20 of them, as networks see them" in said


def test_the_mnist_that_comes_along_is_told_without_a_folder(shown):
    said, size = shown()
    assert "MNIST: the embedded MNIST files" in said
    assert "60,000" in said
    assert "64 of them" in said
    assert min(size) > 8 * 28


def test_any_other_images_are_counted(shown, tmp_path):
    (tmp_path / "some").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / "some" / f"{number}.png")
    said, _ = shown("--data-dir", str(tmp_path / "some"))
    assert f"images without labels: PNG files in {tmp_path / 'some'}" in said
    assert "3 of them" in said


@pytest.mark.parametrize(
    ("inverted", "said"),
    [(False, "MNIST: {}"), (True, "of MNIST's form, but other images than MNIST's")],
)
def test_another_mnist_is_found_by_itself_and_not_called_so_if_it_is_none(
    shown, tmp_path, inverted, said
):
    test = mnist.load("test").take(slice(20))
    digits, labels = test.images[:, :, :, 0], test.labels.astype(np.uint8)
    digits = 255 - digits if inverted else digits
    arrays = {"x_train": digits, "y_train": labels, "x_test": digits, "y_test": labels}
    np.savez(tmp_path / "mnist.npz", **arrays)  # pyright: ignore[reportArgumentType]
    found, _ = shown("--data-dir", str(tmp_path))
    assert said.format(tmp_path / "mnist.npz") in " ".join(found.split())


def test_images_none_of_which_has_attributes_are_told(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_celeba(tmp_path / "celeba", {"train": 3})
    for file in (tmp_path / "celeba" / "img_align_celeba").iterdir():
        file.rename(file.with_stem(f"x{file.stem}"))
    with pytest.raises(SystemExit):
        main(["--data-dir", "celeba"])
    assert "none of the images has attributes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def renumbered(folder: Path) -> None:
    """Without a list of splits, and not numbered as CelebA's files."""
    (folder / "list_eval_partition.txt").unlink()
    file = folder / "list_attr_celeba.txt"
    file.write_text(file.read_text().replace("\n0", "\nx0"))
    for image in (folder / "img_align_celeba").iterdir():
        image.rename(image.with_stem(f"x{image.stem}"))


def squared(folder: Path) -> None:
    Image.new("RGB", (128, 128)).save(folder / "img_align_celeba" / "000001.jpg")


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        (renumbered, "", "│ all of it │ 5 │.*there is no official split"),
        (squared, "", "000001 is 128x128, which is not CelebA's proportion"),
        (lambda _: None, "", "There are no images in dev and test, which a training needs"),
        (lambda _: None, "list_attr_celeba.txt", "5 images with attributes"),
    ],
)
def test_what_a_training_would_refuse_is_told_and_the_images_shown(
    shown, tmp_path, change, named, said
):
    write_celeba(tmp_path / "celeba", {"train": 5})
    change(tmp_path / "celeba")
    found, _ = shown("--data-dir", str(tmp_path / "celeba" / named))
    assert re.search(said, " ".join(found.split()))
    assert "5 of them" in found


def test_an_image_that_cannot_be_read_is_told_and_the_others_are_shown(shown, tmp_path, capsys):
    write_celeba(tmp_path / "celeba", {"train": 5})
    files = sorted((tmp_path / "celeba" / "img_align_celeba").iterdir())
    files[2].write_bytes(b"")
    said, _ = shown("--data-dir", str(tmp_path / "celeba"))
    assert "000003 of JPEG files in" in said
    assert "4 of them, as networks see them" in said
    for file in files:
        file.write_bytes(b"")
    with pytest.raises(SystemExit):
        main(["--data-dir", str(tmp_path / "celeba")])
    assert "none of 5 images can be read." in capsys.readouterr().err


def test_a_folder_too_high_or_too_deep_is_told_where_the_data_lie(capsys, tmp_path, monkeypatch):
    write_celeba(tmp_path / "high" / "mine", {"train": 5})
    deep = tmp_path / "high" / "mine" / "img_align_celeba"
    for folder, meant in ((tmp_path / "high", deep.parent), (deep, deep.parent)):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit):
            main(["--data-dir", str(folder)])
        assert f"name the folder that is one, such as {meant}." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["photos", "img_align_celeba"])
def test_photographs_are_shown_whatever_lies_in_folders_among_them(shown, tmp_path, name):
    write_celeba(tmp_path / name / "old", {"train": 1})
    for number in range(3):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / name / f"{number}.png")
    if name != "photos":
        for file in (tmp_path / name / "old").glob("*.txt"):
            file.unlink()
        (tmp_path / name / "old" / "img_align_celeba").rename(tmp_path / name / "other")
    said, _ = shown("--data-dir", str(tmp_path / name))
    assert "3 of them" in said


def test_a_zip_that_is_named_is_looked_into(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content, said in (
        ("celeba.zip", b"<html>Quota exceeded</html>", "is a web page of 27 bytes, not a zip"),
        ("photo.jpg", b"", "photo.jpg is no data set; name a folder by --data-dir."),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SystemExit):
            main(["--data-dir", name])
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data-dir", "/nowhere"], "/nowhere does not exist"),
        (["--source", "tfds", "--data-dir", "."], "has prepared neither mnist nor celeb_a in"),
        (["--prepare", "mnist", "--out", "there"], "--prepare needs --data-dir"),
        (["--prepare", "mnist", "--data-dir", "."], "Name the folder that is to get the data"),
        (["--download", "mnist"], "Name the folder that is to get the data"),
        (["--download", "mnist", "--prepare", "mnist"], "are two commands; give one"),
    ],
)
def test_a_mistake_is_one_sentence(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["photos/1.png", "photos/../photos/0.png", "link.png", "hard.png"])
def test_the_picture_takes_the_place_of_no_photograph(out, capsys, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30)).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "link.png").symlink_to("photos/2.png")
    (tmp_path / "hard.png").hardlink_to(tmp_path / "photos" / "2.png")
    with pytest.raises(SystemExit):
        main(["--data-dir", str(tmp_path / "photos"), "--out", str(tmp_path / out)])
    assert f"{out} is a file of the data" in capsys.readouterr().err


@pytest.mark.slow
def test_mnist_is_prepared_by_tfds_and_found_again(shown, tmp_path, monkeypatch):
    from tensorflow_datasets.image_classification import mnist as theirs

    monkeypatch.setattr(theirs, "_TRAIN_EXAMPLES", 50)
    monkeypatch.setattr(theirs, "_TEST_EXAMPLES", 20)
    main(["--prepare", "mnist", "--data-dir", str(mnist.EMBEDDED), "--out", str(tmp_path / "t")])
    said, _ = shown("--data-dir", str(tmp_path / "t"), "--source", "tfds")
    assert "prepared by tensorflow-datasets" in said
    assert Path(tmp_path / "t" / "mnist").is_dir()
