import json

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.runs.weights import save_half
from common.weights import ReleaseCommand, card, release, without_folders


def network(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    image = keras.Input((4,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(3)(image))
    return keras.Model(image, hidden, name="encoder")


def run_folder(folder):
    (folder / "networks").mkdir(parents=True)
    network().save(folder / "networks" / "encoder.keras")
    folders = {"data_dir": "/home/someone/celeba", "cache_dir": None}
    settings = {"dataset": "mnist", "run": {"seed": 7, **folders}}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "command.txt").write_text("python -m crg.train --out /home/someone/runs/mine\n")
    (folder / "environment.json").write_text(
        json.dumps(
            {
                "seed": 7,
                "device": "CPU, 2 cores",
                "git_revision": "abc",
                "versions": {"keras": "3"},
                "data": {"images": 60000, "name": "mnist"},
            }
        )
    )
    (folder / "history-encoder.csv").write_text(
        "period,step,images,seconds,image_cycle_loss\n1,10,640,60.0,0.5\n2,20,1280,120.0,0.4\n"
    )
    return folder


def test_stored_weights_are_the_nearest_float16_values(tmp_path):
    original, read = network(0), network(1)
    save_half(original, tmp_path / "encoder.weights.h5")
    read.load_weights(tmp_path / "encoder.weights.h5")
    for a, b in zip(original.weights, read.weights, strict=True):
        assert np.array_equal(a.numpy().astype(np.float16).astype(np.float32), b.numpy())


def test_stored_file_is_about_half_as_large_as_float32(tmp_path):
    wide = keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])
    wide.save_weights(tmp_path / "single.weights.h5")
    save_half(wide, tmp_path / "half.weights.h5")
    sizes = [(tmp_path / f"{name}.weights.h5").stat().st_size for name in ("half", "single")]
    assert sizes[0] < 0.6 * sizes[1]


def test_release_writes_weights_settings_histories_and_card(tmp_path):
    run, out = run_folder(tmp_path / "run"), tmp_path / "crg-mnist"
    release(ReleaseCommand(run=run, out=out, networks=("encoder",)))
    names = {path.name for path in out.iterdir()}
    assert names == {"encoder.weights.h5", "config.json", "history-encoder.csv", "card.md"}


def test_released_settings_name_no_folder_of_this_machine(tmp_path):
    run, out = run_folder(tmp_path / "run"), tmp_path / "crg-mnist"
    release(ReleaseCommand(run=run, out=out, networks=("encoder",)))
    assert json.loads((out / "config.json").read_text()) == {
        "dataset": "mnist",
        "run": {"seed": 7, "data_dir": None, "cache_dir": None, "source": None},
    }


def test_card_states_seed_command_and_the_last_step_of_each_stage(tmp_path):
    run = run_folder(tmp_path / "run")
    text = card(ReleaseCommand(run=run, out=tmp_path / "x", networks=("encoder",)))
    assert "| seed | 7 |" in text
    assert "20 steps, 1,280 images, 2 minutes" in text
    assert "python -m crg.train --out mine" in text


def test_card_takes_its_metrics_from_the_report(tmp_path):
    run = run_folder(tmp_path / "run")
    report = {
        "summary": "10,000 images",
        "metrics": {"mse": {"mean": 0.0175, "low": 0.0171, "high": 0.0179}},
        "facts": {"command": "python -m crg.evaluate --out /home/a/report"},
        "findings": ["A finding."],
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    text = card(ReleaseCommand(run=run, out=tmp_path / "x", networks=("encoder",), report=tmp_path))
    assert "| mse | 0.0175 | 0.0171 to 0.0179 |" in text
    assert "- A finding." in text
    assert "`python -m crg.evaluate --out report`" in text


def test_a_card_says_that_a_stage_was_stopped_and_how_its_run_was_extended(tmp_path):
    run = run_folder(tmp_path / "run")
    (run / "backup").mkdir(exist_ok=True)
    notes = json.dumps({"step": 6, "steps": 18})
    np.savez(run / "backup" / "encoder.npz", notes=np.array(notes))
    with (run / "command.txt").open("a") as file:
        file.write("python -m crg.train --resume mine --encoder.epochs 4\n")
    text = card(ReleaseCommand(run=run, out=tmp_path / "x", networks=("encoder",)))
    assert "| stopped in stage encoder | step 6 of 18 |" in text
    assert "--out mine; then python -m crg.train --resume mine --encoder.epochs 4" in text


def test_a_card_names_every_revision_that_a_resumed_run_was_trained_with(tmp_path):
    run = run_folder(tmp_path / "run")
    now = json.loads((run / "environment.json").read_text())
    earlier = [now | {"git_revision": "old"}, now | {"device": "GPU"}]
    (run / "environment.json").write_text(json.dumps(now | {"earlier": earlier}))
    text = card(ReleaseCommand(run=run, out=tmp_path / "x", networks=("encoder",)))
    assert "| revision | old, then abc |" in text


def test_release_of_an_untrained_network_names_it(tmp_path):
    run = run_folder(tmp_path / "run")
    with pytest.raises(UserError, match="no trained generator"):
        release(ReleaseCommand(run=run, out=tmp_path / "x", networks=("generator",)))
    assert not (tmp_path / "x").exists()


def test_absolute_paths_of_a_command_keep_their_last_part_only():
    line = "python -m crg.train --out /home/a/runs/one --seed 3"
    assert without_folders(line) == "python -m crg.train --out one --seed 3"


def test_a_card_says_first_what_the_command_does_not_tell(tmp_path):
    command = ReleaseCommand(
        run=run_folder(tmp_path / "run"), out=tmp_path / "x", networks=("encoder",), note="By hand."
    )
    assert card(command).startswith("# x\n\nBy hand.\n\n")
