"""Commands compute and answer the same whatever a shell, a notebook or a container sets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from common import device, doctor, surroundings
from common.datasets.celeba.faces import default_cache
from common.errors import UserError
from common.files import ROOT

# Says what Keras, matplotlib and the streams are like in a command.
TOLD = """
import json, os, sys
from common.errors import exits_cleanly
@exits_cleanly
def main():
    import keras, matplotlib, tempfile
    with open(sys.argv[1], "w") as file:
        number = file.fileno()
        sys.stderr.write("lost \\u2013\\n")
        sys.stdout.write("shown \\u2013 \\udcff\\n")
        json.dump([
            keras.config.backend(), keras.config.image_data_format(), keras.config.floatx(),
            keras.layers.Conv2D(1, 1).data_format, keras.config.max_epochs(),
            matplotlib.get_backend().lower(), matplotlib.rcParams["text.usetex"], number > 2,
        ], file)
main()
"""
EXPECTED = ["tensorflow", "channels_last", "float32", "channels_last", None, "agg", False, True]


def write_home(folder: Path, **said: object) -> Path:
    """A home with such settings of Keras, and matplotlib's."""
    for name in (".keras", ".config/matplotlib"):
        (folder / name).mkdir(parents=True)
    usual = {"floatx": "float32", "epsilon": 1e-7, "backend": "tensorflow"}
    (folder / ".keras" / "keras.json").write_text(json.dumps({**usual, **said}))
    (folder / ".config" / "matplotlib" / "matplotlibrc").write_text("text.usetex: True\n")
    return folder


NOTEBOOK = {"MPLBACKEND": "module://ipympl.backend_nbagg", "KERAS_MAX_EPOCHS": "1"}
SHELL = {"MPLBACKEND": "GTK4Agg", "KERAS_BACKEND": "torch", "PYTHONWARNINGS": "error"}
BATCH = {"MPLBACKEND": "nonsense", "TMPDIR": "/nowhere", "PYTHONIOENCODING": "latin-1"}


@pytest.mark.parametrize(
    ("variables", "said", "redirected"),
    [
        (NOTEBOOK, {"image_data_format": "channels_first", "floatx": "float16"}, ""),
        pytest.param(SHELL, {"backend": "jax", "floatx": "float8"}, "2>&-", marks=pytest.mark.slow),
        pytest.param(
            *(BATCH, {"image_data_format": "middle", "epsilon": "small"}, "<&- >&- 2>&-"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_command_computes_the_same_whatever_is_set(tmp_path, variables, said, redirected):
    home = write_home(tmp_path / "home", **said)
    unset = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" "$2" {redirected}', sys.executable, TOLD, home / "told"],
        cwd=ROOT,
        env={**unset, "HOME": str(home), **variables},
        check=True,
        timeout=120,
    )
    assert json.loads((home / "told").read_text()) == EXPECTED


@pytest.fixture
def set_anew(monkeypatch):
    """Sets variables and takes notes of a first command."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(surroundings, "set_aside", {})
    monkeypatch.setattr(surroundings, "_open_streams", lambda: None)
    return os.environ


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KERAS_MAX_STEPS_PER_EPOCH", "3"),
        ("MATPLOTLIBRC", "/elsewhere"),
        ("GIT_DIR", "/another/.git"),
        ("PYTHONWARNINGS", "error"),
    ],
)
def test_what_is_set_aside_is_told_by_the_doctor(set_anew, name, value):
    set_anew[name] = value
    with warnings.catch_warnings():
        surroundings.settle()
        surroundings.settle()
        warnings.warn("a hint of a library", DeprecationWarning, stacklevel=1) if (
            name == "PYTHONWARNINGS"
        ) else None
    found, advice = doctor.settings()
    assert f"{name}={value}" in found
    assert advice.startswith("fine; the commands set it aside")
    assert set_anew.get(name) != value


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"image_data_format": "channels_first"}, "image_data_format channels_first in "),
        ({"backend": "torch"}, "backend torch in "),
        ({"floatx": "bfloat16"}, "floatx bfloat16 in "),
    ],
)
def test_the_doctor_tells_of_the_users_settings_of_keras(tmp_path, set_anew, said, found):
    said = {"image_data_format": "channels_last", **said}
    set_anew["KERAS_HOME"] = str(write_home(tmp_path, **said) / ".keras")
    surroundings.settle()
    told, advice = doctor.settings()
    assert told.endswith(f"{found}{tmp_path / '.keras' / 'keras.json'}")
    assert "a program of yours does by loading a model before it imports Keras" in advice


@pytest.mark.parametrize("content", [None, "", "[1]", '{"floatx": 3}', "\x00"])
def test_a_file_of_keras_that_is_none_is_no_matter(tmp_path, set_anew, content):
    if content is not None:
        (tmp_path / "keras.json").write_text(content)
    set_anew["KERAS_HOME"] = str(tmp_path)
    surroundings.settle()
    assert doctor.settings()[0] == f"KERAS_HOME={tmp_path}"


def test_a_program_that_has_another_backend_is_told_how_to_load_models(monkeypatch):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(UserError, match=r"computes with jax .* before Keras is imported"):
        device.before_models()


@pytest.mark.parametrize(
    ("backend", "kept"),
    [("module://no_such.backend", False), ("module://json", True), ("svg", True)],
)
def test_a_program_keeps_its_own_matplotlib_where_there_is_one(set_anew, backend, kept):
    set_anew["MPLBACKEND"] = backend
    device.before_models()
    assert (set_anew.get("MPLBACKEND") == backend) is kept


@pytest.mark.parametrize(
    ("content", "processors"),
    [
        *(("100000 100000\n", 1), ("150000 100000\n", 2), ("1000 100000\n", 1)),
        *(("max 100000\n", None), ("", None), ("5\n", None), ("1 0\n", None)),
    ],
)
def test_a_container_grants_processors(tmp_path, content, processors):
    (tmp_path / "cpu.max").write_text(content)
    assert device.granted(tmp_path / "cpu.max") == processors
    assert device.granted(tmp_path / "none") is None


@pytest.mark.parametrize(("granted", "used"), [(None, 8), (3, 3), (64, 8)])
def test_no_more_threads_start_than_a_container_grants(monkeypatch, granted, used):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    monkeypatch.setattr(device, "granted", lambda: granted)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert device.cores() == used
    found, advice = doctor.processors()
    assert found.startswith(f"{used} of 32")
    assert "OMP_NUM_THREADS=1" in advice


def test_without_a_home_the_cache_wants_a_name(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # no such user: KeyError
    with pytest.raises(UserError, match=r"no home folder .* name a folder by --cache-dir"):
        default_cache()
    assert doctor.places()[1].startswith("fine without CelebA; else name one by --cache-dir")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "image-editing-gans"
