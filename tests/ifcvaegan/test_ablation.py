"""The ablation: rows that are trained, resumed, skipped or refused; the report on all of them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import device
from common.cli.evaluation import EvaluateCommand
from common.errors import UserError
from common.files import write_json
from common.reporting.document import Figure, Report
from common.reporting.tables import Table
from common.runs.directory import Run, create_run, reopen_run
from common.runs.history import write_history
from common.settings.config import differences, from_json, to_json
from common.settings.flags import LaunchConfig
from common.training.fit import stage_length
from ifcvaegan import ablation, comparison
from ifcvaegan.ablation import AblationCommand, settings
from ifcvaegan.config import Config
from ifcvaegan.presets import ROWS, TABLE_1, Variant
from ifcvaegan.results import AttributeResult
from tests.ifcvaegan.toys import result

IMAGES = 256  # that a model trains on
BEST, NO_AUX = Variant("paper", "best", 0), Variant("paper", "no_aux", 0)


class Trainings:
    """Stands in for `ifcvaegan.train.train`: each leaves its history and a report, or fails.

    Attributes:
        rows: what was begun as `row`, and resumed as `row again`; `clear` frees the one before.
        asked: settings, launch and device of each.
        failure: raised by the next one, half-way, if there is one.
        reports: on all rows, as they are published.
    """

    def __init__(self):
        self.rows: list[str] = []
        self.asked: list[tuple[Config, LaunchConfig, str]] = []
        self.failure: BaseException | None = None
        self.reports: list[Report] = []

    def __call__(self, config: Config, launch: LaunchConfig, described: str) -> None:
        if launch.resume:
            run = reopen_run(launch.resume, config)
        else:
            run = create_run(launch.out, "ifcvaegan", config.dataset, config)
        self.rows.append(f"{run.folder.name}{' again' if launch.resume else ''}")
        self.asked.append((config, launch, described))
        steps, _ = stage_length(config.train, IMAGES)
        leave(run, steps // 2 if self.failure else steps)
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure
        details = {name: to_json(result()) for name in config.data.attributes}
        report = {"n": 8, "details": {"attributes": details}}
        write_json(run.folder / "report" / "report.json", report)


def leave(run: Run, step: int) -> None:
    row = {"period": 1, "step": step, "images": 1, "seconds": 1.0, "auxiliary_loss": 0.7}
    write_history(run.history_file("vaegan"), [row])
    write_json(run.folder / "environment.json", {"data": {"images": IMAGES}})


@pytest.fixture
def trainings(monkeypatch) -> Trainings:
    def publish(report: Report, out: Path) -> Path:
        made.reports.append(report)
        return out / "report.html"

    made = Trainings()
    monkeypatch.setattr("ifcvaegan.train.train", made)
    monkeypatch.setattr("keras.backend.clear_session", lambda: made.rows.append("clear"))
    monkeypatch.setattr("common.reporting.publish.publish", publish)
    monkeypatch.setattr(comparison, "draw", lambda found, published, path: Figure("Bars", path))
    monkeypatch.setattr(device, "configure", lambda config: (config, "an abacus"))
    return made


def trained(trainings: Trainings) -> list[str]:
    """The rows, each of which began without what the one before had left in memory."""
    assert trainings.rows[::2] == ["clear"] * len(trainings.asked)
    return trainings.rows[1::2]


@pytest.fixture
def command(tmp_path) -> AblationCommand:
    return AblationCommand(out=tmp_path / "all", dataset="drawn", rows=("best", "no_aux"))


# --- What is trained ------------------------------------------------------------------------------


def test_every_row_is_trained_once_with_its_settings_and_new_ones_alone_after_that(
    trainings, command, tmp_path
):
    page = ablation.ablation(command)
    assert page == tmp_path / "all" / "report" / "report.html"
    assert trained(trainings) == ["paper-best-0", "paper-no_aux-0"]
    for variant, (config, launch, described) in zip((BEST, NO_AUX), trainings.asked, strict=True):
        assert config == settings(command, variant)
        assert launch == LaunchConfig(preset="paper", out=tmp_path / "all" / variant.name)
        assert described == "an abacus"
    ablation.ablation(command)
    ablation.ablation(replace(command, rows=("best",), bases=("paper", "stable"), seeds=(0, 1)))
    assert trained(trainings)[2:] == ["paper-best-1", "stable-best-0", "stable-best-1"]
    assert [config.run.seed for config, *_ in trainings.asked[2:]] == [1, 0, 1]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (KeyboardInterrupt("stopped at step 3"), "^stopped; the same command goes on$"),
        (
            UserError("kl_loss is nan."),
            "The model paper: best, seed 0 ended early: kl_loss is nan. Once that is mended, the",
        ),
    ],
)
def test_a_row_that_ended_early_says_so_and_is_resumed_by_the_same_command(
    trainings, command, tmp_path, failure, message
):
    trainings.failure = failure
    with pytest.raises(type(failure), match=message):
        ablation.ablation(command)
    ablation.ablation(command)
    assert trained(trainings) == ["paper-best-0", "paper-best-0 again", "paper-no_aux-0"]
    again = LaunchConfig(preset="paper", resume=tmp_path / "all/paper-best-0")
    assert trainings.asked[1][1] == again


def test_rows_are_extended_by_more_epochs_and_never_cut(trainings, command):
    ablation.ablation(replace(command, epochs=2.0))
    ablation.ablation(replace(command, epochs=3.0))
    names = ["paper-best-0", "paper-no_aux-0"]
    assert trained(trainings) == [*names, *(f"{name} again" for name in names)]
    assert trainings.asked[2][0].train.epochs == 3.0
    with pytest.raises(UserError, match=r"train\.epochs is 3\.0 in the run and 2\.0 here"):
        ablation.ablation(replace(command, epochs=2.0))


@pytest.mark.parametrize(
    ("steps", "age"),
    [(63, 0), (64, 1)],  # of 8 epochs of 256 images in batches of 32: 64 steps
)
def test_a_row_that_was_measured_before_its_end_goes_on_also_with_data_that_have_moved(
    trainings, command, tmp_path, steps, age
):
    ablation.ablation(command)
    run = Run(tmp_path / "all" / "paper-best-0")
    leave(run, steps)
    written = run.history_file("vaegan").stat().st_mtime
    os.utime(run.folder / "report" / "report.json", times=(0, written - age))
    ablation.ablation(replace(command, data_dir=tmp_path / "moved"))
    assert trained(trainings) == ["paper-best-0", "paper-no_aux-0", "paper-best-0 again"]
    assert trainings.asked[-1][0].source.data_dir == tmp_path / "moved"


def test_a_row_of_other_settings_is_refused_before_any_is_trained(trainings, command, tmp_path):
    ablation.ablation(replace(command, rows=("best",)))
    with pytest.raises(UserError, match=r"0 has other settings.*networks\.filters is 64 .* 24"):
        ablation.ablation(replace(command, rows=("no_aux", "best"), filters=24))
    assert trained(trainings) == ["paper-best-0"]
    assert not (tmp_path / "all" / "paper-no_aux-0").exists()


def test_a_run_goes_on_in_the_precision_that_auto_stood_for_when_it_began(
    trainings, command, monkeypatch
):
    def resolved(config):
        chosen = {"auto": "bfloat16"}.get(config.run.precision, config.run.precision)
        return replace(config, run=replace(config.run, precision=chosen)), "an abacus"

    monkeypatch.setattr(device, "configure", resolved)
    command = replace(command, precision="auto", rows=("best",))
    ablation.ablation(replace(command, epochs=2.0))
    monkeypatch.setattr(device, "configure", lambda config: (config, "an older abacus"))
    ablation.ablation(replace(command, epochs=3.0))
    assert [config.run.precision for config, *_ in trainings.asked] == ["bfloat16"] * 2
    with pytest.raises(UserError, match=r"run\.precision is bfloat16 in the run and float32 here"):
        ablation.ablation(replace(command, epochs=3.0, precision="float32"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "best", "paper"], r"--rows names ['paper']; the rows are best, high_kl"),
        (["--rows"], "--rows names none"),
        (["--seeds"], "--seeds names none"),
        (["--seeds", "-1"], "The setting seed is -1"),
        (["--epochs", "0"], "The setting train.epochs is 0.0"),
    ],
)
def test_a_mistake_is_refused_before_tensorflow_starts(monkeypatch, capsys, words, said):
    monkeypatch.setattr(device, "choose", lambda: pytest.fail("started"))
    with pytest.raises(SystemExit) as ended:
        ablation.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_folder_is_below_runs_or_where_the_command_says():
    assert ablation.folder_of(AblationCommand()) == Path("runs/ifcvaegan-ablation")
    assert ablation.folder_of(AblationCommand(out=Path("x"))) == Path("x")


def test_what_the_command_changes_it_changes_in_every_row(tmp_path):
    command = AblationCommand(
        data_dir=tmp_path,
        cache_dir=tmp_path,
        limit=512,
        attributes=("Male",),
        filters=8,
        epochs=2.0,
        batch_size=16,
        precision="auto",
        source="tfds",
    )
    for row in ROWS:
        variant = Variant("paper", row, 3)
        assert differences(variant.settings(), settings(command, variant)) == {
            "run.seed": (0, 3),
            "run.precision": ("float32", "auto"),
            "source.data_dir": (None, tmp_path),
            "source.source": (None, "tfds"),
            "source.cache_dir": (None, tmp_path),
            "source.limit": (None, 512),
            "data.attributes": (("Smiling",), ("Male",)),
            "networks.filters": (64, 8),
            "train.epochs": (8.0, 2.0),
            "train.batch_size": (32, 16),
        }


# --- The report -----------------------------------------------------------------------------------


def test_what_a_report_says_of_an_attribute_survives_json():
    for found in (result(), replace(result(), kept1=replace(result().kept1, male=None))):
        assert from_json(AttributeResult, json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize(
    ("dataset", "attributes", "published"),
    [
        ("celeba", ("Smiling",), True),
        ("drawn", ("Smiling",), False),
        ("celeba", ("Male",), False),
        ("celeba", ("Smiling", "Male"), False),
    ],
)
def test_the_report_compares_the_rows_and_with_the_paper_where_that_has_such_models(
    trainings, command, tmp_path, dataset, attributes, published
):
    ablation.ablation(replace(command, dataset=dataset, attributes=attributes))
    (report,) = trainings.reports
    labels = ["paper: best, seed 0", "paper: no_aux, seed 0"]
    claim, *tables = report.tables
    assert [row[0] for row in claim.rows] == ["paper: best, seed 0; no_aux"]
    assert [[row[0] for row in table.rows] for table in tables] == [labels] * 2
    assert ("paper: Class0" in tables[0].columns) == published
    assert report.title == f"IFcVAEGAN: the rows of Table 1, {attributes[0]}"
    assert (report.n, report.summary) == (8, "2 models on 8 dev faces each")
    assert [figure.file for figure in report.figures] == [tmp_path / "all/report/table-1.png"]
    facts = dict(report.facts)
    assert facts["seed of the training"] == "0"
    assert facts["command"].startswith(f"python -m ifcvaegan.ablation --out {tmp_path / 'all'}")


def test_comparators_stand_in_a_table_with_the_rows(trainings, command, monkeypatch):
    asked: list[Any] = []

    def table(*arguments: Any) -> Table:
        asked.append(arguments)
        return Table("Beside", ("model",), [])

    monkeypatch.setattr("ifcvaegan.others.check", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr("ifcvaegan.others.labelled", lambda runs: {"CVAE-GAN: c": runs[0]})
    monkeypatch.setattr("ifcvaegan.others.table", table)
    ablation.ablation(replace(command, comparators=(Path("c"),), attributes=("Male", "Smiling")))
    (report,) = trainings.reports
    assert report.tables[-1].title == "Beside"
    checked, (runs, leaks, config, attribute, split) = asked
    assert checked == ((Path("c"),), config, "Male")
    folders = {one.label: ablation.folder_of(command) / one.name for one in (BEST, NO_AUX)}
    assert runs == folders | {"CVAE-GAN: c": Path("c")}
    assert {name: found.mean for name, found in leaks.items()} == dict.fromkeys(folders, 0.33)
    assert (attribute, split) == ("Male", "dev")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 10}, r"numbers of faces \(paper: best, seed 0: 10, paper: no_aux, seed 0: 8\)"),
        ({"present": None}, "None of the 8 faces has Smiling"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(trainings, command, tmp_path, change, message):
    ablation.ablation(command)
    file = tmp_path / "all/paper-best-0/report/report.json"
    report: dict[str, Any] = json.loads(file.read_text())
    report["n"] = change.get("n", 8)
    report["details"]["attributes"]["Smiling"]["protocols"] |= {
        name: value for name, value in change.items() if name == "present"
    }
    file.write_text(json.dumps(report))
    with pytest.raises(UserError, match=message):
        ablation.ablation(command)


def cells(table: Any, row: int = 0) -> dict[str, Any]:
    """Title -> mean, of one row."""
    values = [getattr(cell, "mean", cell) for cell in table.rows[row]]
    return dict(zip(table.columns, values, strict=True))


def test_each_column_shows_its_own_figure():
    """`result()` has a different one in each field."""
    assert cells(comparison.table({NO_AUX: result()})) == {
        "model": "paper: no_aux, seed 0",
        "Class0, all": 0.11,
        "Class1, all": 0.12,
        "edit effect": 0.14,
        "z tells y": 0.34,
        "nearer, y = 0": 0.41,
        "nearer, y = 1": 0.51,
        "Male kept, y = 1": 0.54,
        "hair kept, y = 0": 0.46,
        "hair kept, y = 1": 0.56,
        "z moved: Class0": 0.61,
        "z moved: Class1": 0.62,
        "classifier, real": 0.71,
        "classifier, rebuilt": 0.72,
    }


def test_a_column_that_a_row_lacks_is_left_out():
    alone = replace(result(), kept1=replace(result().kept1, male=None))
    table = comparison.table({BEST: result(), NO_AUX: alone})
    assert "Male kept, y = 1" not in table.columns
    assert cells(table, 1)["z moved: Class0"] == 0.61


@pytest.mark.parametrize("published", [TABLE_1, {}])
@pytest.mark.parametrize("authors", [True, False])
def test_the_papers_table_has_the_faces_with_the_attribute_and_the_mse_of_all(published, authors):
    """As [C] measures; beside the paper's own figures, and those of the authors' faces."""
    found = result()
    if not authors:
        found = replace(found, protocols=replace(found.protocols, authors=None))
    figure = Variant("paper", "if_fig2", 0)
    table = comparison.paper_table({NO_AUX: found, figure: found}, published)
    paper = ("paper: MSE", "paper: Class0", "paper: Class1", "paper: sum")
    mine = {"MSE": 0.13, "Class0": 0.01, "Class1": 0.02, "sum": 0.03}
    few = {"authors' faces: Class0": 0.91, "authors' faces: Class1": 0.92}
    for row, (variant, values) in enumerate(
        {NO_AUX: (0.028, 3 / 16, 13 / 16, 1.0), figure: (None,) * 4}.items()
    ):
        theirs = dict(zip(paper, values, strict=True)) if published else {}
        own = {"model": variant.label, **theirs, **mine, **(few if authors else {})}
        assert cells(table, row) == own
    assert ("the paper's of 16" in table.note) == bool(published)
    assert ("authors' first 32 faces 8" in table.note) == authors


def with_read(found: AttributeResult, share: float, class0: float) -> AttributeResult:
    """The same with other figures of E's y, and of Class0."""
    y_head = replace(found.readers.y_head, mean=share)
    every = found.protocols.every
    every = replace(every, class0=replace(every.class0, mean=class0))
    return replace(
        found,
        readers=replace(found.readers, y_head=y_head),
        protocols=replace(found.protocols, every=every),
    )


@pytest.mark.parametrize(("share", "told"), [(0.85, "85.0%"), (0.84, "84.0%, too few")])
def test_the_claim_compares_models_that_differ_in_l_aux_alone(share, told):
    """Class1 is 0.12; another seed and another base are no partners; the lower reader counts."""
    found = {
        BEST: with_read(result(), 0.9, 0.7),
        NO_AUX: with_read(result(), share, 0.4),
        Variant("paper", "best", 1): result(),
        Variant("release", "no_aux", 0): result(),
    }
    table = comparison.claim_table(found)
    assert len(table.rows) == 1
    assert cells(table) == {
        "with it; without it": "paper: best, seed 0; no_aux",
        "E reads y": told,
        "sum with": pytest.approx(0.82),
        "sum without": pytest.approx(0.52),
        "difference": pytest.approx(0.3),
        "z tells y, with": 0.34,
        "z tells y, without": 0.34,
    }


def test_figures_of_test_are_read_from_reports_that_are_made_once(trainings, command, monkeypatch):
    """And made again when the model was trained further."""
    asked = []

    def evaluate(command: EvaluateCommand) -> None:
        assert command.run
        asked.append((command.run.name, command.split))
        assert command.data_dir == Path("moved")
        file = command.run / "report-test" / "report.json"
        write_json(file, json.loads((command.run / "report" / "report.json").read_text()))

    monkeypatch.setattr("ifcvaegan.evaluate.evaluate", evaluate)
    for epochs in (2.0, 2.0, 3.0):
        ablation.ablation(replace(command, split="test", epochs=epochs, data_dir=Path("moved")))
    assert asked == [("paper-best-0", "test"), ("paper-no_aux-0", "test")] * 2


def test_the_findings_tell_rows_with_and_without_the_auxiliary_loss_apart():
    with_, without = comparison.findings({NO_AUX: result(), BEST: result()})
    said = "0.23 (2 at best, 1 where y has no effect); a fresh network reads y in z with 34.0% ("
    assert with_.startswith(f"With L_aux: Class0 + Class1 is {BEST.label} {said}base rate 60.0%")
    assert without.startswith(f"Without L_aux: Class0 + Class1 is {NO_AUX.label} {said}")


def test_the_figure_has_a_bar_for_each_class_with_the_papers_marks(monkeypatch, tmp_path):
    drawn: list[Any] = []

    def savefig(figure, path: Path, **_) -> None:
        drawn.append(figure)
        path.write_bytes(b"")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)
    found = comparison.draw(
        {NO_AUX: result(), Variant("paper", "if_fig2", 0): result()}, TABLE_1, tmp_path / "f.png"
    )
    assert found.file == tmp_path / "f.png"
    assert found.file.is_file()
    (axes,) = drawn[0].axes
    assert [bar.get_height() for bar in axes.patches] == [0.01, 0.01, 0.02, 0.02]
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    assert {line.get_label(): line.get_ydata()[0] for line in lines} == {
        "Class0, the paper (16 faces)": 3 / 16,
        "Class1, the paper (16 faces)": 13 / 16,
    }
