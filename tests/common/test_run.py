"""Run directories: what they hold, and what is read back from them."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT, write_text
from common.runs.directory import (
    Run,
    create_run,
    output_folder,
    read_command,
    reopen_run,
    resumable,
    starting_folder,
)
from common.runs.environment import check_data, read_environment, record_environment
from common.runs.log import log_to
from common.runs.weights import default_weights, load_networks
from tests.common.toys import Toy


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    rate: float = 0.5


def black(count: int) -> Records:
    images = np.zeros((count, 2, 2, 1), np.uint8)
    return Records(images, np.zeros((count, 0), np.float32), (), "toy", "memory")


# Directories


def test_a_new_run_holds_its_settings_and_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py", "--note", "two words"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    run = create_run(tmp_path / "a" / "b", "crg", "mnist", Config())
    assert run.folder == tmp_path / "a" / "b"
    assert json.loads((run.folder / "config.json").read_text()) == {"rate": 0.5}
    assert (run.folder / "command.txt").read_text() == "python train.py --note 'two words'\n"


def test_the_command_names_the_module_that_was_run(tmp_path, monkeypatch):
    class Spec:
        name = "crg.train"

    monkeypatch.setattr(sys, "argv", ["/project/crg/train.py", "--seed", "1"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", Spec)
    create_run(tmp_path / "run", "crg", "mnist", Config())
    assert (tmp_path / "run" / "command.txt").read_text() == "python -m crg.train --seed 1\n"


def test_runs_are_numbered_per_package_and_dataset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [
        create_run(None, package, dataset, Config()).folder.as_posix()
        for package, dataset in [("crg", "mnist"), ("crg", "mnist"), ("crg", "celeba")]
    ]
    assert names == ["runs/crg-mnist-001", "runs/crg-mnist-002", "runs/crg-celeba-001"]


def test_an_empty_folder_becomes_a_run(tmp_path):
    (tmp_path / "run").mkdir()
    create_run(tmp_path / "run", "crg", "mnist", Config())
    assert (tmp_path / "run" / "config.json").is_file()


@pytest.mark.parametrize("taken", ["folder", "file"])
def test_what_exists_does_not_become_a_run(tmp_path, taken):
    out = tmp_path / "run"
    if taken == "folder":
        out.mkdir()
        (out / "thesis.txt").write_text("irreplaceable")
    else:
        out.write_text("irreplaceable")
    with pytest.raises(UserError, match=r"--out .*run exists and is not an empty folder.*--resume"):
        create_run(out, "crg", "mnist", Config())
    kept = out / "thesis.txt" if taken == "folder" else out
    assert kept.read_text() == "irreplaceable"


def test_a_reopened_run_keeps_its_command(tmp_path):
    made = create_run(tmp_path / "run", "crg", "mnist", Config())
    command = (made.folder / "command.txt").read_text()
    assert reopen_run(made.folder, Config()) == made
    assert (made.folder / "command.txt").read_text() == command


def test_a_run_reopened_with_longer_settings_takes_them_and_adds_its_command(tmp_path, monkeypatch):
    made = create_run(tmp_path / "run", "crg", "mnist", Config())
    monkeypatch.setattr(sys, "argv", ["train.py", "--resume", "run", "--rate", "2"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    reopen_run(made.folder, Config(rate=2.0))
    assert json.loads((made.folder / "config.json").read_text()) == {"rate": 2.0}
    lines = (made.folder / "command.txt").read_text().splitlines()
    assert len(lines) == 2
    assert lines[1] == "python train.py --resume run --rate 2"
    assert read_command(made.folder) == "; then ".join(lines)


def test_what_is_made_of_shipped_weights_does_not_go_among_them(monkeypatch):
    expected = Path("runs/crg-mnist-plots")
    assert output_folder(default_weights("crg-mnist"), "plots") == expected
    monkeypatch.chdir(ROOT)
    assert output_folder(Path("weights/crg-mnist"), "plots") == expected
    assert output_folder(Path("crg/../weights/crg-mnist"), "plots") == expected
    assert output_folder(Path("runs/mine"), "plots") == Path("runs/mine/plots")


def test_the_environment_says_what_the_numbers_depend_on(tmp_path, monkeypatch):
    records = black(3)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # too late: TensorFlow runs with oneDNN
    record_environment(Run(tmp_path), "CPU, 2 cores", 7, records)
    found = json.loads((tmp_path / "environment.json").read_text())
    assert (found["device"], found["seed"]) == ("CPU, 2 cores", 7)
    assert found["data"] == {"name": "toy", "images": 3, "fingerprint": records.fingerprint()}
    assert found["versions"]["tensorflow"] == tf.__version__
    assert found["onednn"] is True
    assert found["git_revision"]
    assert found["earlier"] == []


def test_a_run_that_goes_on_elsewhere_keeps_the_record_of_where_it_was(tmp_path):
    run, records = Run(tmp_path), black(3)
    for device in ("CPU", "CPU", "GPU"):
        record_environment(run, device, 7, records)
    found = read_environment(tmp_path)
    assert found["device"] == "GPU"
    assert [before["device"] for before in found["earlier"]] == ["CPU"]


def test_a_run_goes_on_with_the_same_data_from_another_folder(tmp_path):
    record_environment(Run(tmp_path), "CPU", 7, black(3))
    check_data(tmp_path, replace(black(3), source="another folder"))


def test_a_run_does_not_go_on_with_other_data(tmp_path):
    record_environment(Run(tmp_path), "CPU", 7, black(3))
    with pytest.raises(
        UserError, match=r"trained on 3 images of toy .* memory holds others .*4 im"
    ):
        check_data(tmp_path, black(4))


def test_a_run_without_a_record_of_its_data_may_go_on(tmp_path):
    check_data(tmp_path, black(3))


def test_ctrl_c_outside_of_a_stage_says_how_to_go_on(tmp_path):
    message = f"go on with --resume {tmp_path}"
    with pytest.raises(KeyboardInterrupt, match=message), resumable(Run(tmp_path)):
        raise KeyboardInterrupt


def test_what_a_stage_says_at_ctrl_c_stays(tmp_path):
    message = "stopped at step 3"
    with pytest.raises(KeyboardInterrupt, match=message), resumable(Run(tmp_path)):
        raise KeyboardInterrupt(message)


def test_what_ends_a_training_with_an_error_stands_in_its_log_and_once_on_the_terminal(
    tmp_path, capsys
):
    run = Run(tmp_path)
    log_to(run)
    with pytest.raises(UserError), resumable(run):
        raise UserError("kl_loss is nan after step 7")
    assert "kl_loss is nan after step 7" in (tmp_path / "train.log").read_text()
    assert "nan" not in capsys.readouterr().err  # the command writes it there


def test_a_reopened_run_is_rid_of_what_a_kill_left_half_written(tmp_path):
    run = create_run(tmp_path / "run", "crg", "mnist", Config())
    write_text(run.backup_file("gan"), "state")
    (run.folder / "backup" / ".0123abcd~gan.npz").write_text("half of a sta")
    (run.folder / ".mine").write_text("")
    reopen_run(run.folder, Config())
    assert [path.name for path in (run.folder / "backup").iterdir()] == ["gan.npz"]
    assert (run.folder / ".mine").exists()


@pytest.fixture
def source(tmp_path) -> Path:
    """A run of one stage, to start from."""
    folder = tmp_path / "crg-mnist-001"
    folder.mkdir()
    (folder / "command.txt").write_text("python -m crg.train --seed 3\n")
    (folder / "history-gan.csv").write_text("period,step\n1,8\n2,16\n")
    return folder


def test_a_run_says_what_it_started_from(tmp_path, source):
    create_run(tmp_path / "new", "crg", "mnist", Config(), source, {"maker": Toy().maker})
    assert json.loads((tmp_path / "new" / "init.json").read_text()) == {
        "run": "crg-mnist-001",
        "networks": ["maker"],
        "command": "python -m crg.train --seed 3",
        "stages": {"gan": {"period": "2", "step": "16"}},
    }


def test_a_run_keeps_the_networks_it_started_from(tmp_path, source):
    """A resume starts from them too, whatever has become of their run."""
    toy, other = Toy(weights_seed=1), Toy(weights_seed=2)
    run = create_run(tmp_path / "new", "crg", "mnist", Config(), source, {"maker": toy.maker})
    assert load_networks(run.folder, {"maker": other.maker}) == []  # nothing is trained yet
    kept = starting_folder(run.folder)
    assert load_networks(kept, other.networks()) == ["maker"]
    np.testing.assert_array_equal(toy.maker.get_weights()[0], other.maker.get_weights()[0])


def test_a_start_from_weights_alone_has_no_command_and_no_stages(tmp_path):
    (tmp_path / "weights").mkdir()
    create_run(tmp_path / "new", "crg", "mnist", Config(), tmp_path / "weights", {})
    found = json.loads((tmp_path / "new" / "init.json").read_text())
    assert (found["command"], found["stages"]) == ("", {})


def test_a_run_from_nothing_says_nothing_of_a_start(tmp_path):
    create_run(tmp_path / "new", "crg", "mnist", Config())
    assert not (tmp_path / "new" / "init.json").exists()


@pytest.fixture
def logs_restored():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_log_goes_to_the_terminal_and_into_the_run(tmp_path, capsys, logs_restored):
    log_to(Run(tmp_path))
    logging.getLogger("crg.train").info("512 images")
    assert capsys.readouterr() == ("", "512 images\n")
    assert (tmp_path / "train.log").read_text().endswith(" 512 images\n")


def test_a_resumed_run_adds_to_its_log(tmp_path, logs_restored):
    (tmp_path / "train.log").write_text("before\n")
    log_to(Run(tmp_path))
    assert (tmp_path / "train.log").read_text() == "before\n"


# Networks


def test_networks_are_loaded_from_a_run_and_named(tmp_path):
    toy, other = Toy(weights_seed=1), Toy(weights_seed=2)
    Run(tmp_path).save_networks({"maker": toy.maker})
    untouched = other.critic.get_weights()
    found = load_networks(tmp_path, {"maker": other.maker, "critic": other.critic})
    assert found == ["maker"]
    for one, two in zip(toy.maker.get_weights(), other.maker.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(untouched, other.critic.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_networks_are_loaded_from_a_folder_of_weights(tmp_path):
    toy, other = Toy(weights_seed=1), Toy(weights_seed=2)
    toy.maker.save_weights(tmp_path / "maker.weights.h5")
    assert load_networks(tmp_path, {"maker": other.maker}) == ["maker"]
    np.testing.assert_array_equal(toy.maker.get_weights()[0], other.maker.get_weights()[0])


@pytest.mark.parametrize("broken", [b"", b"not a network", None])
def test_a_file_that_is_not_the_network_is_a_user_error(tmp_path, broken):
    run, toy = Run(tmp_path), Toy()
    run.save_networks({"maker": toy.critic})  # None: a sound file of another network
    if broken is not None:
        run.network_file("maker").write_bytes(broken)
    wrong = "does not fit the maker" if broken is None else "cannot be read; it is incomplete"
    with pytest.raises(UserError, match=rf"maker\.keras {wrong}"):
        load_networks(tmp_path, {"maker": toy.maker})
