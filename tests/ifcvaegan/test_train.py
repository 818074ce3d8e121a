"""`python -m ifcvaegan.train`: one real run of the smoke preset, and everything that it leaves."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.datasets.records import Records
from common.errors import UserError
from common.files import write_json
from common.metrics.intervals import Interval
from common.runs.directory import Run
from common.runs.history import write_history
from common.settings.config import differences, read_config, to_json
from common.settings.flags import parse_training
from ifcvaegan import ablation, alarms, comparison, edit, reconstruct
from ifcvaegan.ablation import AblationCommand, options, settings
from ifcvaegan.config import EXTENDABLE, PRESETS, TABLE_1, Config, Fidelity, LossConfig
from ifcvaegan.evaluate import alarm_findings, published_row
from ifcvaegan.train import check_lengths, main, train_vaegan
from tests.runs import METRICS, history, same, saved, weights

NETWORKS = ("encoder", "decoder", "discriminator", "auxiliary")
LOSSES = [
    *("autoencoder_loss", "discriminator_loss", "auxiliary_loss", "reconstruction_loss"),
    *("kl_loss", "label_loss", "reconstruction_label_loss", "fooling_loss"),
]
MEASURED = ["reconstruction_loss", "kl_loss", "label_loss", "auxiliary_loss", "mse"]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of `--preset smoke`, with a judge and readers that have learnt nothing."""
    from common.classifiers import faces as face_classifier

    def judge(records: Records, seed: int) -> keras.Model:
        return face_classifier.attribute_classifier(32, len(records.attribute_names))

    def guess(train, labels, test, kind, seed):
        return np.full(len(test), labels.mean() - 0.5)

    folder = tmp_path_factory.mktemp("smoke")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_classifier, "train", judge)
        patch.setattr("ifcvaegan.probes.read", guess)
        patch.setattr("common.reporting.sheets.CELL", 32)
        words = ["--preset", "smoke", "--cache-dir", str(folder / "cache")]
        main([*words, "--out", str(folder / "run")])
    return folder / "run"


@pytest.fixture(scope="module")
def report(smoke: Path) -> dict[str, Any]:
    return json.loads((smoke / "report" / "report.json").read_text())


# --- The run directory ----------------------------------------------------------------------------


def test_a_run_holds_what_the_architecture_names_and_nothing_else(smoke):
    assert sorted(path.name for path in smoke.iterdir()) == [
        *("backup", "command.txt", "config.json", "environment.json", "history-vaegan.csv"),
        *("networks", "plots", "report", "samples", "train.log"),
    ]


def test_settings_read_back_equal(smoke):
    changed = differences(PRESETS["smoke"](), read_config(Config, smoke))
    assert set(changed) == {"source.cache_dir"}


def test_losses_and_what_dev_shows_are_reported_every_four_steps(smoke):
    rows = history(smoke, "vaegan")  # 256 images in batches of 64, 3 epochs
    assert [(row["period"], row["step"]) for row in rows] == [("1", "4"), ("2", "8"), ("3", "12")]
    shown = [*LOSSES, *(f"val_{name}" for name in MEASURED)]
    assert list(rows[0]) == ["period", "step", "images", "seconds", *shown]
    assert all(np.isfinite(float(row[name])) for row in rows for name in shown)


def test_samples_are_drawn_at_the_end_of_every_period(smoke):
    names = sorted(file.name for file in (smoke / "samples").iterdir())
    assert names == ["reals.png", *(f"vaegan-{step:07d}.png" for step in (4, 8, 12))]


def test_all_four_networks_are_kept_a_and_c_as_they_ended(smoke):
    assert {file.stem for file in (smoke / "networks").iterdir()} == set(NETWORKS)
    for name in ("auxiliary", "discriminator"):
        assert same(weights(smoke, name), saved(smoke, "vaegan", f"network/{name}"))


def test_the_kept_encoder_has_running_means_of_its_weights(smoke):
    state = saved(smoke, "vaegan", "optimizer/autoencoder")
    for value in weights(smoke, "encoder"):
        assert any(np.array_equal(value, other) for other in state)
    assert not same(weights(smoke, "encoder"), saved(smoke, "vaegan", "network/encoder"))


def test_the_kept_decoder_has_the_statistics_of_reconstructions(smoke):
    from common.datasets import drawn
    from ifcvaegan import trained
    from ifcvaegan.codes import encode

    model = trained.load(smoke)
    images = drawn.load("train", 32, ("Smiling",)).images[:256]
    means, _, read = encode(model, images)
    decoder = model.decoder
    norm = next(layer for layer in decoder.layers if "batch_norm" in layer.name)
    before = keras.Model(decoder.inputs, norm.input)([read, means], training=False)
    np.testing.assert_allclose(norm.moving_mean, np.mean(before, axis=(0, 1, 2)), atol=1e-5)


def test_the_run_edits_and_reconstructs(smoke, tmp_path):
    from PIL import Image

    from common.datasets import drawn

    Image.fromarray(drawn.load("test", 32).images[0]).save(tmp_path / "face.png")
    for command, words in ((edit.main, ["--set", "Smiling=1"]), (reconstruct.main, [])):
        out = tmp_path / command.__module__
        command([str(tmp_path / "face.png"), "--run", str(smoke), "--out", str(out), *words])
        with Image.open(out / "face.png") as image:
            assert (image.size, image.mode) == ((32, 32), "RGB")


# --- The training ---------------------------------------------------------------------------------


class CompiledError(Exception):
    """Raised in place of the training, with the optimizers."""


def optimizers(monkeypatch, faces, networks, config: Config) -> dict[str, Any]:
    def compile_(self, **options):
        raise CompiledError(options)

    monkeypatch.setattr("ifcvaegan.model.IFcVAEGAN.compile", compile_)
    with pytest.raises(CompiledError) as ended:
        train_vaegan(config, None, faces, faces, networks)  # pyright: ignore[reportArgumentType]
    return ended.value.args[0]


def test_every_player_has_the_optimizer_of_the_settings(monkeypatch, faces, networks, config):
    paper = optimizers(monkeypatch, faces, networks, config)
    players = ("autoencoder", "auxiliary", "discriminator")
    assert [paper[player].rho for player in players] == [0.99, 0.99, 0.5]
    assert [float(paper[player].learning_rate) for player in players] == pytest.approx([2e-4] * 3)
    assert not any(paper[player].momentum or paper[player].use_ema for player in players)

    train = PRESETS["stable"]().train
    train = replace(train, discriminator_momentum=0.3)
    stable = optimizers(monkeypatch, faces, networks, replace(config, train=train))
    rates = [float(stable[player].learning_rate) for player in players]
    assert rates == pytest.approx([5e-4, 1e-3, 5e-4])
    assert [stable[player].use_ema for player in players] == [True, False, False]
    assert [stable[player].momentum for player in players] == [0.0, 0.0, 0.3]


class BegunError(Exception):
    """Raised in place of the training's steps, with what they were to be made of."""


def begun(monkeypatch, faces, networks, config: Config) -> tuple[Any, Any, dict[str, Any]]:
    """The model, its data as the training asks for them, and the options of its length."""
    batches = []

    def endless_batches(*_, **options):
        batches.append(options)

    def fit(model, run, stage, data, **options):
        data(0)
        raise BegunError(model, batches[0], options)

    monkeypatch.setattr("common.datasets.pipeline.endless_batches", endless_batches)
    monkeypatch.setattr("common.training.fit", fit)
    run = Run(Path("no-run"))
    config = replace(config, train=replace(config.train, batch_size=8))
    with pytest.raises(BegunError) as ended:
        train_vaegan(config, run, faces, faces, networks)
    return ended.value.args


def test_the_settings_reach_the_step(monkeypatch, faces, networks, config):
    paper, batches, _ = begun(monkeypatch, faces, networks, config)
    assert (paper.mode, paper.fidelity, paper.ramp) == ("max_bce", "paper", 0)
    assert batches == {"pixel_range": "unit", "flip": False}
    np.testing.assert_allclose(paper.rates, faces.attributes.mean(axis=0))

    loss = LossConfig(auxiliary_mode="confuse", fidelity="release", ramp_steps=7, alpha=0.5)
    data = replace(config.data, flip=True)
    other, batches, _ = begun(monkeypatch, faces, networks, replace(config, loss=loss, data=data))
    assert (other.mode, other.fidelity, other.ramp) == ("confuse", "release", 7)
    assert other.term_weights.kl == pytest.approx(0.5 / 6)  # by Z
    assert batches["flip"]


def test_a_period_ends_with_alarms_on_every_attribute(monkeypatch, faces, networks, config):
    seen = []
    monkeypatch.setattr("ifcvaegan.alarms.watch", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr("ifcvaegan.samples.grid", lambda *_, **__: None)
    monkeypatch.setattr(Run, "save_networks", lambda *_: None)
    model, _, options = begun(monkeypatch, faces, networks, config)
    model.compile(
        **{name: keras.optimizers.SGD(0.0) for name in model.players},
    )
    options["period_end"]("sample")
    ((_, effects, entropy),) = seen
    assert list(effects) == list(config.data.attributes)
    assert all(0.0 < effect < 1.0 for effect in effects.values())
    rates = faces.attributes.mean(axis=0)
    assert entropy == pytest.approx(
        -np.mean(rates * np.log(rates) + (1.0 - rates) * np.log(1.0 - rates)), rel=1e-5
    )


def test_the_releases_y_head_is_detached_by_its_fidelity(config):
    from ifcvaegan.trained import build

    def features_move(fidelity: Fidelity) -> bool:
        encoder = build(replace(config, loss=LossConfig(fidelity=fidelity)))["encoder"]
        images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.square(encoder(images)[2]))
        gradient = tape.gradient(total, encoder.trainable_variables[0])
        return gradient is not None and bool(tf.reduce_any(gradient != 0.0))

    assert features_move("paper")
    assert not features_move("release")


def test_rmsprop_has_torchs_denominator(monkeypatch, faces, networks, config):
    optimizer = optimizers(monkeypatch, faces, networks, config)["autoencoder"]
    for gradient in (0.5, 1e-9):  # far above and below the floor of 1e-8
        weight = keras.Variable([0.0])
        copy = keras.optimizers.RMSprop.from_config(optimizer.get_config())
        copy.apply([keras.ops.convert_to_tensor([gradient])], [weight])
        step = 2e-4 * gradient / (np.sqrt(0.01 * gradient**2) + 1e-8)
        assert -float(weight[0]) == pytest.approx(step, rel=0.02)


# --- The report -----------------------------------------------------------------------------------


def test_the_report_has_the_papers_table_and_what_the_paper_does_not_show(report):
    assert [table["title"] for table in report["tables"]][:5] == [
        "Table 1: Smiling",
        "What an edit leaves as it was",
        "What z tells about y",
        "Who reads the attribute how well",
        "Beside latent arithmetic on the same autoencoder",
    ]
    (sets,) = [table for table in report["tables"] if table["title"].startswith("Distance from")]
    assert [row[0] for row in sets["rows"]][::2] == ["FD-face-cnn", "KD-face-cnn"]
    assert list(report["metrics"]) == METRICS
    assert report["n"] == 64


def test_the_report_keeps_what_the_ablation_reads(report):
    details = report["details"]["Smiling"]
    for name in comparison.COLUMNS.values():
        assert set(details[name]) == {"mean", "low", "high", "n"}, name
    assert 0.5 <= details["base rate"] <= 1.0


def test_the_figures_are_there(report):
    files = [figure["file"] for figure in report["figures"]]
    assert files == ["losses.png", "edits-Smiling.png", "sweep-Smiling.png", "samples.png"]


# --- Alarms and refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "loss", "aim", "said"),
    [
        (0.009, 0.69, 0.69, "the label is ignored"),
        (0.02, 0.69, 0.69, ""),
        (0.02, 0.4, 0.69, "reads y in z"),
        (0.02, 1.2, 0.69, "far above"),
        (0.02, 0.4, None, ""),
    ],
)
def test_the_log_names_what_goes_wrong(tmp_path, caplog, effect, loss, aim, said):
    leave_history(tmp_path, alarms.EARLY, loss)
    with caplog.at_level("WARNING"):
        alarms.watch(Run(tmp_path), {"Smiling": 0.05, "Male": effect}, aim)
    assert (said in caplog.text) if said else not caplog.text


def test_nothing_is_said_of_networks_that_have_hardly_begun(tmp_path, caplog):
    leave_history(tmp_path, alarms.EARLY - 1, 0.1)
    alarms.watch(Run(tmp_path), {"Smiling": 0.0}, 0.69)
    assert not caplog.text


@pytest.mark.parametrize(
    ("value", "said"), [(0.58, "reads y in z"), (0.65, ""), (0.9, ""), (1.1, "far above")]
)
def test_the_auxiliary_loss_has_a_healthy_band_around_the_entropy(value, said):
    found = alarms.auxiliary_warning(value, np.log(2))
    assert (said in found) if said else not found


def test_an_attribute_that_all_have_is_refused(faces, config):
    there = replace(faces, attributes=np.ones_like(faces.attributes))
    with pytest.raises(UserError, match="100% of the 24 training images have Smiling"):
        check_lengths(config, there, 24)


# --- The ablation ---------------------------------------------------------------------------------


@pytest.fixture
def rows(monkeypatch, smoke):
    """Stands in for the trainings: each leaves the report of the smoke run. The commands."""
    from common.training.fit import stage_length

    commands = []

    class Training:
        def __init__(self, command, **_):
            self.words = command[3:]
            commands.append(self.words)

        def wait(self) -> int:
            words = self.words
            if words[0] == "--resume":
                folder, config = Path(words[1]), read_config(Config, Path(words[1]))
                epochs = float(words[words.index("--train.epochs") + 1])
                config = replace(config, train=replace(config.train, epochs=epochs))
            else:
                folder = Path(words[words.index("--out") + 1])
                config, _ = parse_training(Config, PRESETS, "train", words, extendable=EXTENDABLE)
            train = config.train
            steps, _ = stage_length(train.epochs, train.period, 256, train.batch_size)
            (folder / "report").mkdir(parents=True, exist_ok=True)
            leave_history(folder, steps)
            for name in ("environment.json", "report/report.json"):
                (folder / name).write_bytes((smoke / name).read_bytes())
            write_json(folder / "config.json", to_json(config))
            return 0

    monkeypatch.setattr(ablation.subprocess, "Popen", Training)
    return commands


def leave_history(run: Path, step: int, auxiliary_loss: float = 0.7) -> None:
    row = {"period": 1, "step": step, "images": 1, "seconds": 1.0}
    write_history(run / "history-vaegan.csv", [row | {"auxiliary_loss": auxiliary_loss}])


def test_the_ablation_trains_every_row_once_and_goes_on_where_it_was(rows, tmp_path):
    command = AblationCommand(out=tmp_path / "all", dataset="drawn", rows=("paper", "no_aux"))
    page = ablation.ablation(command)
    assert [words[1] for words in rows] == ["paper", "no_aux"]
    stored = json.loads(page.with_name("report.json").read_text())
    assert [row[0] for row in stored["tables"][0]["rows"]] == ["paper", "no_aux"]
    assert stored["tables"][0]["columns"] == ["row", "MSE", "Class0", "Class1", "sum"]
    assert page.with_name("table-1.png").is_file()
    ablation.ablation(command)
    assert len(rows) == 2
    ablation.ablation(replace(command, rows=("paper", "no_aux", "high_kl")))
    assert [words[1] for words in rows[2:]] == ["high_kl"]


def test_rows_are_extended_by_more_epochs_and_never_cut(rows, tmp_path):
    command = AblationCommand(out=tmp_path, dataset="drawn", rows=("paper",), epochs=2.0)
    ablation.ablation(command)
    ablation.ablation(replace(command, epochs=3.0))
    assert rows[1] == ["--resume", str(tmp_path / "paper"), "--train.epochs", "3.0"]
    with pytest.raises(UserError, match=r"train\.epochs is 3\.0 in the run and 2\.0 here"):
        ablation.ablation(command)


def test_a_row_whose_report_is_older_than_its_training_goes_on(rows, tmp_path):
    command = AblationCommand(out=tmp_path, dataset="drawn", rows=("paper",))
    ablation.ablation(command)
    report = tmp_path / "paper" / "report" / "report.json"
    history_file = tmp_path / "paper" / "history-vaegan.csv"
    os.utime(report, times=(0, history_file.stat().st_mtime - 1.0))
    ablation.ablation(replace(command, data_dir=tmp_path / "moved"))
    moved = ["--data-dir", str(tmp_path / "moved")]
    assert rows[1] == ["--resume", str(tmp_path / "paper"), "--train.epochs", "8.0", *moved]


def test_a_row_that_was_measured_before_its_end_goes_on(rows, tmp_path):
    command = AblationCommand(out=tmp_path, dataset="drawn", rows=("paper",))
    ablation.ablation(command)
    leave_history(tmp_path / "paper", 63)  # of 64 steps
    os.utime(tmp_path / "paper" / "report" / "report.json")
    ablation.ablation(command)
    assert len(rows) == 2


def test_rows_measured_on_other_faces_are_not_put_into_one_table(rows, tmp_path):
    command = AblationCommand(out=tmp_path, dataset="drawn", rows=("paper", "no_aux"))
    ablation.ablation(command)
    file = tmp_path / "paper" / "report" / "report.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"n": 10}))
    with pytest.raises(UserError, match=r"different numbers of faces \(paper: 10, no_aux: 64\)"):
        ablation.ablation(command)


def test_rows_measured_on_no_face_with_the_attribute_have_no_table(rows, tmp_path):
    command = AblationCommand(out=tmp_path, dataset="drawn", rows=("paper",))
    ablation.ablation(command)
    file = tmp_path / "paper" / "report" / "report.json"
    report = json.loads(file.read_text())
    details = report["details"]["Smiling"]
    report["details"]["Smiling"] = {k: v for k, v in details.items() if not k.startswith("with")}
    file.write_text(json.dumps(report))
    with pytest.raises(UserError, match="None of the 64 test faces has Smiling"):
        ablation.ablation(command)


def test_ctrl_c_waits_for_the_row_to_save(rows, tmp_path, monkeypatch):
    waits = []

    def wait(self):
        waits.append(1)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(ablation.subprocess.Popen, "wait", wait)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        ablation.ablation(AblationCommand(out=tmp_path, dataset="drawn", rows=("paper",)))
    assert len(waits) == 2


def test_the_papers_table_stands_beside_smiling_on_celeba_by_its_protocol():
    """Class0 and Class1 of the faces with it, the MSE of all, as [C]; then the authors' faces."""
    value, of_all, few = (Interval(mean, 0.1, 0.9, 10) for mean in (0.5, 0.2, 0.7))
    mine = {"mse": of_all, "with: class0": value, "with: class1": value, "with: mse": value}
    table = comparison.paper_table({"no_aux": mine}, TABLE_1)
    assert table.rows[0] == ["no_aux", 0.028, 0.1875, 0.8125, 1.0, of_all, value, value, 1.0]
    assert "the paper's of 16" in table.note
    assert comparison.paper_table({"no_aux": mine}, {}).rows[0][1] == of_all
    mine |= {"authors: class0": few, "authors: class1": few}
    table = comparison.paper_table({"no_aux": mine}, TABLE_1)
    assert table.rows[0][-2:] == [few, few]
    assert table.columns[-1] == "authors' faces: Class1"


def test_the_papers_row_is_that_of_smiling_on_celeba():
    def found(config: Config, attribute: str = "Smiling") -> str:
        row = published_row(config, attribute)
        return row[0] if row else ""

    assert found(PRESETS["no_aux"]()) == "the paper's row no_aux"
    assert found(PRESETS["stable"]()) == "the paper's row with_rec_class (other settings)"
    assert found(PRESETS["naive_fig3"]()) == ""
    assert found(PRESETS["paper"]("drawn")) == ""
    male = PRESETS["paper"]()
    male = replace(male, data=replace(male.data, attributes=("Male",)))
    assert found(male, "Male") == ""


def test_the_report_speaks_of_the_auxiliary_loss_only_where_a_term_acts_on_it(tmp_path, faces):
    leave_history(tmp_path, alarms.EARLY, 0.3)
    assert "reads y in z" in alarm_findings(tmp_path, 1.0, faces)[0]
    assert alarm_findings(tmp_path, 0.0, faces) == []
    leave_history(tmp_path, alarms.EARLY - 1, 0.3)
    assert alarm_findings(tmp_path, 1.0, faces) == []


@pytest.mark.parametrize("base", ["paper", "stable"])
def test_the_command_line_of_a_row_gives_its_settings(base):
    command = AblationCommand(base=base, dataset="drawn", limit=512, filters=8, epochs=2.0, seed=3)
    for row in ablation.ROWS:
        wanted = settings(command, row)
        words = options(base, row, wanted)
        found, _ = parse_training(Config, PRESETS, "train", words, extendable=EXTENDABLE)
        assert not differences(wanted, found)


@pytest.mark.parametrize(
    ("base", "row", "expected"),
    [
        ("paper", "no_aux_rec_class", {"alpha": 0.2, "beta": 1.0, "gamma": 0.0}),
        ("stable", "no_aux_rec_class", {"alpha": 0.2, "beta": 0.1, "gamma": 0.0}),
        ("stable", "with_rec_class", {"alpha": 0.2, "beta": 0.1, "gamma": 1.0}),
        ("stable", "high_kl", {"alpha": 0.5, "beta": 0.0, "gamma": 1.0}),
    ],
)
def test_a_row_switches_the_terms_of_its_base(base, row, expected):
    found = settings(AblationCommand(base=base), row).loss
    assert {name: getattr(found, name) for name in expected} == expected
    assert set(differences(PRESETS[base]().loss, found)) <= set(expected)


def test_a_row_of_other_settings_is_refused_before_any_is_trained(smoke, tmp_path):
    import shutil

    shutil.copytree(smoke, tmp_path / "all" / "paper")
    command = AblationCommand(out=tmp_path / "all", dataset="drawn", rows=("no_aux", "paper"))
    with pytest.raises(UserError, match=r"other settings.*networks\.filters is 4 .* 64 here"):
        ablation.ablation(command)
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["paper"]


def test_an_unknown_row_is_refused():
    with pytest.raises(UserError, match="best"):
        ablation.ablation(AblationCommand(rows=("best",)))
