"""The log of a command."""

from __future__ import annotations

import errno
import logging
import os

import pytest

from common.runs.directory import Run
from common.runs.log import log_to


def test_the_log_goes_to_the_terminal_and_is_added_to_the_runs(tmp_path, capsys):
    (tmp_path / "train.log").write_text("before\n")
    log_to(Run(tmp_path))
    logging.getLogger("crg.train").info("512 images")
    assert capsys.readouterr() == ("", "512 images\n")
    first, second = (tmp_path / "train.log").read_text().splitlines()
    assert first == "before"
    assert second.endswith(" 512 images")


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken() -> None:
    raise ValueError("a defect")


@pytest.mark.parametrize(("fault", "told"), [(full, False), (broken, True)])
def test_a_full_disk_ends_the_log_of_the_run_and_not_that_of_the_terminal(
    tmp_path, capsys, monkeypatch, fault, told
):
    log_to(Run(tmp_path))
    (file,) = [one for one in logging.getLogger().handlers if hasattr(one, "baseFilename")]
    monkeypatch.setattr(file, "flush", fault)
    logging.getLogger("crg.train").info("512 images")
    said = capsys.readouterr().err
    assert said.startswith("512 images\n")
    assert ("Logging error" in said) == told
