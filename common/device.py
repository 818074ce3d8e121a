"""Where a command computes: the device, its memory, the precision, determinism."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from common import replicas
from common.errors import UserError
from common.surroundings import NEEDED

C = TypeVar("C", bound=Any)

CPUINFO = Path("/proc/cpuinfo")
QUOTA = Path("/sys/fs/cgroup/cpu.max")
logger = logging.getLogger(__name__)

UNUSED = ("matplotlib", "matplotlib.pyplot", "cv2", "scipy.sparse")
CHATTER = re.compile(rb"^([IWE]0000 |WARNING: All log messages before|To enable the following)")


def configure(
    config: C, devices: replicas.Devices = 1, cluster: replicas.Cluster | None = None
) -> tuple[C, str]:
    """Sets TensorFlow up before its first operation, and seeds every generator.

    Args:
        config: a package's settings; `config.run` has device, precision, determinism and seed.
        devices: how many share each batch.
        cluster: the workers, if there are several.

    Returns:
        The settings, with the precision that `auto` stands for here, so that the run goes on in it
        on any machine; and the device in words, such as "CPU (AMD EPYC), 2 cores".

    Raises:
        UserError: `gpu` was asked for and none is visible; as `replicas.start`.
    """
    run = config.run
    name = choose(run.device)
    import keras
    import tensorflow as tf

    on_cpu = name.startswith("CPU")
    if run.precision == "auto":
        fast = on_cpu and has_bfloat16()
        run = replace(run, precision="bfloat16" if fast else "float32")
        config = replace(config, run=run)
    elif run.precision == "bfloat16" and on_cpu and not has_bfloat16():
        logger.warning(
            "This processor does not say that it computes in bfloat16; without, a step takes many "
            "times as long as in float32."
        )
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if run.precision == "bfloat16" else "float32"
    )
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    name += replicas.start(devices, cluster or replicas.Cluster())
    keras.utils.set_random_seed(run.seed)
    return config, name


def before_models() -> None:
    """Lets Keras compute as the models need it, in a program that is not one of our commands.

    Called before Keras is imported. What matplotlib draws there is the program's own affair, but
    for a notebook's backend in a process that has no notebook: Keras cannot be imported with it.

    Raises:
        UserError: Keras is there already, with another backend.
    """
    backend = os.environ.get("MPLBACKEND", "")
    module = backend.removeprefix("module://")
    if module != backend and importlib.util.find_spec(module.partition(".")[0]) is None:
        del os.environ["MPLBACKEND"]
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = NEEDED["backend"]
    import keras

    if keras.config.backend() != NEEDED["backend"]:
        raise UserError(
            f"Keras computes with {keras.config.backend()} in this program, and the models need "
            "TensorFlow: load them before Keras is imported, or set KERAS_BACKEND=tensorflow."
        )
    keras.config.set_image_data_format(NEEDED["image_data_format"])
    keras.config.set_floatx(NEEDED["floatx"])


def has_bfloat16(info: Path = CPUINFO) -> bool:
    """Whether the processor computes in bfloat16: on others that is slower than float32.

    Args:
        info: the system's description of its processors (Linux); False where there is none.
    """
    if not info.is_file():
        return False
    flags = re.search(r"^flags\s*:\s*(.+)$", info.read_text(errors="replace"), re.MULTILINE)
    return bool(flags and {"avx512_bf16", "amx_bf16"} & set(flags[1].split()))


def choose(device: Literal["auto", "cpu", "gpu"] = "auto") -> str:
    """Starts TensorFlow with the CPU or the GPUs visible; GPU memory grows as needed.

    Args:
        device: "auto" takes the GPUs where there are any.

    Returns:
        The device in words.

    Raises:
        UserError: "gpu" without a visible GPU.
    """
    with without_chatter():
        with without_unused():
            import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if device == "cpu" or not gpus:
            # This graph optimizer fails on LeakyReLU's gradient with oneDNN, and says so in the
            # log; steps are no slower without it.
            tf.config.optimizer.set_experimental_options({"remapping": False})
        if granted() == cores() and "TF_NUM_INTRAOP_THREADS" not in os.environ:
            # TensorFlow starts a thread for each processor of the machine, whatever is granted.
            with contextlib.suppress(RuntimeError):  # it computes already
                tf.config.threading.set_intra_op_parallelism_threads(cores())
    if device == "gpu" and not gpus:
        raise UserError(
            "--device gpu: TensorFlow sees no GPU. Install requirements-gpu.txt, look at "
            "`python -m common.doctor`, or use --device cpu."
        )
    if device == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return f"CPU ({processor()}), {cores()} core{'s' if cores() > 1 else ''}"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"GPU, {details.get('device_name', 'unnamed')}"


def processor() -> str:
    """The processor's name as the system gives it, such as "AMD EPYC"."""
    if CPUINFO.is_file():
        named = re.search(
            r"^model name\s*:\s*(.+)$", CPUINFO.read_text(errors="replace"), re.MULTILINE
        )
        if named:
            return named[1].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """The processors that this process may use, at most those that its container grants it."""
    shown = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(shown or 1, granted() or sys.maxsize)


def granted(file: Path = QUOTA) -> int | None:
    """How many processors' time the container grants, rounded up; None where it sets no limit.

    Args:
        file: Linux' `cpu.max`: microseconds of work in a period, or `max`, and the period.
    """
    try:
        work, period = file.read_text(encoding="ascii").split()
        return max(1, math.ceil(int(work) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None


@contextlib.contextmanager
def without_unused() -> Iterator[None]:
    """Hides what Keras and TensorFlow import where it is there, for helpers that are not used here.

    They do without it. It takes a sixth of the time of their own import. Whoever imports it later
    gets it as ever; only `keras.visualization`, which has looked for it by then, says that it is
    missing.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    try:
        for name in hidden:
            sys.modules[name] = None  # pyright: ignore[reportArgumentType]
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Holds back what TensorFlow's C++ says about CUDA and CPU features when it starts.

    Everything else that the block writes to standard error appears after it; `python -m
    common.doctor` shows the whole. TF_CPP_MIN_LOG_LEVEL does not reach these lines.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow uses oneDNN unasked on processors with AVX512-VNNI only. Without it, convolutions'
    # gradients take about twice as long on those with AVX2.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        target = sys.__stderr__.fileno() if sys.__stderr__ else 2
        kept, held = os.dup(target), tempfile.TemporaryFile()  # noqa: SIM115
    except (OSError, ValueError):  # there is no such stream, or no place for a file
        yield
        return
    with held:
        os.dup2(held.fileno(), target)
        try:
            yield
        finally:
            os.dup2(kept, target)
            os.close(kept)
            held.seek(0)
            lines = [line for line in held.readlines() if not CHATTER.match(line)]
            os.write(target, b"".join(lines))
