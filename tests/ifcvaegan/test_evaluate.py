"""The report on several attributes of data in CelebA's layout, and what it says in sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from common.classifiers import faces as face_classifier
from common.cli.evaluation import Evaluation
from common.datasets.drawn import write_celeba
from common.reporting.document import Report
from common.runs.directory import Run
from common.runs.history import write_history
from common.settings.config import Source, from_json
from ifcvaegan import alarms, data, editor, evaluate
from ifcvaegan.config import Config, DataConfig
from ifcvaegan.evaluate import alarm_findings, published_row, sentences
from ifcvaegan.presets import PRESETS
from ifcvaegan.results import AttributeResult
from tests.ifcvaegan.toys import result

NAMES = ("Smiling", "Male")


@pytest.fixture(scope="module")
def two(config: Config, tmp_path_factory) -> Config:
    """A run with two attributes on 140 drawn training faces, 8 of dev and 8 of test."""
    folder = tmp_path_factory.mktemp("data") / "celeba"
    write_celeba(folder, {"train": 140, "dev": 8, "test": 8})
    source = Source(data_dir=folder, cache_dir=folder.parent / "cache")
    some = replace(config.data, attributes=NAMES)
    return replace(config, dataset="celeba", source=source, data=some)


@pytest.fixture(scope="module")
def read() -> list[np.ndarray]:
    """The labels that readers of z were trained on, in order."""
    return []


@pytest.fixture(scope="module")
def report(two: Config, read: list[np.ndarray], tmp_path_factory) -> Report:
    """Of networks that have learnt nothing, as have the classifier and the readers of z."""

    def classifier(dataset, source) -> face_classifier.FaceClassifier:
        assert (dataset, source) == ("celeba", two.source)
        names = (*NAMES, "Bald")
        return face_classifier.FaceClassifier(face_classifier.attribute_classifier(3), names, 0)

    def guess(train, labels, test, kind, seed) -> np.ndarray:
        read.append(labels)
        return np.zeros(len(test))

    keras.utils.set_random_seed(0)
    nets = editor.build(two)
    out = tmp_path_factory.mktemp("report")
    model = editor.IFcVAEGANEditor(out / "no-run", two, nets["encoder"], nets["decoder"])
    train, test = data.load(two, "train"), data.load(two, "test")
    work = Evaluation(
        editor=model, config=two, train=train, test=test, total=8, out=out, seed=0, facts=[]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_classifier, "load_classifier", classifier)
        patch.setattr("ifcvaegan.probes.read", guess)
        patch.setattr("ifcvaegan.figures.grid", lambda rows, path, **_: path.write_bytes(b""))
        return evaluate.measure(work)


def titled(report: Report, start: str) -> list[Any]:
    return [table for table in report.tables if table.title.startswith(start)]


def test_each_attribute_has_its_tables_and_its_typed_figures(report):
    tables = titled(report, "Table 1")
    assert [table.title for table in tables] == ["Table 1: Smiling", "Table 1: Male"]
    assert len(titled(report, "What z tells about y")) == 2
    assert report.details["test_images"] == 8
    assert tuple(report.details["attributes"]) == NAMES
    for name, table in zip(NAMES, tables, strict=True):
        found = from_json(AttributeResult, report.details["attributes"][name])
        every = next(row for row in table.rows if row[0] == "all test faces")
        assert every[2:] == [
            *(found.protocols.every.mse, found.protocols.every.class0),
            *(found.protocols.every.class1, found.protocols.every.edit_effect),
        ]


def test_the_authors_faces_stand_first_and_are_those_with_the_attribute(report, two):
    few = data.first_faces(two)
    assert few is not None
    for column, table in enumerate(titled(report, "Table 1")):
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
    columns = [table.columns for table in titled(report, "What an edit")]
    assert ["Male as in the photo" in titles for titles in columns] == [True, False]


# --- Sentences ------------------------------------------------------------------------------------


def test_the_sentences_give_each_figure_its_name():
    one, two, three = sentences("Male", result())
    assert "of 8 test faces, decoded with sampled z, 11.0% read as without it at y = 0" in one
    assert "and 12.0% as with it at y = 1; together 0.23" in one
    assert "with the mean of z 21.0% and 22.0%" in one
    assert "right on 71.0% of real faces and 72.0% of reconstructions" in one
    assert "reader finds it in z with 34.0% (linear: 32.0%); the base rate is 60.0%" in two
    assert three.startswith("Male: 46.0% of the edits")  # the mean of 41 % and 51 %
    assert "use more of them" in sentences("Male", replace(result(), base_rate=1.0))[-1]


@pytest.mark.parametrize(
    ("config", "attribute", "row"),
    [
        (PRESETS["no_aux"](), "Smiling", "the paper's row no_aux"),
        (PRESETS["stable"](), "Smiling", "the paper's row with_rec_class (other settings)"),
        (
            replace(PRESETS["no_aux"](), source=Source(limit=9)),
            *("Smiling", "the paper's row no_aux (other settings)"),
        ),
        (PRESETS["naive_fig3"](), "Smiling", None),
        (PRESETS["paper"]("drawn"), "Smiling", None),
        (replace(PRESETS["paper"](), data=DataConfig(attributes=("Male",))), "Male", None),
    ],
)
def test_the_papers_row_is_that_of_smiling_on_celeba(config, attribute, row):
    found = published_row(config, attribute)
    assert (found[0] if found else None) == row
    if row == "the paper's row no_aux":
        assert found == (row, (0.028, 3 / 16, 13 / 16))


# --- Alarms ---------------------------------------------------------------------------------------


def leave_history(run: Path, step: int, auxiliary_loss: float) -> Run:
    row = {"period": 1, "step": step, "images": 1, "seconds": 1.0}
    write_history(run / "history-vaegan.csv", [row | {"auxiliary_loss": auxiliary_loss}])
    return Run(run)


@pytest.mark.parametrize(
    ("step", "effect", "loss", "aim", "said"),
    [
        (500, 0.009, 0.69, 0.69, "the label is ignored: images with Male at 1 and at 0 differ by"),
        (500, 0.011, 0.69, 0.69, ""),
        (500, 0.02, 0.58, 0.69, "reads y in z: its loss is 0.580, H(y) is 0.690"),
        (500, 0.02, 0.6, 0.69, ""),
        (500, 0.02, 0.98, 0.69, ""),
        (500, 0.02, 1.0, 0.69, "loss of 1.000 is far above H(y) = 0.690"),
        (500, 0.02, 0.4, None, ""),
        (499, 0.0, 0.1, 0.69, ""),  # networks that have hardly begun
    ],
)
def test_the_log_names_what_goes_wrong(tmp_path, caplog, step, effect, loss, aim, said):
    run = leave_history(tmp_path, step, loss)
    with caplog.at_level("WARNING"):
        alarms.watch(run, {"Smiling": 0.05, "Male": effect}, aim)
    assert len(caplog.messages) == bool(said)
    assert said in caplog.text


@pytest.mark.parametrize(
    ("step", "gamma", "loss", "said"),
    [(500, 1.0, 0.3, True), (500, 0.0, 0.3, False), (499, 1.0, 0.3, False), (500, 1.0, 0.6, False)],
)
def test_the_report_speaks_of_the_auxiliary_loss_only_where_a_term_acts_on_it(
    tmp_path, faces, step, gamma, loss, said
):
    leave_history(tmp_path, step, loss)
    found = alarm_findings(tmp_path, gamma, faces)
    assert len(found) == said
    assert all("reads y in z" in text for text in found)


def test_weights_without_a_history_raise_no_alarm(tmp_path, faces):
    assert alarm_findings(tmp_path, 1.0, faces) == []
