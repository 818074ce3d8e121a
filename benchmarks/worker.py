"""One side of a measurement, in a process of its own: it measures when it is asked to.

A worker writes a line of JSON when it is ready, and one for each line that it reads. So two of them
can be measured in turns although each pays its start and its first steps only once.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from common.errors import UserError
from common.files import ROOT

Device: TypeAlias = Literal["cpu", "gpu"]

WARM_UP = 2  # steps that are not counted
MIB = 2**20 if sys.platform == "darwin" else 2**10  # of `ru_maxrss`


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Measures one train step, and writes JSON.

    Attributes:
        name: of the step.
        device: where it is taken.
        batch: images a step.
        bfloat16: mixed precision.
        channels_last: of PyTorch.
        compiled: by `torch.compile`.
        threads: of PyTorch.
        trial: of PyTorch: try all set-ups in turn, and name the fastest.
        try_compiled: with `torch.compile` among them.
    """

    name: str
    device: Device = "cpu"
    batch: int = 64
    bfloat16: bool = False
    channels_last: bool = False
    compiled: bool = False
    threads: int = 1
    trial: bool = False
    try_compiled: bool = True


def command(module: str, arguments: Sequence[str] | None = None) -> Asked:
    """What the command line of a worker asks for."""
    import tyro

    return tyro.cli(Asked, prog=f"python -m {module}", args=arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A warmed-up train step.

    Attributes:
        run: seconds of so many steps.
        facts: what there is to say of it, as JSON.
        convolutions: seconds of its convolutions and matrix products alone, so many times.
    """

    run: Callable[[int], float]
    facts: dict[str, Any] = field(default_factory=dict)
    convolutions: Callable[[int], float] | None = None


def peak() -> int:
    """The most memory that this process has had so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)


def serve(worker: Worker) -> None:
    """Measures for so many seconds as each line says, until there is none.

    An answer has the seconds of one step, those on the processor, and those of its convolutions.
    The peak of memory is that of the first steps: convolutions alone have arrays of their own.
    """
    once = worker.run(1)
    answer({**worker.facts, "peak_mib": peak()})
    if worker.convolutions:
        worker.convolutions(1)
    for line in sys.stdin:
        count = max(1, math.ceil(float(line) / once))
        begin = time.process_time()
        measured = {"step": worker.run(count) / count}
        measured["processor"] = (time.process_time() - begin) / count
        if worker.convolutions:
            measured["convolutions"] = worker.convolutions(count) / count
        answer(measured)


def answer(facts: dict[str, Any]) -> None:
    """Writes a line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Process:
    """A worker, seen from the one that asks.

    Args:
        module: that runs it.
        words: of its command line.
        environment: of the process; that of this one by default.

    Attributes:
        facts: what it said when it was ready.
    """

    def __init__(
        self, module: str, words: Sequence[str], environment: Mapping[str, str] | None = None
    ):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.words = words
        self.facts = self.answer()

    def measure(self, seconds: float) -> dict[str, float]:
        """One measurement, of about that length."""
        assert self.process.stdin
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next line.

        Raises:
            UserError: the worker has ended.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            told = f"The worker {' '.join(self.words)} ended with {status}"
            raise UserError(f"{told}; what it said stands above.")
        return json.loads(line)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()  # closes its input, after which it ends
