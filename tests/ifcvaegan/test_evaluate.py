"""The report on several attributes of data in CelebA's layout, and what it says in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.cli.evaluation import Evaluation
from common.datasets.drawn import write_celeba
from common.datasets.records import Records
from common.reporting import sections
from common.reporting.document import Report
from common.runs.directory import Run
from common.runs.history import write_history
from common.settings.config import Source, from_json
from ifcvaegan import alarms, data, editor, evaluate, tables
from ifcvaegan.codes import with_values
from ifcvaegan.config import Config, DataConfig
from ifcvaegan.evaluate import alarm_findings, published_row, sentences
from ifcvaegan.presets import PRESETS
from ifcvaegan.results import AttributeResult
from tests.ifcvaegan.toys import result

NAMES = ("Smiling", "Male", "Eyeglasses")
KNOWN = (*NAMES, "Bald")  # by the classifier


@pytest.fixture(scope="module")
def celeba(config: Config, tmp_path_factory) -> Config:
    """A run on 140 drawn training faces, 9 of dev and 12 of test."""
    folder = tmp_path_factory.mktemp("data") / "celeba"
    write_celeba(folder, {"train": 140, "dev": 9, "test": 12})
    source = Source(data_dir=folder, cache_dir=folder.parent / "cache")
    return replace(config, dataset="celeba", source=source)


def read(images: np.ndarray) -> np.ndarray:
    """Stands in for the classifier: whether the sum of a channel is odd, as every change changes.

    Smiling in the red one, Male in the green, Eyeglasses in the blue one, Bald in all together:
    bool `[N, 4]`.
    """
    sums = images.astype(np.int64).sum(axis=(1, 2))
    return np.column_stack([sums, sums.sum(axis=1)]) % 2 == 1


@dataclass(frozen=True)
class Measured:
    """A report, and what it was made of.

    Attributes:
        given: name of a function -> its arguments, of each call.
    """

    report: Report
    model: editor.IFcVAEGANEditor
    train: Records
    test: Records
    given: dict[str, list[tuple[Any, ...]]]

    def tables(self, start: str) -> list[Any]:
        return [table for table in self.report.tables if table.title.startswith(start)]

    def found(self, name: str) -> AttributeResult:
        return from_json(AttributeResult, self.report.details["attributes"][name])


@pytest.fixture(scope="module")
def measured(celeba: Config, model, tmp_path_factory) -> Measured:
    """Of networks that tell faces and codes apart, with readers of z that have learnt nothing."""
    out = tmp_path_factory.mktemp("report")
    model = replace(model, config=celeba)
    train, test = data.load(celeba, "train"), data.load(celeba, "test")
    work = Evaluation(
        editor=model,
        config=celeba,
        train=train,
        split="test",
        real=test,
        total=12,
        out=out,
        seed=5,
        facts=[],
    )
    given: dict[str, list[tuple[Any, ...]]] = {}

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments, **options):
            given.setdefault(function.__name__, []).append(arguments)
            return function(*arguments, **options)

        return call

    def load_classifier(dataset, source) -> SimpleNamespace:
        assert (dataset, source) == ("celeba", celeba.source)
        return SimpleNamespace(names=KNOWN, read=read)

    def generated_table(*_) -> list[Any]:
        return []

    def guess(train, dev, test, kind, *, sampled, seed) -> np.ndarray:
        return np.zeros((1, len(test.latent)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.classifiers.faces.load_classifier", load_classifier)
        patch.setattr("common.classifiers.features.faces", lambda classifier: classifier)
        patch.setattr("common.reporting.unpaired.generated_table", noted(generated_table))
        section = "common.reporting.sections.reconstruction_section"
        patch.setattr(section, noted(sections.reconstruction_section))
        for function in (tables.leak_table, tables.arithmetic_table):
            patch.setattr(tables, function.__name__, noted(function))
        patch.setattr("ifcvaegan.probes.read", noted(guess))
        patch.setattr("ifcvaegan.figures.grid", lambda rows, path, **_: path.write_bytes(b""))
        return Measured(evaluate.measure(work), model, train, test, given)


def test_each_attribute_has_its_tables(measured):
    titles = [table.title for table in measured.tables("Table 1")]
    assert titles == ["Table 1: Smiling", "Table 1: Male", "Table 1: Eyeglasses"]
    assert len(measured.tables("What z tells about y")) == 3
    assert measured.report.details["images"] == 12
    assert tuple(measured.report.details["attributes"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_of_the_test_faces_with_z_sampled_by_the_seed(measured, name):
    """Worked out once more from the images and the codes."""
    model, images, column = measured.model, measured.test.images, NAMES.index(name)
    means, found = model.encode(images), measured.found(name)
    codes, true = means.sampled(5), measured.test.attributes[:, column] > 0.5
    rebuilt = model.decode(codes)

    def edited(codes: editor.Codes, value: float) -> np.ndarray:
        y = with_values(codes.attributes, NAMES, {name: value})
        return model.decode(codes.with_attributes(y))

    def share(right: np.ndarray) -> float:
        return float(right.mean())

    for shares, some in ((found.protocols.every, codes), (found.protocols.mean, means)):
        zero, one = (read(edited(some, value))[:, column] for value in (0.0, 1.0))
        assert (shares.class0.mean, shares.class1.mean) == (share(~zero), share(one))
        error = np.square((images - model.decode(some).astype(float)) / 255).mean()
        assert shares.mse.mean == pytest.approx(error)
    present = found.protocols.present
    assert present is not None
    assert present.class0.mean == share(~read(edited(codes, 0.0))[true, column])
    for value, kept in ((0.0, found.kept0), (1.0, found.kept1)):
        same = np.delete(read(edited(codes, value)) == read(rebuilt), column, axis=1)
        assert kept.others.mean == pytest.approx(share(same))
    assert found.readers.classifier_real.mean == share(read(images)[:, column] == true)
    assert found.readers.classifier_rebuilt.mean == share(read(rebuilt)[:, column] == true)
    assert found.base_rate == pytest.approx(max(share(true), share(~true)))


def test_the_classifiers_other_answers_are_compared_with_all_their_labels(measured, celeba):
    labels = data.load(replace(celeba, data=replace(celeba.data, attributes=KNOWN)), "test")
    right = read(measured.test.images) == (labels.attributes > 0.5)
    for column, table in enumerate(measured.tables("Who reads the attribute")):
        cells = {row[0]: row[1] for row in table.rows}
        others = np.delete(right, column, axis=1).mean()
        assert cells["the classifier on all others, real faces"].mean == pytest.approx(others)


def test_images_are_compared_with_the_test_faces_beside_training_images(measured):
    """Reconstructions of the mean of z, and faces of random z and the true y."""
    model, test, train = measured.model, measured.test, measured.train
    z = np.random.default_rng(5).standard_normal((12, 6), np.float32)
    ((space, *generated, seed),) = measured.given["generated_table"]
    (reconstructed,) = measured.given["reconstruction_section"]
    assert (space.names, seed) == (KNOWN, 5)
    for given, expected in (
        (reconstructed, (test.images, model.reconstruct(test.images), train.images)),
        (
            generated,
            (
                test.images,
                model.decode(editor.Codes(z, test.attributes)),
                train.spaced(12).images,
            ),
        ),
    ):
        for images, wanted in zip(given, expected, strict=True):
            np.testing.assert_array_equal(images, wanted)


def test_readers_learn_from_training_faces_and_amounts_are_chosen_on_dev(measured, celeba):
    dev = data.load(celeba, "dev").images
    for column in range(3):
        train, choosers, test, read_column, seed = measured.given["leak_table"][column]
        assert (read_column, seed) == (column, 5)
        of_direction, chosen_on, readings, *_ = measured.given["arithmetic_table"][column]
        for faces, images in (
            *((train, measured.train.images), (of_direction, measured.train.images)),
            *((test, measured.test.images), (readings.faces, measured.test.images)),
            *((chosen_on, dev), (choosers, dev)),
        ):
            np.testing.assert_array_equal(faces.records.images, images)
    labels = measured.train.attributes > 0.5
    calls = measured.given["guess"]  # two readers of two codes of each attribute
    for ((_, given), *_), column in zip(calls, np.repeat([0, 1, 2], 4), strict=True):
        np.testing.assert_array_equal(given, labels[:, column])


def test_the_authors_faces_stand_first_and_are_those_with_the_attribute(measured, celeba):
    few = data.first_faces(celeba)
    assert few is not None
    for column, table in enumerate(measured.tables("Table 1")):
        title, n = table.rows[0][:2]
        assert title == "the authors' faces (first 32) with it"
        assert n == few.attributes[:, column].sum()


def test_male_is_kept_only_by_edits_of_other_attributes(measured):
    columns = [table.columns for table in measured.tables("What an edit")]
    assert ["Male as in the photo" in titles for titles in columns] == [True, False, True]


# --- Sentences ------------------------------------------------------------------------------------


def test_the_sentences_give_each_figure_its_name():
    one, two, three = sentences("Male", result())
    assert "of 8 faces, decoded with sampled z, 11.0% read as without it at y = 0" in one
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
