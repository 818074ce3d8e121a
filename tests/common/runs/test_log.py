"""The log of a command."""

from __future__ import annotations

import logging

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
