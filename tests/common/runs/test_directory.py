"""Run directories: how one is begun and reopened, what it started from, how it ends."""

from __future__ import annotations

import errno
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import UserError
from common.files import ROOT, atomic_path, write_text
from common.runs.directory import (
    Run,
    create_run,
    output_folder,
    read_command,
    reopen_run,
    resumable,
    starting_folder,
)
from common.runs.log import log_to
from common.runs.weights import default_weights, load_networks
from tests.common.toys import Toy
from tests.runs import same_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    rate: float = 0.5


@pytest.fixture
def new(tmp_path) -> Run:
    return create_run(tmp_path / "a" / "run", "crg", "mnist", Config())


@pytest.fixture
def typed(monkeypatch):
    """Sets the words of the command, and the module that Python was told to run."""

    def typed(words: str, module: str | None = None) -> None:
        monkeypatch.setattr(sys, "argv", words.split("|"))
        spec = SimpleNamespace(name=module) if module else None
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)

    return typed


def settings(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


# New ones


@pytest.mark.parametrize(
    ("words", "module", "line"),
    [
        ("/a/train.py|--note|two words", None, "python train.py --note 'two words'\n"),
        ("/a/crg/train.py|--seed|1", "crg.train", "python -m crg.train --seed 1\n"),
    ],
)
def test_a_new_run_holds_its_settings_and_its_command(tmp_path, typed, words, module, line):
    typed(words, module)
    run = create_run(tmp_path / "a" / "b", "crg", "mnist", Config())
    assert run.folder == tmp_path / "a" / "b"
    assert settings(run.folder) == {"rate": 0.5}
    assert (run.folder / "command.txt").read_text() == line
    assert not (run.folder / "init.json").exists()


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


@pytest.mark.parametrize("taken", ["run/thesis.txt", "run"])
def test_what_exists_does_not_become_a_run(tmp_path, taken):
    write_text(tmp_path / taken, "irreplaceable")
    with pytest.raises(UserError, match=r"--out .*run exists and is not an empty folder.*--resume"):
        create_run(tmp_path / "run", "crg", "mnist", Config())
    assert (tmp_path / taken).read_text() == "irreplaceable"


def test_what_is_made_of_shipped_weights_does_not_go_among_them(monkeypatch):
    expected = Path("runs/crg-mnist-plots")
    assert output_folder(default_weights("crg-mnist"), "plots") == expected
    monkeypatch.chdir(ROOT)
    assert output_folder(Path("weights/crg-mnist"), "plots") == expected
    assert output_folder(Path("crg/../weights/crg-mnist"), "plots") == expected
    assert output_folder(Path("runs/mine"), "plots") == Path("runs/mine/plots")


# Reopened


def test_a_reopened_run_keeps_its_command(new, typed):
    command = read_command(new.folder)
    typed("train.py|--resume|run")
    assert reopen_run(new.folder, Config()) == new
    assert read_command(new.folder) == command


def test_a_run_reopened_with_longer_settings_takes_them_and_adds_its_command(new, typed):
    command = read_command(new.folder)
    typed("train.py|--resume|run|--rate|2")
    reopen_run(new.folder, Config(rate=2.0))
    assert settings(new.folder) == {"rate": 2.0}
    assert read_command(new.folder) == f"{command}; then python train.py --resume run --rate 2"


def test_a_reopened_run_is_rid_of_what_a_kill_left_half_written(new):
    write_text(new.backup_file("gan"), "state")
    (new.folder / "backup" / ".0123abcd~gan.npz").write_text("half of a sta")
    (new.folder / ".mine").write_text("")
    reopen_run(new.folder, Config())
    assert [path.name for path in (new.folder / "backup").iterdir()] == ["gan.npz"]
    assert (new.folder / ".mine").exists()


# Started from another


def test_a_run_keeps_what_it_started_from_whatever_becomes_of_its_source(tmp_path):
    """A resume starts from these networks too."""
    source = tmp_path / "crg-mnist-001"
    write_text(source / "command.txt", "python -m crg.train --seed 3\n")
    write_text(source / "history-gan.csv", "period,step\n1,8\n2,16\n")
    toy, other = Toy(weights_seed=1), Toy(weights_seed=2)
    run = create_run(tmp_path / "new", "crg", "mnist", Config(), source, {"maker": toy.maker})
    assert json.loads((run.folder / "init.json").read_text()) == {
        "run": "crg-mnist-001",
        "networks": ["maker"],
        "command": "python -m crg.train --seed 3",
        "stages": {"gan": {"period": "2", "step": "16"}},
    }
    assert load_networks(run.folder, other.networks()) == []  # nothing is trained yet
    assert load_networks(starting_folder(run.folder), other.networks()) == ["maker"]
    assert same_weights(toy.maker, other.maker)


def test_networks_that_a_run_never_changes_are_its_own_at_once(tmp_path):
    (tmp_path / "weights").mkdir()
    toy, other = Toy(weights_seed=1), Toy(weights_seed=2)
    kept = {"critic": toy.critic}
    run = create_run(
        tmp_path / "new", "crg", "mnist", Config(), tmp_path / "weights", toy.networks(), kept
    )
    assert load_networks(run.folder, other.networks()) == ["critic"]
    assert same_weights(toy.critic, other.critic)
    found = json.loads((run.folder / "init.json").read_text())
    assert (found["command"], found["stages"]) == ("", {})  # of weights alone


# Ended


@pytest.mark.parametrize("said", ["", "stopped at step 3"])
def test_ctrl_c_says_how_to_go_on_where_no_stage_has(tmp_path, said):
    message = said or f"go on with --resume {tmp_path}"
    with pytest.raises(KeyboardInterrupt, match=message), resumable(Run(tmp_path)):
        raise KeyboardInterrupt(*([said] if said else []))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EROFS, "Read-only file system", "a.npz"), "^a.npz: Read-only file system. "),
        (OSError(errno.ENOSPC, "No space left on device"), "^No space left on device. The run "),
    ],
)
def test_a_disk_that_takes_no_more_says_how_to_go_on(tmp_path, error, said):
    with pytest.raises(UserError, match=said) as ended, resumable(Run(tmp_path)):
        raise error
    assert str(ended.value).endswith(f"as it was last saved: go on with --resume {tmp_path}.")
    with pytest.raises(UserError) as ended, resumable(Run(tmp_path)), atomic_path(tmp_path / "a"):
        raise error
    assert str(ended.value).startswith(f"Cannot write {tmp_path / 'a'}: {error.strerror}. ")
    assert str(ended.value).endswith(f"go on with --resume {tmp_path}.")


def test_an_error_that_is_no_place_of_the_users_stays_as_it_is(tmp_path):
    error = OSError(errno.EBADF, "Bad file descriptor")
    with pytest.raises(OSError, match="Bad file descriptor") as ended, resumable(Run(tmp_path)):
        raise error
    assert ended.value is error


def test_what_ends_a_training_with_an_error_stands_in_its_log_and_once_on_the_terminal(
    tmp_path, capsys
):
    run = Run(tmp_path)
    log_to(run)
    with pytest.raises(UserError), resumable(run):
        raise UserError("kl_loss is nan after step 7")
    assert "kl_loss is nan after step 7" in (tmp_path / "train.log").read_text()
    assert "nan" not in capsys.readouterr().err  # the command writes it there
