"""The report on several attributes of data in CelebA's layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from common.classifiers import faces as face_classifier
from common.cli.commands import EvaluateCommand
from common.datasets.drawn import write_celeba
from common.reporting.document import Report
from common.settings.config import Source
from ifcvaegan import data, evaluate, trained
from ifcvaegan.config import Config

NAMES = ("Smiling", "Male")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """140 drawn training faces, 8 of dev and 8 of test."""
    folder = tmp_path_factory.mktemp("data") / "celeba"
    write_celeba(folder, {"train": 140, "dev": 8, "test": 8})
    return folder


@pytest.fixture(scope="module")
def two(config: Config, folder: Path) -> Config:
    """A run on them with two attributes."""
    run = Source(data_dir=folder, cache_dir=folder.parent / "cache")
    some = replace(config.data, attributes=NAMES)
    return replace(config, dataset="celeba", run=run, data=some)


@pytest.fixture(scope="module")
def read() -> list[np.ndarray]:
    """The labels that readers of z were trained on, in order."""
    return []


@pytest.fixture(scope="module")
def report(two: Config, read: list[np.ndarray], folder: Path) -> Report:
    """Of networks that have learnt nothing, as are the judge and the readers of z."""

    def judge(records, cache_dir) -> keras.Model:
        return face_classifier.attribute_classifier(16, len(records.attribute_names))

    def guess(train, labels, test, kind, seed) -> np.ndarray:
        read.append(labels)
        return np.zeros(len(test))

    keras.utils.set_random_seed(0)
    nets = trained.build(two)
    model = trained.Trained(folder / "no-run", two, nets["encoder"], nets["decoder"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_classifier, "load_or_train", judge)
        patch.setattr("ifcvaegan.probes.read", guess)
        patch.setattr("ifcvaegan.figures.grid", lambda rows, path, **_: path.write_bytes(b""))
        return evaluate.measure(model, two, folder.parent, EvaluateCommand())


def test_each_attribute_has_its_tables(report):
    titles = [table.title for table in report.tables]
    assert [title for title in titles if title.startswith("Table 1")] == [
        "Table 1: Smiling",
        "Table 1: Male",
    ]
    assert titles.count("What z tells about y") == 2
    assert set(NAMES) < set(report.details)


def test_the_authors_faces_stand_first_and_are_those_with_the_attribute(report, two):
    few = data.first_faces(two)
    assert few is not None
    tables = [table for table in report.tables if table.title.startswith("Table 1")]
    for column, table in enumerate(tables):
        title, n = table.rows[0][:2]
        assert title == "the authors' faces (first 32) with it"
        assert n == few.attributes[:, column].sum()


def test_each_attribute_is_read_by_its_own_labels(report, two, read):
    train = data.load(two, "train").attributes > 0.5
    assert not np.array_equal(train[:, 0], train[:, 1])
    columns = [column for column in (0, 1) for _ in range(4)]  # two readers of two codes each
    assert len(read) == len(columns)
    for labels, column in zip(read, columns, strict=True):
        assert np.array_equal(labels, train[:, column])


def test_male_is_kept_only_by_edits_of_other_attributes(report):
    columns = [table.columns for table in report.tables if table.title.startswith("What an edit")]
    assert ["Male as in the photo" in titles for titles in columns] == [True, False]
