"""Where a command computes."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

import keras
import pytest
import tensorflow as tf

from common import device
from common.errors import UserError
from common.settings.config import RunConfig

without_gpu = pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="this machine has a GPU"
)


@dataclass(frozen=True)
class Settings:
    """A package's, as far as the device is concerned."""

    run: RunConfig


@pytest.fixture
def restored():
    """Gives TensorFlow its precision back."""
    yield
    keras.mixed_precision.set_global_policy("float32")


def test_what_tensorflow_imports_beside_itself_can_be_imported_later(monkeypatch):
    monkeypatch.setattr(device, "UNUSED", ("colorsys", "json"))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with device.without_unused():
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
        importlib.import_module("json")  # was there before
    assert importlib.import_module("colorsys").rgb_to_hsv(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)


@without_gpu
def test_a_gpu_that_is_not_there_is_a_user_error_with_what_to_do():
    with pytest.raises(UserError) as refused:
        device.choose("gpu")
    assert str(refused.value) == (
        "--device gpu: TensorFlow sees no GPU. Install requirements-gpu.txt, look at "
        "`python -m common.doctor`, or use --device cpu."
    )


@without_gpu
@pytest.mark.parametrize("wanted", ["cpu", "auto"])
def test_without_a_gpu_the_cpu_is_used_and_named(wanted):
    described = device.choose(wanted)
    assert described.startswith("CPU")
    assert described.endswith("cores")


@pytest.mark.parametrize(
    ("asked", "fast", "precision", "policy"),
    [
        ("bfloat16", True, "bfloat16", "mixed_bfloat16"),
        ("float32", True, "float32", "float32"),
        ("auto", True, "bfloat16", "mixed_bfloat16"),  # written down, for whoever resumes the run
        ("auto", False, "float32", "float32"),
    ],
)
def test_the_precision_is_that_of_the_settings_and_auto_that_of_the_processor(
    restored, monkeypatch, asked, fast, precision, policy
):
    keras.mixed_precision.set_global_policy("float16")
    monkeypatch.setattr(device, "has_bfloat16", lambda: fast)
    config, _ = device.configure(Settings(RunConfig(device="cpu", precision=asked)))
    assert keras.mixed_precision.dtype_policy().name == policy
    assert config.run.precision == precision


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_without_support_in_the_processor_is_warned_of(
    restored, monkeypatch, caplog, fast
):
    monkeypatch.setattr(device, "has_bfloat16", lambda: fast)
    device.configure(Settings(RunConfig(device="cpu", precision="bfloat16")))
    assert ("many times as long" in caplog.text) is not fast


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 avx512f avx512_bf16", True),
        ("fpu avx512_bf16 amx_bf16 amx_tile", True),
        ("fpu avx2 avx512f", False),
    ],
)
def test_the_flags_of_the_processor_tell_whether_it_has_bfloat16(tmp_path, flags, expected):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n")
    assert device.has_bfloat16(info) is expected


def test_a_system_that_does_not_describe_its_processor_counts_as_without(tmp_path):
    assert not device.has_bfloat16(tmp_path / "cpuinfo")


def first_weights(seed: int) -> list[float]:
    device.configure(Settings(RunConfig(device="cpu", seed=seed)))
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    return layer.get_weights()[0].ravel().tolist()


def test_the_seed_decides_the_first_weights(restored):
    assert first_weights(1) == first_weights(1)
    assert first_weights(1) != first_weights(2)


@pytest.mark.parametrize(("wanted", "calls"), [(True, 1), (False, 0)])
def test_determinism_is_switched_on_when_asked_for(restored, monkeypatch, wanted, calls):
    """It cannot be switched off again, so that the switch itself is not thrown here."""
    called = []
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: called.append(True)
    )
    device.configure(Settings(RunConfig(device="cpu", deterministic=wanted)))
    assert len(called) == calls
