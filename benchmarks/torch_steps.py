"""PyTorch's side of `benchmarks.train_steps`: a process of its own for one train step.

    python -m benchmarks.torch_steps --name "CRG, GAN" --trial

No TensorFlow is in this process.
"""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace

import torch  # pyright: ignore[reportMissingImports]

from benchmarks.torch_networks import parameters
from benchmarks.torch_training import Setup, Twin
from benchmarks.torch_twins import TWINS
from benchmarks.worker import WARM_UP, Asked, Worker, answer, command, serve
from common import device

TRIALS = 3  # steps of each set-up, of which the fastest counts
logger = logging.getLogger(__name__)


def timed(twin: Twin, count: int) -> float:
    """Seconds of so many steps."""
    begin = time.perf_counter()
    for _ in range(count):
        twin.step()
    if twin.x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def twin_of(asked: Asked, setup: Setup) -> Twin:
    """The train step, warmed up; its networks are compiled by then."""
    torch.set_num_threads(setup.threads)
    twin = TWINS[asked.name](setup, asked.batch)
    timed(twin, WARM_UP)
    return twin


def fastest(asked: Asked) -> tuple[Setup, dict[str, float]]:
    """The set-up with the fastest step, and the seconds of all that work.

    Both layouts and 1 to all threads (on a GPU, one) without `torch.compile`, then the best of
    these with it, since it takes half a minute each time.
    """
    found: dict[Setup, float] = {}

    def tried(setup: Setup) -> None:
        try:
            twin = twin_of(asked, setup)
            found[setup] = min(timed(twin, 1) for _ in range(TRIALS))
        except Exception as error:  # it is one among several
            logger.warning("%s, %s: %s", asked.name, setup, error)

    most = device.cores() if asked.device == "cpu" else 1
    for layout, threads in itertools.product((False, True), range(1, most + 1)):
        tried(Setup(channels_last=layout, compiled=False, threads=threads, bfloat16=asked.bfloat16))
    if asked.try_compiled:
        tried(replace(min(found, key=found.__getitem__), compiled=True))
    best = min(found, key=found.__getitem__)
    return best, {str(setup): seconds for setup, seconds in found.items()}


def measured(asked: Asked) -> Worker:
    """The train step in the set-up that was asked for."""
    setup = Setup(
        channels_last=asked.channels_last,
        compiled=asked.compiled,
        threads=asked.threads,
        bfloat16=asked.bfloat16,
    )
    twin = twin_of(asked, setup)
    return Worker(
        run=lambda count: timed(twin, count),
        facts={
            "parameters": {name: parameters(one) for name, one in twin.plain.items()},
            "setup": str(setup),
        },
    )


def main() -> None:
    """Tries all set-ups, or measures one as often as it is asked to."""
    import torch._functorch.config  # pyright: ignore[reportMissingImports]

    torch.set_flush_denormal(True)  # as TensorFlow does
    torch._functorch.config.donated_buffer = False  # one graph is used for several gradients
    asked = command("benchmarks.torch_steps")
    torch.set_default_device("cuda" if asked.device == "gpu" else "cpu")
    if asked.trial:
        best, seconds = fastest(asked)
        answer({"words": best.words(), "trials": seconds})
    else:
        serve(measured(asked))


if __name__ == "__main__":
    main()
