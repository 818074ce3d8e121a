"""The table with every system in it, on systems whose errors are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from common.cli.evaluation import Evaluation
from common.datasets.records import Records
from common.metrics.intervals import Interval
from common.reporting.tables import Table
from crg import comparison
from crg.comparison import System, against_paper, baseline_row, compare, hybrids, published_row
from crg.evaluate import EvaluateCommand, main
from crg.faces.config import Config as FacesConfig
from crg.tables import PAPER

METRICS = ("mae", "mse", "rmse", "psnr", "ssim", "dhash", "phash", "whash")
BASELINES = Table(
    "Baselines",
    ("reconstruction", *METRICS),
    [
        ["this model", *[0.5] * 8],
        ["PCA-100", 0.03, 0.005, 0.07, 23.0, 0.9, 0.91, 0.97, 0.87],
    ],
)


def exact(**values: float) -> dict[str, Interval]:
    return {name: Interval(value, value, value, 10) for name, value in values.items()}


def system(name: str, paper: str = "") -> System:
    return System(name=name, reconstruct=lambda images: images, count=10, paper=paper)


# --- Rows and sentences ---------------------------------------------------------------------------


def test_a_published_row_has_its_errors_in_the_range_that_is_likely():
    assert published_row("LR") == [
        *("LR, published", 10_000, None, None, 0.119, 0.118, 0.823, 0.866, 0.838, None, None)
    ]


def test_a_baseline_has_its_errors_in_both_ranges():
    found = baseline_row(BASELINES, BASELINES.rows[1], 7)
    assert found[:4] == ["PCA-100", 7, 0.03, 0.005]
    assert found[4:6] == pytest.approx([0.06, 0.02])  # twice, and four times
    assert found[6:] == [0.91, 0.97, 0.87, None, None]


def test_a_system_is_compared_with_its_published_row_on_the_symmetric_range():
    # BiGAN's .268 is .134 on [0, 1], .15 there 12 % more; an MSE of .07 is .28, 50 % more.
    ours = exact(mae=0.15, mse=0.07, dhash=0.749, phash=0.4, whash=0.832)
    (found,) = against_paper([(system("mine", "BiGAN"), ours), (system("other"), {})])
    assert "mine against the paper's BiGAN row" in found
    assert "within 15% mae +12%, dhash +0%, whash +0%; beyond mse +50%, phash -48%." in found


def test_the_order_of_the_three_systems_is_told_by_metric():
    levels = {"BiGAN": 0.3, "LR": 0.2, "CRG": 0.1}
    metrics = {
        name: exact(mae=v, mse=v, dhash=1 - v, phash=v, whash=1 - v) for name, v in levels.items()
    }
    found = against_paper([(system(name, name), metrics[name]) for name in levels])[-1]
    assert "mae CRG < LR < BiGAN; mse CRG < LR < BiGAN; dhash BiGAN < LR < CRG" in found
    assert "phash CRG < LR < BiGAN" in found


@pytest.mark.parametrize(("error", "verb"), [(0.0049, "beats"), (0.005, "does not beat")])
def test_the_hybrid_is_measured_by_pca_and_by_the_swapped_row(error, verb):
    # The paper's CRG row has MAE .006 and MSE .021; swapped, .021 is the MAE's bound.
    long = exact(mae=0.02, mse=0.0061, dhash=0.98, phash=0.977, whash=0.9)
    short = exact(mse=error)
    metrics = {"hybrid, 100 steps": short, "hybrid, 500 steps": long}
    pca, paper = hybrids(metrics, BASELINES)
    assert f"The hybrid {verb} PCA-100 in MSE" in pca
    assert "in mae, dhash, and not surely better in mse, phash, whash." in paper


# --- The whole comparison -------------------------------------------------------------------------


@pytest.fixture
def real(digits) -> Records:
    labels = np.eye(10, dtype=np.float32)
    return Records(digits, labels, tuple("0123456789"), "mnist", "examples")


@pytest.fixture
def others(halving, monkeypatch) -> list[str]:
    """Runs are BiGANs that answer black; inversion is exact. Returns inversion's names."""

    def load(run: Path) -> SimpleNamespace:
        return SimpleNamespace(
            folder=run, title="BiGAN", kind=halving.kind, reconstruct=np.zeros_like
        )

    names = [f"hybrid, {steps} steps" for steps in (100, 500)]
    ways = [
        System(name=name, reconstruct=lambda images: images, count=4, paper=paper)
        for name, paper in zip(names, ("", "CRG"), strict=True)
    ]
    monkeypatch.setattr(comparison, "inversions", lambda *_: ways)
    monkeypatch.setattr(comparison, "editor_of", lambda run: SimpleNamespace(load=load))
    return names


def test_runs_of_one_name_are_told_apart_by_their_folders(halving, real, others, tmp_path):
    runs = [Path("a/run"), Path("b/run")]
    table = compare(halving, real, BASELINES, runs, (3, 4), tmp_path, 0).tables[0]
    rows = [str(row[0]) for row in table.rows]
    assert rows[3:6] == ["CRG: half", "BiGAN: a/run", "BiGAN: b/run"]


def test_published_figures_of_others_and_of_the_hybrid_stand_beside_ours(
    halving, real, others, tmp_path
):
    table = compare(halving, real, BASELINES, [Path("run-7")], (3, 4), tmp_path, 0).tables[0]
    found = {(one.table.rsplit(" ", 1)[1], one.figure): one for one in table.published}
    assert {row for row, _ in found} == {"BiGAN", "CRG"}
    assert len(table.published) == 14  # the model's own stand in another table
    bigan = found["BiGAN", "MSE [-1, 1] (BiGAN: run-7)"]
    hybrid = found["CRG", "dhash (hybrid, 500 steps)"]
    mean = float(np.square(real.images / 255.0).mean())
    assert (bigan.paper, bigan.n, bigan.better) == (0.187, 10, "lower")
    assert getattr(bigan.ours, "mean", 0) == pytest.approx(4 * mean)
    assert (hybrid.paper, hybrid.n, hybrid.better) == (0.979, 4, "higher")
    assert getattr(hybrid.ours, "mean", 0) == 1.0


def test_the_long_hybrid_alone_stands_beside_the_papers_row(halving):
    found = {one.name: one.paper for one in comparison.inversions(halving, (3, 4), 0)}
    assert [name for name, paper in found.items() if paper] == ["hybrid, 500 steps"]
    assert found["hybrid, 500 steps"] == "CRG"


def test_all_systems_stand_in_one_table_and_one_figure(halving, real, others, tmp_path):
    names = others
    found = compare(halving, real, BASELINES, [Path("run-7")], (3, 4), tmp_path, 0)
    (table,) = found.tables
    assert [row[0] for row in table.rows] == [
        *(f"{name}, published" for name in PAPER),
        *("CRG: half", "BiGAN: run-7", *names, "PCA-100"),
    ]
    black, exactly = table.rows[4], table.rows[5]
    assert (black[1], exactly[1]) == (10, 4)
    mean = float(np.square(real.images / 255.0).mean())
    assert (black[3].mean, black[5].mean) == pytest.approx((mean, 4 * mean))
    assert (exactly[2].mean, exactly[6].mean) == (0.0, 1.0)
    assert black[-2] > 0  # seconds
    (figure,) = found.figures
    assert figure.file.is_file()
    assert any("PCA-100" in sentence for sentence in found.findings)


def test_models_of_other_images_are_refused_before_tensorflow_starts(mistake, monkeypatch, halving):
    faces = replace(halving, folder=Path("run-8"), config=FacesConfig())
    outlines = SimpleNamespace(outline=lambda run: faces)
    monkeypatch.setattr("crg.evaluate.editor_of", lambda run: outlines)
    said = "--comparators compares models of what this one knows, a digit as"
    assert said in mistake(main, "--comparators", "run-8")


def test_counts_need_comparators_which_must_be_runs(mistake, tmp_path):
    (tmp_path / "config.json").write_text('{"package": "os.path"}')
    for words, said in (
        (["--inverted", "9"], "inverted is 9; it must be at least 2, with --comparators"),
        (["--comparators", "nowhere"], "nowhere is not a run"),
        (["--comparators", str(tmp_path)], "trained by 'os.path', which is no package of"),
    ):
        assert said in mistake(main, *words)


# --- How inversion goes on ------------------------------------------------------------------------


def test_the_z_of_generated_digits_is_found_where_the_generator_shows_it(
    halving, tmp_path, monkeypatch
):
    from crg import descents

    monkeypatch.setattr(descents, "LOOKS", (0, 150))
    monkeypatch.setattr(descents, "STEPS", 150)
    table, figure = descents.recovery(halving, 4, tmp_path, 0)
    rows = {str(row[0]): row for row in table.rows}
    assert list(rows) == ["random", "random, best of 2", "random, best of 4", "hybrid"]
    for _, image, latent, share in rows.values():
        assert image.mean < 1e-5
        assert latent.mean < descents.FOUND / 2
        assert share == 1.0
    assert figure.file.is_file()


@pytest.mark.slow
def test_errors_are_drawn_with_clipping_on_and_off(halving, real, tmp_path, monkeypatch):
    from crg import descents

    monkeypatch.setattr(descents, "LOOKS", (0, 2))
    monkeypatch.setattr(descents, "STEPS", 2)
    drawn = {}
    monkeypatch.setattr(
        descents, "draw_progress", lambda courses, lines, file: drawn.update(courses)
    )
    descents.progress(halving, real, {"PCA-100": 0.005}, tmp_path, 0)
    assert set(drawn) == {
        (start, clip)
        for start in ("hybrid", "random start")
        for clip in ("none", "hard", "stochastic")
    }
    for course in drawn.values():
        assert course.steps == (0, 2)
        assert (course.errors[1] <= course.errors[0]).all()
    monkeypatch.undo()
    descents.draw_progress(drawn, {"PCA-100": 0.005}, tmp_path / "inversion.png")
    assert (tmp_path / "inversion.png").is_file()


def test_an_evaluation_with_comparators_begins_with_their_table(halving, real, tmp_path):
    from crg import evaluate
    from crg.comparison import Comparison

    work = Evaluation(
        editor=halving,
        config=halving.config,
        train=real,
        split="dev",
        real=real,
        total=10,
        out=tmp_path,
        seed=0,
        facts=[],
    )
    asked = []

    def compared(model, images, baselines, runs, counts, out, seed) -> Comparison:
        asked.append((runs, counts))
        return Comparison([Table("All", ("a", "b", "c", "d"), [["PCA-100", 1, 2, 0.1]])], [], [])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crg.comparison.compare", compared)
        patch.setattr("crg.descents.progress", lambda *words: asked.append(words[2]))
        recovered = Table("z", (), ()), None
        patch.setattr("crg.descents.recovery", lambda *words: recovered)
        command = EvaluateCommand(comparators=(Path("a"),), hybrids=20)
        found = evaluate.compared(work, command, BASELINES)
    assert asked == [((Path("a"),), (500, 20)), {"PCA-100": 0.1}]
    assert [table.title for table in found.tables] == ["All", "z"]
