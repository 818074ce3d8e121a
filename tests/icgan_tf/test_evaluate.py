"""What an evaluation measures and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from common.cli.evaluation import Evaluation
from common.datasets import mnist
from common.datasets.records import Records
from common.reporting import unpaired
from common.reporting.document import Report
from common.reporting.publish import write
from icgan_tf import evaluate, tables
from icgan_tf.collapse import sentence
from icgan_tf.config import Config
from icgan_tf.editor import Codes, IcGANEditor
from icgan_tf.presets import PRESETS, smoke
from tests.runs import METRICS

# --- The report on digits -------------------------------------------------------------------------


def halving(config: Config) -> IcGANEditor:
    """Its latents are the pixels, which G shows half as far from gray; E_y always reads a 3.

    G brightens one of the first ten pixels by a tenth, that of the class.
    """
    image, z, y = (keras.Input(shape) for shape in ((28, 28, 1), (784,), (10,)))
    flat: Any = keras.layers.Flatten()(image)
    three, mark = keras.layers.Dense(10), keras.layers.Dense(784, use_bias=False)
    latent: Any = z
    made = keras.layers.Reshape((28, 28, 1))(0.5 * latent + mark(y))
    encoder_y = keras.Model(image, three(flat))
    three.set_weights([np.zeros((784, 10)), np.eye(10)[3]])
    mark.set_weights([0.1 * np.eye(10, 784)])
    return IcGANEditor(
        Path("half"),
        replace(config, data=replace(config.data, pixel_range="signed")),
        generator=keras.Model([z, y], made),
        encoder_z=keras.Model(image, flat),
        encoder_y=encoder_y,
    )


def digits(images: np.ndarray, labels: np.ndarray) -> Records:
    one_hot = np.eye(10, dtype=np.float32)[labels]
    return Records(images, one_hot, tuple("0123456789"), "mnist", "a test")


@pytest.fixture(scope="module")
def measured(tmp_path_factory, dense_config) -> tuple[Report, Evaluation, dict[str, Any]]:
    """The report on 20 digits, what it is of, and which sets of images were compared."""
    levels = np.arange(41, dtype=np.uint8)
    editor = halving(dense_config)
    work = Evaluation(
        editor=editor,
        config=editor.config,
        train=digits(levels[:, None, None, None] + np.zeros((1, 28, 28, 1), np.uint8), levels % 10),
        split="test",
        real=mnist.load("test-half-2").take(slice(20)),
        total=5_000,
        out=tmp_path_factory.mktemp("report"),
        seed=0,
        facts=[("seed", "0")],
    )
    asked: dict[str, Any] = {}
    measure = unpaired.generated_table

    def sets(space, real, generated, others, seed):
        asked.update(space=space, real=real, generated=generated, others=others)
        return measure(space, real, generated, others, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("icgan_tf.figures.grid", lambda rows, path, **_: path.write_bytes(b""))
        patch.setattr(unpaired, "generated_table", sets)
        report = evaluate.measure(work)
        write(report, work.out)
    return report, work, asked


def test_the_report_comes_in_four_forms_with_its_figures(measured):
    report, work, _ = measured
    figures = {figure.file.name for figure in report.figures}
    assert figures == {
        *("reconstructions.png", "figure-5a.png", "all-attributes.png"),
        *("samples.png", "interpolations.png"),
    }
    texts = {f"report.{kind}" for kind in ("json", "csv", "md", "html")}
    assert {file.name for file in work.out.iterdir()} == figures | texts
    assert report.summary.startswith("20 real test images, evenly spaced of 5,000, encoded by E_z")
    written = json.loads((work.out / "report.json").read_text())
    assert (written["n"], written["title"]) == (20, "IcGAN on mnist: half")
    assert (written["details"], written["facts"]) == (
        {"images": 20, "attribute_names": list("0123456789")},
        {"seed": "0"},
    )


def test_errors_are_those_of_images_half_as_far_from_gray(measured):
    report, work, _ = measured
    x = work.real.images.astype(float)
    shown = x / 2 + 63.75  # x / 127.5 - 1, half of it, and back
    shown[:, 0, 3] += 0.1 * 127.5
    error = (x - np.rint(shown)) / 255
    assert list(report.metrics) == METRICS
    for name, each in (("mae", abs(error)), ("mse", error**2)):
        values = each.mean(axis=(1, 2, 3))
        metric = report.metrics[name]
        assert metric.mean == pytest.approx(values.mean())
        # 95 %: t(0.975, 19) = 2.0930 standard errors.
        assert metric.high - metric.mean == pytest.approx(
            2.0930 * values.std(ddof=1) / 20**0.5, rel=1e-4
        )


def test_the_report_has_its_tables_in_order(measured):
    assert [table.title for table in measured[0].tables] == [
        "Edits as a classifier of real digits reads them",
        "Digit by digit",
        "Style that is kept",
        "The encoders",
        "Distance from the real images, as sets",
        "Beside baselines without a model",
        "Hashes against chance",
    ]


def test_what_random_z_makes_stands_beside_as_many_training_images(measured):
    report, work, asked = measured
    assert asked["others"][:, 0, 0, 0].tolist() == [int(40 * row / 19) for row in range(20)]
    np.testing.assert_array_equal(asked["real"], work.real.images)
    z = np.random.default_rng(0).standard_normal((20, 784), np.float32)
    made = 0.5 * z + work.real.attributes @ (0.1 * np.eye(10, 784))  # with the y of the test images
    made = np.rint(np.clip((made + 1) * 127.5, 0, 255)).reshape(20, 28, 28, 1)
    assert abs(asked["generated"] - made).max() <= 1
    (sets,) = [table for table in report.tables if table.title.startswith("Distance")]
    assert [row[0] for row in sets.rows][::2] == ["FD-mnist-cnn", "KD-mnist-cnn"]
    assert {row[3] for row in sets.rows} == {"20 and 20"}


def test_the_reports_number_stands_beside_ours(measured):
    report, work, _ = measured
    share = report.tables[0].rows[0][1]
    assert report.findings[0].startswith(f"{share.mean:.2%} of 20 digits read as the next")
    assert "the report: 74.60% of one batch clear and right" in report.findings[0]
    encoders = {row[0]: row[1] for row in report.tables[3].rows}
    accuracy = encoders["E_y, accuracy on real images"]
    assert accuracy.mean == (work.real.labels == 3).mean() > 0
    # E_z finds half of z and the mark of y: nothing of the images between is clipped or rounded.
    z = np.random.default_rng(0).standard_normal((20, 784), np.float32)
    error = z / 2 - work.real.attributes @ (0.1 * np.eye(10, 784))
    assert encoders[ERROR].mean == pytest.approx((error**2).mean(), rel=1e-5)


def test_digits_are_measured_without_their_border_and_faces_whole(tiny_config, faces_config):
    config = replace(tiny_config, source=smoke("mnist").source)
    images = evaluate.images(config, "dev").images
    np.testing.assert_array_equal(images, mnist.load("test-half-1").images[: len(images)])
    assert evaluate.images(faces_config, "test").images.shape == (128, 16, 16, 3)


def test_faces_get_two_tables_and_a_sentence_on_their_classifier(faces_model, faces):
    class Oracle:
        def read(self, images: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
            return faces.attributes > 0.5

    oracle: Any = Oracle()
    codes = Codes(np.zeros((len(faces), 4), np.float32), faces.attributes)
    made, sentences = evaluate.faces_part(faces_model, oracle, faces, codes)
    assert [table.title for table in made] == [
        "Attributes set and cleared, as a classifier of real faces reads them",
        "Attributes read: accuracy and F1",
    ]
    assert "The classifier itself is right on 100.0% of the attributes" in sentences[2]


# --- The encoders ---------------------------------------------------------------------------------


@pytest.fixture
def encoders(model, faces_model) -> Callable[..., dict]:
    """Row -> value, for an E_z that finds `found(z)` and an E_y that answers `answers`."""

    def table(found: Callable, labels: list, said: list, digits: bool = True) -> dict:
        true, answers = np.array(labels, np.float32), np.array(said, np.float32)
        names = tuple(map(str, range(true.shape[1])))
        test = Records(np.zeros((len(true), 2, 2, 1), np.uint8), true, names, "mnist", "a test")
        latents = np.array([[-2.0, 0.0], [1.0, 3.0]], np.float32)
        codes = Codes(latents, (answers > 0.5).astype(np.float32), answers)
        used = model if digits else faces_model
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(IcGANEditor, "found_again", lambda _, codes: found(codes.latent))
            rows = tables.encoder_table(used, test, codes, seed=0).rows
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
    (found,) = tables.collapse_findings(run)
    assert found == sentence((500, 1250))
    assert "from step 500 to 1,250: the GAN has collapsed" in found


@pytest.mark.parametrize("losses", [[1.3, 0.9, 0.8], [1.3, 0.01, 0.9], [0.051, 0.06, 0.07]])
def test_a_report_is_silent_where_d_did_not_win_or_not_for_long(tmp_path, losses):
    assert tables.collapse_findings(history(tmp_path, losses)) == []


def test_weights_without_a_history_have_no_findings(tmp_path):
    assert tables.collapse_findings(tmp_path) == []


# --- How long an epoch takes ----------------------------------------------------------------------


@pytest.fixture
def timed(tmp_path) -> Path:
    """A run whose GAN saw 4,096 images in 300 s."""
    (tmp_path / "history-gan.csv").write_text("period,step,images,seconds\n1,64,4096,300.0\n")
    return tmp_path


def test_an_epoch_of_the_whole_is_told_in_hours_at_the_rate_of_the_run(timed):
    # 196,608 images are 48 times as many: 14,400 s, 4 hours.
    (sentence,) = tables.epoch_findings(timed, PRESETS["paper"]("celeba"))
    assert "the report's 196,608 faces takes 4.0 hours" in sentence


def test_of_other_images_and_without_a_gan_stage_no_time_is_told(timed, tmp_path_factory):
    for dataset in ("drawn", "mnist"):
        assert tables.epoch_findings(timed, PRESETS["paper"](dataset)) == []
    empty = tmp_path_factory.mktemp("run")
    assert tables.epoch_findings(empty, PRESETS["paper"]("celeba")) == []


# --- A run without encoders -----------------------------------------------------------------------


def test_a_training_without_encoders_is_reported_with_its_collapse(tmp_path):
    (tmp_path / "history-gan.csv").write_text(
        "period,step,images,seconds,discriminator_loss,generator_loss,fake_loss\n"
        "1,300,300,9,1.4,0.7,0.7\n2,600,600,18,0.01,9,0.01\n3,900,900,27,0.01,9,0.01\n"
    )
    (tmp_path / "samples").mkdir()
    for step in (300, 900):
        Image.new("L", (8, 8)).save(tmp_path / "samples" / f"gan-{step:07d}.png")
    page = tables.report_training(tmp_path, PRESETS["quick"]("mnist"))
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert page == tmp_path / "report" / "report.html"
    assert report["findings"] == [sentence((300, 900))]
    assert report["tables"][0]["rows"][0] == ["gan, discriminator_loss", 1.4, 0.01]
    assert [figure["file"] for figure in report["figures"]] == [
        *("figure-3.png", "losses.png", "gan-0000900.png")
    ]
