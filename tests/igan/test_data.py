"""What a run of iGAN sees of its data."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common import datasets
from common.datasets.fashion import CLASSES
from common.errors import UserError
from common.settings.config import Source
from igan.config import Config, DataConfig
from igan.data import load
from igan.editor import build, outline
from igan.presets import PRESETS

COUNT = 60  # images of a file of the toy; image i shows the value i and has the class i % 10


@pytest.fixture(scope="module")
def clothing(tmp_path_factory) -> Path:
    """A folder in the form of Fashion-MNIST."""
    folder = tmp_path_factory.mktemp("fashion")
    for prefix in ("train", "t10k"):
        images = np.repeat(np.arange(COUNT, dtype=np.uint8), 28 * 28)
        labels = np.arange(COUNT, dtype=np.uint8) % 10
        sizes = np.array([COUNT, 28, 28], ">u4").tobytes()
        for name, dimensions, content in (
            ("images-idx3", 3, sizes + images.tobytes()),
            ("labels-idx1", 1, sizes[:4] + labels.tobytes()),
        ):
            data = gzip.compress(bytes([0, 0, 8, dimensions]) + content)
            (folder / f"{prefix}-{name}-ubyte.gz").write_bytes(data)
    return folder


def config(folder: Path, *classes: str, **options) -> Config:
    data = DataConfig(image_size=32, classes=classes or ("all",))
    return Config(dataset="fashion", source=Source(data_dir=folder, **options), data=data)


def test_clothing_has_its_names_and_a_border(clothing):
    records = load(config(clothing), "train")
    assert records.attribute_names == CLASSES
    assert records.images.shape == (55, 32, 32, 1)  # of 60 the last twelfth is dev
    assert records.images[7, 2:30, 2:30].min() == 7
    assert records.images[7, :2].max() == 0


def test_shoes_are_sneakers_and_boots(clothing):
    records = load(config(clothing, "shoes"), "test")
    assert sorted(set(records.labels)) == [7, 9]
    assert records.images[:, 16, 16, 0].tolist() == [i for i in range(COUNT) if i % 10 in (7, 9)]


def test_splits_share_no_image(clothing):
    train, dev = (
        load(config(clothing, "Bag"), split).images[:, 16, 16, 0] for split in ("train", "dev")
    )
    assert not set(train) & set(dev)
    assert set(dev) == {58}


def test_a_class_that_no_image_of_the_limit_has_is_refused(clothing):
    with pytest.raises(UserError, match="no images of Bag"):
        load(config(clothing, "Bag", limit=3), "train")


@pytest.mark.parametrize("name", ["fashion", "folder"])
def test_a_folder_that_is_not_named_is_told_early(name):
    with pytest.raises(UserError, match="--data-dir"):
        datasets.check(name, Source())


def test_any_folder_of_images_will_do(tmp_path):
    for number in range(5):
        image = Image.new("RGB", (30, 20), (40 * number, 0, 0))
        image.save(tmp_path / f"{number}.png")
    source = Source(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    found = load(Config(dataset="folder", source=source), "train")
    assert found.images.shape == (3, 64, 64, 3)
    assert found.images[2, 0, 0].tolist() == [80, 0, 0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dataset": "fashion", "data": DataConfig(classes=("boats",))}, "data.classes"),
        ({"dataset": "celeba", "data": DataConfig(classes=("shoes",))}, "have no classes"),
        ({"dataset": "mnist", "data": DataConfig(classes=("shoes",))}, "data.classes"),
        ({"stages": ()}, "stages"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, said):
    with pytest.raises(UserError, match=said):
        Config(**options)


def test_each_preset_has_networks_of_its_images():
    for name, preset in PRESETS.items():
        if name == "paper":
            continue  # its networks are counted elsewhere
        for dataset in ("fashion", "celeba"):
            settings = preset(dataset)
            size = 64 if dataset == "celeba" and name != "smoke" else 32
            nets = build(settings)
            assert nets["generator"].output_shape == (None, size, size, settings.channels)
            assert nets["predictor"].output_shape[1] == settings.networks.latent_size


def test_an_outline_tells_the_kind_without_networks(tiny_run):
    found = outline(tiny_run)
    assert (found.kind.size, found.kind.channels, found.kind.noun) == (32, 3, "face")
