"""Several devices and machines at one training: which there are, and what they agree on.

Every replica, one device of one worker, takes its part of each batch; the sum of the gradients is
that of the whole (synchronous data parallelism, `tf.distribute`). Every worker does all that the
others do, also what each needs of variables at the end of a period, but only the first worker's
files are kept: it is the chief.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

Devices = int | Literal["all"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    Attributes:
        workers: the address of each, `host:port`; the first is the chief.
        index: this process' place among them.
    """

    workers: tuple[str, ...] = ("",)
    index: int = 0

    @property
    def chief(self) -> bool:
        """Whether this process keeps the files; a training of one worker has its chief, too."""
        return self.index == 0


def cluster_of(
    addresses: Sequence[str], worker: int | None, environment: Mapping[str, str] = os.environ
) -> Cluster:
    """The cluster that the command line names, else the one in TF_CONFIG, else this process alone.

    Args:
        addresses: of `--cluster`.
        worker: of `--worker`.
        environment: where TF_CONFIG may be, as launchers for TensorFlow set it.

    Raises:
        UserError: half a description, or one that is none.
    """
    if not addresses:
        if worker is not None:
            raise UserError(
                f"--worker {worker} says which of the workers of --cluster this process is, but "
                "--cluster is missing: name their addresses, --cluster HOST:PORT HOST:PORT."
            )
        return _from_environment(environment.get("TF_CONFIG", ""))
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or addresses.count(address) > 1:
            raise UserError(
                f"--cluster {' '.join(addresses)}: {address!r} must be host:port, another for each "
                "worker, such as node1:2222 node2:2222."
            )
    if worker is None or not 0 <= worker < len(addresses):
        raise UserError(
            f"--worker is {'missing' if worker is None else worker}: with --cluster it says which "
            f"of the {len(addresses)} workers this process is, 0 to {len(addresses) - 1}; 0 is the "
            "chief, which writes the run."
        )
    return Cluster(tuple(addresses), worker)


def _from_environment(text: str) -> Cluster:
    """The cluster of TF_CONFIG: jobs `chief`, where there is one, and `worker`."""
    if not text.strip():
        return Cluster()
    try:
        values = json.loads(text)
        jobs, task = values.get("cluster") or {}, values.get("task") or {}
        if not jobs:
            return Cluster()
        chiefs = len(jobs.get("chief", ()))
        workers = (*jobs.get("chief", ()), *jobs.get("worker", ()))
        index = int(task["index"]) + (chiefs if task["type"] == "worker" else 0)
        right = task["type"] in ("chief", "worker") and 0 <= index < len(workers)
        if not right or not all(isinstance(one, str) for one in workers):
            raise ValueError("its task is no chief and no worker of its cluster")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"TF_CONFIG in the environment describes no workers ({error}): it must be such as "
            '{"cluster": {"worker": ["node1:2222", "node2:2222"]}, "task": {"type": "worker", '
            '"index": 0}}; unset it to train on this machine alone, or use --cluster.'
        ) from error
    return Cluster(workers, index) if len(workers) > 1 else Cluster()


def start(devices: Devices, cluster: Cluster) -> str:
    """Spreads what TensorFlow computes from now on over devices and workers.

    Called before TensorFlow's first operation, with the CPU or the GPUs made visible.

    Args:
        devices: how many of this machine, "all" of its GPUs; on the CPU, so many logical devices.
        cluster: the workers.

    Returns:
        What to add to the device in words, such as ", 2 devices"; nothing for one.

    Raises:
        UserError: there are not so many devices, or the chief does not answer.
    """
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    count = max(1, len(gpus)) if devices == "all" else devices
    if count < 1:
        raise UserError(f"--devices {count}: it must be at least 1, or all.")
    if gpus and count > len(gpus):
        raise UserError(
            f"--devices {count}: TensorFlow sees {len(gpus)} GPUs here; ask for at most so many, "
            "or for all."
        )
    if gpus:
        tf.config.set_visible_devices(gpus[:count], "GPU")
    workers = len(cluster.workers)
    if workers > 1:
        if not gpus and count > 1:
            raise UserError(
                f"--devices {count}: in a cluster each worker has the CPU as one device; start "
                "more workers instead."
            )
        strategy = _together(cluster)
    elif count > 1:
        if not gpus:
            (cpu,) = tf.config.get_visible_devices("CPU")
            parts = [tf.config.LogicalDeviceConfiguration()] * count
            tf.config.set_logical_device_configuration(cpu, parts)
        kind = "GPU" if gpus else "CPU"
        strategy = tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])
    else:
        return ""
    tf.distribute.experimental_set_strategy(strategy)
    tf.get_logger().setLevel("ERROR")  # it tells of every sum over the replicas
    each = f", {count} device{'s' if count > 1 else ''}"
    return f"{each} on each of {workers} workers" if workers > 1 else each


def _together(cluster: Cluster) -> tf.distribute.Strategy:
    """Meets the other workers, and waits for them.

    Raises:
        UserError: the chief does not answer for as long as TensorFlow waits.
    """
    import tensorflow as tf

    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.workers)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except (tf.errors.DeadlineExceededError, tf.errors.UnavailableError) as error:
        raise UserError(
            f"The first of the workers, {cluster.workers[0]}, does not answer: start all workers, "
            "and let the others reach that port."
        ) from error


def count() -> int:
    """The replicas that share each batch; 1 without `start`."""
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def in_cluster() -> bool:
    """Whether this process is one of several workers."""
    import tensorflow as tf

    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def is_chief() -> bool:
    """Whether this process keeps the files."""
    import tensorflow as tf

    return not in_cluster() or not tf.distribute.get_strategy().cluster_resolver.task_id


def agreed(wish: bool = False) -> bool:
    """Whether any worker wishes so; all must ask, and each waits for all."""
    import tensorflow as tf

    if not in_cluster():
        return wish
    return bool(_total(tf.distribute.get_strategy())(tf.constant(float(wish))) > 0)


@functools.cache
def _total(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor]:
    """The sum of a scalar over all workers, as a function that is compiled once."""
    import tensorflow as tf

    def summed(value: Any) -> Any:
        context: Any = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(value))

    @tf.function(autograph=False)
    def total(value: tf.Tensor) -> tf.Tensor:
        return strategy.experimental_local_results(strategy.run(summed, args=(value,)))[0]

    return total


@contextlib.contextmanager
def together(folder: Path) -> Iterator[None]:
    """Says in one sentence that another worker has ended, where TensorFlow tells of its sockets.

    Args:
        folder: the run, to go on with.

    Raises:
        UserError: a worker ended within the block, or cannot be reached any more.
    """
    import tensorflow as tf

    lost = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    lost += (tf.errors.InternalError, tf.errors.DeadlineExceededError)
    try:
        yield
    except lost as error:
        if not in_cluster():
            raise
        raise UserError(
            "Another worker of this training ended or cannot be reached any more, so it ends here "
            f"too: look at the worker's own messages, and start all workers again with --resume "
            f"{folder}; it goes on after the last saved state."
        ) from error


def end() -> None:
    """Ends what `start` began: the chief goes on alone.

    Raises:
        SystemExit: on every other worker, whose work is done.
    """
    import tensorflow as tf

    chief = is_chief()
    agreed()
    tf.distribute.experimental_set_strategy(None)
    if not chief:
        raise SystemExit(0)
