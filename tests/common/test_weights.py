"""Weights to share: float16 values, settings without this machine's folders, a card of the run."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pytest

from common.errors import UserError
from common.runs.directory import without_folders
from common.weights import ReleaseCommand, card, release, shared_report, without_places


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="encoder")


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    (folder / "networks").mkdir(parents=True)
    network().save(folder / "networks" / "encoder.keras")
    places = {"data_dir": "/home/someone/celeba", "source": "tfds", "cache_dir": None}
    settings = {"dataset": "mnist", "run": {"seed": 7}, "source": {**places, "limit": 5}}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "command.txt").write_text("python -m crg.train --out /home/someone/runs/mine\n")
    environment = {"seed": 7, "device": "CPU, 2 cores", "git_revision": "abc"}
    environment |= {"versions": {"keras": "3"}, "data": {"images": 60000, "name": "mnist"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "history-encoder.csv").write_text(
        "period,step,images,seconds,image_cycle_loss\n1,10,640,60.0,0.5\n2,20,1280,120.0,0.4\n"
    )
    return folder


def command(run: Path, **options) -> ReleaseCommand:
    defaults = {"out": run.parent / "crg-mnist", "networks": ("encoder",)}
    return ReleaseCommand(run=run, **defaults | options)


def test_released_are_weights_histories_card_and_settings_without_a_folder_of_this_machine(run):
    out = release(command(run))
    names = {path.name for path in out.iterdir()}
    assert names == {"encoder.weights.h5", "config.json", "history-encoder.csv", "card.md"}
    assert json.loads((out / "config.json").read_text()) == {
        "dataset": "mnist",
        "run": {"seed": 7},
        "source": {"data_dir": None, "source": None, "cache_dir": None, "limit": 5},
    }
    assert (out / "card.md").read_text() == card(command(run))
    stored = network()
    stored.load_weights(out / "encoder.weights.h5")
    for single, half in zip(network().get_weights(), stored.get_weights(), strict=True):
        assert half.tolist() == single.astype("float16").tolist()


def test_release_of_an_untrained_network_names_it_and_writes_nothing(run):
    with pytest.raises(UserError, match="no trained generator"):
        release(command(run, networks=("encoder", "generator")))
    assert not (run.parent / "crg-mnist").exists()


# The card


def test_the_card_states_seed_command_data_device_and_the_last_step_of_each_stage(run):
    text = card(command(run, note="By hand."))
    assert text.startswith("# crg-mnist\n\nBy hand.\n\n")
    for line in (
        "| training | python -m crg.train --out mine |",
        "| seed | 7 |",
        "| data | 60,000 images of mnist |",
        "| device | CPU, 2 cores |",
        "| revision | abc |",
        "| keras | 3 |",
        "| stage encoder | 20 steps, 1,280 images, 2 minutes |",
    ):
        assert line in text


def test_the_card_of_a_resumed_run_has_all_its_commands_and_revisions(run):
    with (run / "command.txt").open("a") as file:
        file.write("python -m crg.train --resume mine --encoder.epochs 4\n")
    now = json.loads((run / "environment.json").read_text())
    earlier = [now | {"git_revision": "old"}, now | {"device": "GPU"}]
    (run / "environment.json").write_text(json.dumps(now | {"earlier": earlier}))
    text = card(command(run))
    assert "--out mine; then python -m crg.train --resume mine --encoder.epochs 4" in text
    assert "| revision | old, then abc |" in text


def test_the_card_names_the_run_whose_networks_it_started_from(run):
    source = {"run": "crg-mnist-001", "networks": ["generator", "encoder"]}
    stages = {"gan": {"step": "30", "images": "1920", "seconds": "180.0"}}
    source |= {"command": "python -m crg.train --out /home/a/first", "stages": stages}
    (run / "init.json").write_text(json.dumps(source))
    text = card(command(run))
    assert "| started from | generator, encoder of the run crg-mnist-001 |" in text
    assert "| its training | python -m crg.train --out first |" in text
    assert "| its stage gan | 30 steps, 1,920 images, 3 minutes |" in text
    (run / "init.json").write_text(json.dumps(source | {"command": ""}))
    assert "its training" not in card(command(run))


def test_the_card_takes_its_metrics_from_the_report(run, tmp_path):
    report = {
        "summary": "10,000 images",
        "metrics": {"mse": {"mean": 0.0175, "low": 0.0171, "high": 0.0179}},
        "facts": {"command": "python -m crg.evaluate --out /home/a/report"},
        "findings": ["A finding."],
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    text = card(command(run, report=tmp_path))
    assert "## 10,000 images" in text
    assert "| mse | 0.0175 | 0.0171 to 0.0179 |" in text
    assert "- A finding." in text
    assert "`python -m crg.evaluate --out report`" in text


def test_a_report_is_shared_without_the_folders_of_this_machine(tmp_path):
    facts = {"command": "a --out /home/a/b; then c", "training": "d /home/a/e", "seed": "0"}
    (tmp_path / "report.json").write_text(json.dumps({"n": 3, "facts": facts}))
    told = {"command": "a --out b; then c", "training": "d e", "seed": "0"}
    assert shared_report(tmp_path) == {"n": 3, "facts": told}


def test_absolute_paths_of_a_command_keep_their_last_part_only():
    for given, shown in (
        ("--out /home/a/runs/one --seed 3", "--out one --seed 3"),
        ("--out=/home/a/runs/one", "--out=one"),
        ("'/home/my name/run' --out x", "run --out x"),
        ("runs/one --set Smiling=1", "runs/one --set Smiling=1"),
    ):
        assert without_folders(f"python -m crg.train {given}") == f"python -m crg.train {shown}"


def test_settings_keep_the_name_of_a_file_and_lose_its_folder():
    settings = {"encoder": {"vgg_file": "/home/a/vgg16.h5", "vgg": "imagenet"}, "sizes": [1, 2]}
    assert without_places(settings) == {
        "encoder": {"vgg_file": "vgg16.h5", "vgg": "imagenet"},
        "sizes": [1, 2],
    }
