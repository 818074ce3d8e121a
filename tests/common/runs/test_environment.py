"""What a run's numbers depend on, and that it goes on with the data that it began with."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT
from common.runs.directory import Run
from common.runs.environment import check_data, read_environment, record_environment


def black(count: int) -> Records:
    images = np.zeros((count, 2, 2, 1), np.uint8)
    return Records(images, np.zeros((count, 0), np.float32), (), "toy", "memory")


def revision() -> str:
    words = ["git", "rev-parse", "--short=12", "HEAD"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return told.stdout.strip() if told.returncode == 0 else "unknown"


def test_the_environment_says_what_the_numbers_depend_on(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # too late: TensorFlow runs with oneDNN
    before = revision()
    record_environment(Run(tmp_path), "CPU, 2 cores", 7, black(3))
    found = json.loads((tmp_path / "environment.json").read_text())
    assert (found["device"], found["seed"]) == ("CPU, 2 cores", 7)
    assert found["data"] == {"name": "toy", "images": 3, "fingerprint": black(3).fingerprint()}
    assert found["versions"]["tensorflow"] == tf.__version__
    assert found["onednn"] is True
    assert found["git_revision"].removesuffix("+changes") in (before, revision())
    assert found["earlier"] == []


def test_a_run_that_goes_on_elsewhere_keeps_the_record_of_where_it_was(tmp_path):
    for device in ("CPU", "CPU", "GPU"):
        record_environment(Run(tmp_path), device, 7, black(3))
    found = read_environment(tmp_path)
    assert found["device"] == "GPU"
    assert [before["device"] for before in found["earlier"]] == ["CPU"]


def test_a_broken_record_is_named(tmp_path):
    (tmp_path / "environment.json").write_text("{")
    with pytest.raises(UserError, match=r"environment\.json is not valid JSON .*; restore or del"):
        read_environment(tmp_path)


def test_a_run_goes_on_with_the_same_data_from_anywhere_and_with_no_other(tmp_path):
    check_data(tmp_path, black(4))  # nothing is recorded yet
    record_environment(Run(tmp_path), "CPU", 7, black(3))
    check_data(tmp_path, replace(black(3), source="another folder"))
    said = r"trained on 3 images of toy .* memory holds others .*4 im"
    with pytest.raises(UserError, match=said):
        check_data(tmp_path, black(4))
