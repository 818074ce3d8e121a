import importlib.util
import json

import pytest

from benchmarks import train_steps
from benchmarks.train_steps import (
    FURTHER,
    STEPS,
    Command,
    check,
    compare_parameters,
    page,
    table,
    write,
)
from benchmarks.worker import Process
from common.errors import UserError

OURS = {
    "images a second": 123.456,
    "share": 0.8125,
    "GFLOP/s alone": 301.4,
    "peak_mib": 1300,
    "parameters": {"generator": [10, 2]},
}
TORCH = {
    "images a second": 100.04,
    "ratio of ours": 1.2341,
    "peak_mib": 900,
    "setup": "channels_last, eager, 2 threads",
    "parameters": {"generator": [10, 2]},
}


def figures(**sides):
    return {
        "machine": "Linux x86_64, 2 cores, AMD EPYC",
        "device": "CPU (AMD EPYC), 2 cores",
        "versions": {"tensorflow": "2.21.0"},
        "PyTorch left out": "" if "PyTorch" in sides else "it is not installed",
        "rounds": 5,
        "torch.compile not tried": [],
        "minutes": 12.4,
        "steps": {"CRG, GAN": {"batch": 64, "float32": sides}},
        "growth": {},
    }


def test_a_row_has_both_sides_the_ratio_the_share_and_the_set_up():
    (row,) = table(figures(ours=OURS, PyTorch=TORCH)).rows
    assert row == [
        *("CRG, GAN", "float32", 64, 123.5, 100.0, "1.23"),
        *("81%", 301, 1300, 900, "channels_last, eager, 2 threads"),
    ]


def test_without_pytorch_its_columns_are_empty_and_the_page_says_why():
    (row,) = table(figures(ours=OURS)).rows
    assert [row[index] for index in (4, 5, 9, 10)] == [None] * 4
    assert "PyTorch was left out: it is not installed." in page(figures(ours=OURS))


def test_the_page_says_where_torch_compile_was_not_tried():
    late = {**figures(ours=OURS, PyTorch=TORCH), "torch.compile not tried": ["CRG, GAN, bfloat16"]}
    assert "torch.compile was not tried, for want of time: CRG, GAN, bfloat16." in page(late)
    assert "not tried" not in page(figures(ours=OURS, PyTorch=TORCH))


def test_both_files_are_written(tmp_path):
    write(tmp_path, figures(ours=OURS, PyTorch=TORCH))
    read = json.loads((tmp_path / "train_steps.json").read_text())
    assert read["steps"]["CRG, GAN"]["float32"]["PyTorch"] == TORCH
    text = (tmp_path / "train_steps.md").read_text()
    assert "| CRG, GAN | float32 | 64 | 123.5 | 100 | 1.23 | 81% |" in text
    assert "AMD EPYC. The steps: CPU (AMD EPYC), 2 cores. tensorflow 2.21.0. 12 minutes." in text


class FakeProcess:
    """Ours takes 1, 2 and 4 s a step, PyTorch always 2; convolutions a half of ours."""

    def __init__(self, module, words, environment=None):
        self.facts = {"parameters": {"generator": [10, 2]}, "operations": 3_000_000_000}
        self.facts |= {"words": ["--threads", "2"], "trials": {"eager": 2.0}}
        self.ours, self.seconds = module == "benchmarks.keras_steps", [1.0, 2.0, 4.0]

    def measure(self, seconds):
        step = self.seconds.pop(0)
        return {"step": step, "convolutions": step / 2} if self.ours else {"step": 2.0}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_figures_are_medians_and_the_ratio_is_above_1_where_ours_is_faster(monkeypatch):
    monkeypatch.setattr(train_steps, "Process", FakeProcess)
    sides = train_steps.one_step(Command(rounds=3), "CRG, GAN", 64, "float32", True, True)
    ours, twin = sides["ours"], sides["PyTorch"]
    assert (ours["images a second"], twin["images a second"]) == (32.0, 32.0)
    assert (ours["share"], ours["GFLOP/s alone"]) == (0.5, 3.0)  # 3e9 in 1 s
    assert twin["trials"] == {"eager": 2.0}
    fast = train_steps.one_step(Command(rounds=1), "CRG, GAN", 64, "float32", True, True)
    assert fast["PyTorch"]["ratio of ours"] == 2.0  # 1 s beside 2 s


def test_the_page_says_what_an_epoch_of_the_report_would_take():
    step = {"batch": 64, "float32": {"ours": {**OURS, "images a second": 196_608 / 90}}}
    steps = {**figures(ours=OURS), "steps": {train_steps.FACES: step}}
    assert "196,608 images of CelebA" in page(steps)
    assert "(17 hours there), would take our step 1.5 minutes in float32." in page(steps)
    assert "CelebA" not in page(figures(ours=OURS))


def test_every_side_is_asked_to_take_its_steps_on_the_device(monkeypatch):
    asked = []

    class Asked(FakeProcess):
        def __init__(self, module, words, environment=None):
            asked.append(words[words.index("--device") + 1])
            super().__init__(module, words, environment)

    monkeypatch.setattr(train_steps, "Process", Asked)
    command = Command(rounds=1, device="gpu", without_onednn=True)
    train_steps.one_step(command, "CRG, GAN", 64, "float32", True, True)
    assert asked == ["gpu"] * 4  # the trial and three sides


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_on_a_gpu_every_step_is_measured_in_both_precisions_and_compiled(
    monkeypatch, tmp_path, device
):
    asked = []

    def one_step(command, name, batch, precision, pytorch, compiled):
        asked.append((precision, compiled))
        return {"ours": {**OURS, "device": "a device"}}

    monkeypatch.setattr(train_steps, "one_step", one_step)
    monkeypatch.setattr(train_steps, "missing", lambda: "")
    monkeypatch.setattr(train_steps.device, "has_bfloat16", lambda: False)
    command = Command(device=device, minutes=0.0, out=tmp_path)
    assert train_steps.measure(command, {"CRG, GAN": 64})["device"] == "a device"
    gpu = [("float32", True), ("bfloat16", True)]
    assert asked == (gpu if device == "gpu" else [("float32", False)])


def test_networks_of_other_sizes_are_not_compared():
    other = {**TORCH, "parameters": {"generator": [11, 2]}}
    compare_parameters("CRG, GAN", {"ours": OURS, "PyTorch": TORCH})
    with pytest.raises(RuntimeError, match=r"CRG, GAN: the sides have other numbers.*11, 2"):
        compare_parameters("CRG, GAN", {"ours": OURS, "PyTorch": other})


def test_an_unknown_step_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"^--only 'CRG': the train steps .* faces; CRG, GAN; "):
        check(Command(only=("CRG",)))


def test_pytorch_is_left_out_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install -r requirements-bench.txt" in train_steps.missing()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*STEPS, *FURTHER])
def test_the_twin_has_our_numbers_of_parameters(name):
    if train_steps.missing():
        pytest.skip(train_steps.ABSENT)
    words = ["--name", name, "--batch", "4"]
    with (
        Process("benchmarks.keras_steps", words) as ours,
        Process("benchmarks.torch_steps", words) as twin,
    ):
        assert twin.facts["parameters"] == ours.facts["parameters"]
        assert ours.measure(0.01)["convolutions"] > 0
        assert twin.measure(0.01)["step"] > 0
