"""Where a command computes: the device, its memory, the precision, determinism."""

from __future__ import annotations

import logging
import os

from common.config import RunConfig
from common.errors import UserError

logger = logging.getLogger(__name__)


def configure(run: RunConfig) -> str:
    """Sets TensorFlow up before its first operation, and seeds every generator.

    Args:
        run: device, precision, determinism and seed.

    Returns:
        The device in words, such as "CPU, 2 cores".

    Raises:
        UserError: `gpu` was asked for and none is visible.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import tensorflow as tf

    name = choose(run.device)
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if run.precision == "bfloat16" else "float32"
    )
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(run.seed)
    return name


def choose(device: str) -> str:
    """Makes the CPU or the GPUs visible, and lets GPU memory grow as needed.

    Args:
        device: "auto", "cpu" or "gpu".

    Returns:
        The device in words.

    Raises:
        UserError: "gpu" without a visible GPU.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise UserError(
            "--device gpu: TensorFlow sees no GPU. Install requirements-gpu.txt, look at "
            "`python -m common.doctor`, or use --device cpu."
        )
    if device == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return f"CPU, {os.cpu_count()} cores"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"GPU, {details.get('device_name', 'unnamed')}"
