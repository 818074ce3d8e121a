"""What an evaluation measures and writes, and what the command refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from common.classifiers.faces import attribute_classifier, faces_judge
from common.datasets import mnist
from common.datasets.records import Records
from common.reporting.document import Report
from common.reporting.publish import write
from common.settings.config import Source
from icgan_tf import data, evaluate
from icgan_tf.collapse import sentence
from icgan_tf.config import PAPER18, PRESETS
from icgan_tf.evaluate import EvaluateCommand

METRICS = ["mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash"]


# --- The report on digits -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory, model) -> tuple[Report, Path]:
    """The report of tiny networks on 20 digits, and where it was written."""
    out = tmp_path_factory.mktemp("report")
    train, test = mnist.load("dev").take(slice(200)), mnist.load("test5000").take(slice(20))
    command = EvaluateCommand(run=model.folder, out=out, limit=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("icgan_tf.figures.grid", lambda rows, path, **_: path.write_bytes(b""))
        report = evaluate.measure(model, model.config, train, test, 5000, out, command)
        write(report, out)
    return report, out


def test_the_report_comes_in_four_forms_with_its_figures(measured):
    report, out = measured
    figures = {figure.file.name for figure in report.figures}
    assert figures == {
        *("reconstructions.png", "figure-5a.png", "all-attributes.png"),
        *("samples.png", "interpolations.png"),
    }
    texts = {f"report.{kind}" for kind in ("json", "csv", "md", "html")}
    assert {file.name for file in out.iterdir()} == figures | texts


def test_the_report_counts_its_images_and_says_of_how_many(measured):
    report, out = measured
    assert json.loads((out / "report.json").read_text())["n"] == 20
    assert report.summary.startswith("20 real test images, evenly spaced of 5,000,")


def test_every_metric_has_a_mean_within_its_interval(measured):
    metrics = json.loads((measured[1] / "report.json").read_text())["metrics"]
    assert list(metrics) == METRICS
    for metric in metrics.values():
        assert metric["low"] < metric["mean"] < metric["high"]


def test_the_report_has_its_tables_in_order(measured):
    assert [table.title for table in measured[0].tables] == [
        "Edits as a classifier of real digits reads them",
        "Digit by digit",
        "Style that is kept",
        "The encoders",
        "Distance from the test images, as sets",
        "Beside answers that need no model",
        "Hashes against chance",
    ]


def test_what_random_z_makes_is_measured_as_a_set(measured):
    (sets,) = [table for table in measured[0].tables if table.title.startswith("Distance")]
    assert [row[0] for row in sets.rows][::2] == ["FD-mnist-cnn", "KD-mnist-cnn"]
    assert {row[3] for row in sets.rows} == {"20 and 20"}
    assert sets.rows[0][1] > 2 * sets.rows[0][2]  # it is not trained


def test_the_reports_number_stands_beside_ours(measured):
    edits = measured[0].tables[0].rows
    assert [row[0] for row in edits] == [
        *("+1", "+1, y* from the true label", "+1, without the digit 9"),
        *("+1, without the modulo (baseline)", "+1 to +9, all of them", "+0, reconstruction"),
        *("random z, y of the images", "the real images", "the report, one batch, by eye"),
    ]
    share = edits[0][1].mean
    assert measured[0].findings[0].startswith(f"{share:.2%} of 20 test digits read as the next")
    assert "the report: 74.60% of one batch clear and right" in measured[0].findings[0]


# --- The encoders ---------------------------------------------------------------------------------


@pytest.fixture
def encoders(monkeypatch, model, faces_model) -> Callable[..., dict]:
    """Row -> value, for an E_z that finds `found(z)` and an E_y that answers `answers`."""

    def table(found: Callable, labels: list, said: list, digits: bool = True) -> dict:
        true, answers = np.array(labels, np.float32), np.array(said, np.float32)
        monkeypatch.setattr("icgan_tf.codes.found_again", lambda model, z, y: found(z))
        images = np.zeros((len(true), 2, 2, 1), np.uint8)
        names = tuple(map(str, range(true.shape[1])))
        test = Records(images, true, names, "mnist", "a test")
        read = (answers > 0.5).astype(np.float32)
        latents = np.array([[-2.0, 0.0], [1.0, 3.0]], np.float32)
        used = model if digits else faces_model
        rows = evaluate.encoder_table(used, test, latents, answers, read, seed=0).rows
        return {str(name): getattr(value, "mean", value) for name, value in rows}

    return table


Z = np.random.default_rng(0).standard_normal((2, 2), np.float32)
ERROR, ALIKE = (
    "E_z, squared error per dimension on generated images (Eq. 2)",
    "E_z, mean correlation with the true z",
)


@pytest.mark.parametrize(
    ("found", "error", "correlation"),
    [
        (lambda z: z, 0.0, 1.0),
        (lambda z: z / 2, float((Z**2).mean() / 4), 1.0),
        (lambda z: -z, float(4 * (Z**2).mean()), -1.0),
        (lambda z: z + 3, 9.0, 1.0),
    ],
)
def test_e_z_is_measured_on_images_of_known_latents(encoders, found, error, correlation):
    rows = encoders(found, [[1, 0], [0, 1]], [[1, 0], [0, 1]])
    assert rows[ERROR] == pytest.approx(error, rel=1e-5)
    assert rows[ALIKE] == pytest.approx(correlation)


def test_e_y_is_right_on_digits_where_its_class_is(encoders):
    rows = encoders(lambda z: z, [[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]])
    assert rows["E_y, accuracy on real images"] == 0.5
    # Class 0: 1 hit and 1 false alarm, 2 / 3; class 1: a miss, 0.
    assert rows["E_y, mean F1"] == pytest.approx(1 / 3)


def test_e_y_is_right_on_faces_attribute_by_attribute(encoders):
    rows = encoders(lambda z: z, [[1, 0], [1, 1]], [[0.9, 0.1], [0.8, 0.2]], digits=False)
    assert rows["E_y, accuracy on real images"] == 0.75


def test_e_ys_error_is_on_the_scale_of_its_conditions(encoders):
    # Each answer is half-way: 0.5 from 0 and 1, which is 1.0 from -1 and +1.
    rows = encoders(lambda z: z, [[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]])
    assert rows["E_y, squared error per attribute (Eq. 3)"] == pytest.approx(1.0)


def test_the_codes_of_real_images_are_described(encoders):
    rows = encoders(lambda z: z, [[1, 0], [0, 1]], [[1, 0], [0, 1]])
    # -2, 0, 1, 3: mean 0.5, squares about it 6.25 + 0.25 + 0.25 + 6.25 = 13, over 4.
    assert rows["codes of real images, mean"] == 0.5
    assert rows["codes of real images, standard deviation"] == pytest.approx(3.25**0.5)
    assert (rows["codes of real images, smallest"], rows["codes of real images, largest"]) == (
        -2,
        3,
    )


# --- A collapsed run ------------------------------------------------------------------------------


def history(folder: Path, losses: list[float], steps: int = 250) -> Path:
    rows = [
        f"{i},{i * steps},{i * steps * 64},1.0,{loss},5.0" for i, loss in enumerate(losses, start=1)
    ]
    header = "period,step,images,seconds,discriminator_loss,generator_loss"
    (folder / "history-gan.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_a_report_says_when_d_won_for_good(tmp_path):
    run = history(tmp_path, [1.3, 0.9, 0.01, 0.02, 0.03])
    (found,) = evaluate.collapse_findings(run)
    assert found == sentence((500, 1250))
    assert "from step 500 to 1,250: the GAN has collapsed" in found


@pytest.mark.parametrize("losses", [[1.3, 0.9, 0.8], [1.3, 0.01, 0.9], [0.051, 0.06, 0.07]])
def test_a_report_is_silent_where_d_did_not_win_or_not_for_long(tmp_path, losses):
    assert evaluate.collapse_findings(history(tmp_path, losses)) == []


def test_weights_without_a_history_have_no_findings(tmp_path):
    assert evaluate.collapse_findings(tmp_path) == []


# --- Which images, and where the report goes ------------------------------------------------------


@pytest.fixture
def asked(monkeypatch, model, _models_loaded_once) -> list:
    """Stands in for data and measurement: the arguments of `measure` and of the loader."""
    calls = []

    def load(config, split):
        calls.append((split, config.source.data_dir))
        count = {"train": 30, "test": 9}[split]
        images = np.zeros((count, 32, 32, 1), np.uint8)
        images[:, 2:30, 2:30] = np.arange(count, dtype=np.uint8)[:, None, None, None]
        one_hot = np.eye(10, dtype=np.float32)[np.arange(count) % 10]
        return Records(images, one_hot, tuple("0123456789"), "mnist", split)

    def measure(*arguments):
        calls.append(arguments)
        raise InterruptedError

    monkeypatch.setattr("icgan_tf.data.load", load)
    monkeypatch.setattr(evaluate, "measure", measure)
    return calls


def measure_call(asked: list, command: EvaluateCommand) -> tuple:
    with pytest.raises(InterruptedError):
        evaluate.evaluate(command)
    return asked[-1]


def test_all_test_images_are_measured_without_their_border(asked, model):
    _, _, train, test, total, out, _ = measure_call(asked, EvaluateCommand(run=model.folder))
    assert (train.images.shape, test.images.shape) == ((30, 28, 28, 1), (9, 28, 28, 1))
    assert test.images[:, 0, 0, 0].tolist() == list(range(9))
    assert total == 9
    assert out == model.folder / "report"


def test_a_limit_takes_test_images_evenly(asked, model):
    _, _, train, test, total, *_ = measure_call(asked, EvaluateCommand(run=model.folder, limit=3))
    assert (len(train), test.images[:, 0, 0, 0].tolist(), total) == (30, [0, 4, 8], 9)


def test_without_a_limit_that_of_the_run_counts(asked, model, monkeypatch):
    few = replace(model, config=replace(model.config, report_images=2))
    monkeypatch.setattr("icgan_tf.trained.load", lambda folder: few)
    assert len(measure_call(asked, EvaluateCommand())[3]) == 2


def test_data_that_have_moved_are_read_where_they_are(asked, model, monkeypatch, tmp_path):
    moved = replace(model.config, source=Source(data_dir=Path("/old"), cache_dir=Path("/cache")))
    monkeypatch.setattr("icgan_tf.trained.load", lambda folder: replace(model, config=moved))
    call = measure_call(asked, EvaluateCommand(data_dir=tmp_path, out=tmp_path / "out"))
    assert asked[:2] == [("train", tmp_path), ("test", tmp_path)]
    assert call[5] == tmp_path / "out"
    assert call[1].source.cache_dir == Path("/cache")


def test_the_judge_of_faces_is_trained_on_training_images_alone_whatever_the_run_was_trained_on(
    monkeypatch, faces_model
):
    """On all attributes, of which it then reads those of the model, in their order."""
    cache, seen = Path("/cache"), []
    some = replace(faces_model.config.data, attributes=("Smiling", "Bald"))
    config = replace(faces_model.config, source=Source(limit=3, cache_dir=cache), data=some)

    def load_or_train(records: Records, folder: Path) -> keras.Model:
        seen.append((records.source, len(records), records.attribute_names, folder))
        return attribute_classifier(16, 18)

    monkeypatch.setattr("common.classifiers.faces.load_or_train", load_or_train)
    monkeypatch.setattr(
        "common.classifiers.faces.predict", lambda network, images: np.arange(18)[None]
    )
    judge, read, space = faces_judge(config, data.load, ("Smiling", "Bald"))
    ((source, count, names, folder),) = seen
    assert "train" in source
    assert (count, names, folder) == (1024, PAPER18, cache)
    assert judge(np.zeros((1, 16, 16, 3), np.uint8)).tolist() == [[14, 0]]
    assert read == ("Smiling", "Bald")
    assert f"trained on 1,024 faces cropped by {some.crop} to 16x16" in space.note


def test_faces_get_two_tables_and_a_sentence_on_their_judge(faces_model, faces):
    read = faces.attributes
    latents = np.zeros((len(read), 4), np.float32)
    tables, sentences = evaluate.faces_part(faces_model, lambda images: read, faces, latents, read)
    assert len(tables) == 2
    assert "The judge itself is right on 100.0% of the attributes" in sentences[2]


# --- How long an epoch takes ----------------------------------------------------------------------


@pytest.fixture
def timed(tmp_path) -> Path:
    """A run whose GAN saw 4,096 images in 300 s."""
    (tmp_path / "history-gan.csv").write_text("period,step,images,seconds\n1,64,4096,300.0\n")
    return tmp_path


def test_an_epoch_of_the_whole_is_told_in_hours_at_the_rate_of_the_run(timed):
    # 196,608 images are 48 times as many: 14,400 s, 4 hours.
    (sentence,) = evaluate.epoch_findings(timed, PRESETS["paper"]("celeba"))
    assert "the report's 196,608 faces takes 4.0 hours" in sentence


def test_of_other_images_and_without_a_gan_stage_no_time_is_told(timed, tmp_path_factory):
    for dataset in ("drawn", "mnist"):
        assert evaluate.epoch_findings(timed, PRESETS["paper"](dataset)) == []
    empty = tmp_path_factory.mktemp("run")
    assert evaluate.epoch_findings(empty, PRESETS["paper"]("celeba")) == []


# --- A run without encoders -----------------------------------------------------------------------


def test_a_training_without_encoders_is_reported_with_its_collapse(tmp_path):
    (tmp_path / "history-gan.csv").write_text(
        "period,step,images,seconds,discriminator_loss,generator_loss,fake_loss\n"
        "1,300,300,9,1.4,0.7,0.7\n2,600,600,18,0.01,9,0.01\n3,900,900,27,0.01,9,0.01\n"
    )
    (tmp_path / "samples").mkdir()
    for step in (300, 900):
        Image.new("L", (8, 8)).save(tmp_path / "samples" / f"gan-{step:07d}.png")
    page = evaluate.report_training(tmp_path, PRESETS["quick"]("mnist"))
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert page == tmp_path / "report" / "report.html"
    assert report["findings"] == [sentence((300, 900))]
    assert report["tables"][0]["rows"][0] == ["gan, discriminator_loss", 1.4, 0.01]
    assert [figure["file"] for figure in report["figures"]] == [
        *("figure-3.png", "losses.png", "gan-0000900.png")
    ]


# --- A user's mistakes ----------------------------------------------------------------------------


def mistake(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Runs the command, which must refuse; returns its one line on standard error."""
    with pytest.raises(SystemExit) as ended:
        evaluate.main(list(words))
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_run_is_named(capsys, tmp_path):
    assert f"{tmp_path} is not a run: it has no config.json" in mistake(capsys, str(tmp_path))


@pytest.mark.usefixtures("_digits_built_once")
def test_an_unfinished_run_is_refused_with_how_to_finish_it(capsys, tmp_path, untrained_run):
    run = untrained_run(tmp_path / "half", "generator", "discriminator")
    line = mistake(capsys, str(run))
    assert f"{run} has no trained encoder_y and no encoder_z yet" in line
    assert f"--resume {run}" in line


def test_a_limit_below_two_images_is_refused(capsys):
    assert "limit is 1; it must be at least 2" in mistake(capsys, "--limit", "1")


def test_a_run_of_faces_needs_its_data(capsys, tmp_path, faces_model, monkeypatch):
    celeba = replace(
        faces_model, config=replace(faces_model.config, dataset="celeba"), folder=tmp_path
    )
    monkeypatch.setattr("icgan_tf.trained.load", lambda folder: celeba)
    assert "--data-dir" in mistake(capsys, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)
