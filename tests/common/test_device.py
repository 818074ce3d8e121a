"""Where a command computes."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

from common import device
from common.config import RunConfig
from common.errors import UserError

without_gpu = pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="this machine has a GPU"
)


@pytest.fixture
def restored():
    """Gives TensorFlow its precision back."""
    yield
    keras.mixed_precision.set_global_policy("float32")


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
    ("precision", "policy"), [("bfloat16", "mixed_bfloat16"), ("float32", "float32")]
)
def test_the_precision_is_that_of_the_settings(restored, precision, policy):
    keras.mixed_precision.set_global_policy("float16")
    device.configure(RunConfig(device="cpu", precision=precision))
    assert keras.mixed_precision.dtype_policy().name == policy


def first_weights(seed: int) -> list[float]:
    device.configure(RunConfig(device="cpu", seed=seed))
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
    device.configure(RunConfig(device="cpu", deterministic=wanted))
    assert len(called) == calls
