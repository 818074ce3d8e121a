"""Many independent minimisations by SciPy's L-BFGS-B, whose evaluations share batches.

SciPy minimises one function at a time. Here each problem runs in a thread of its own until it asks
for a value; when all that still run are waiting, one batch answers them. Each problem sees exactly
the values that it would see alone, so results do not depend on what else is in the batch, up to the
rounding of the batch's arithmetic.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import optimize

TOLERANCE = 1e-6  # of the value and of the gradient [C]

Evaluate: TypeAlias = Callable[[Sequence[int], np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where R minimisations ended.

    Attributes:
        points: `[R, D]`, float64.
        values: `[R]`, at most those of the starts.
        iterations: `[R]`.
    """

    points: np.ndarray
    values: np.ndarray
    iterations: np.ndarray


def minimise_each(evaluate: Evaluate, starts: np.ndarray, iterations: int = 200) -> Minimum:
    """Minimises R functions of D variables from a start each.

    Args:
        evaluate: from the numbers of some problems and a point of each, `[r, D]`, to their values
            `[r]` and gradients `[r, D]`.
        starts: `[R, D]`.
        iterations: of L-BFGS-B, at most.
    """
    asked: queue.SimpleQueue = queue.SimpleQueue()
    answers: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in starts]

    def work(number: int) -> None:
        def ask(point: np.ndarray) -> tuple[float, np.ndarray]:
            asked.put((number, point))
            answer = answers[number].get()
            if answer is None:
                raise InterruptedError
            return answer

        try:
            asked.put((number, _minimise(ask, starts[number], iterations)))
        except BaseException as error:
            asked.put((number, error))

    found: list[Any] = [None] * len(starts)
    with ThreadPoolExecutor(max(1, len(starts))) as pool:
        for number in range(len(starts)):
            pool.submit(work, number)
        try:
            _serve(evaluate, asked, answers, found)
        finally:  # after an error, too: whoever still waits goes home
            for answer in answers:
                answer.put(None)
    return Minimum(
        points=np.stack([one.x for one in found]),
        values=np.array([one.fun for one in found]),
        iterations=np.array([one.nit for one in found]),
    )


def _minimise(ask: Callable, start: np.ndarray, iterations: int) -> optimize.OptimizeResult:
    options = {"maxiter": iterations, "ftol": TOLERANCE, "gtol": TOLERANCE}
    return optimize.minimize(
        ask, np.asarray(start, np.float64), jac=True, method="L-BFGS-B", options=options
    )


def _serve(
    evaluate: Evaluate, asked: queue.SimpleQueue, answers: list[queue.SimpleQueue], found: list[Any]
) -> None:
    """Answers batches of questions until every problem is done."""
    waiting: dict[int, np.ndarray] = {}
    running = len(answers)
    while running:
        number, message = asked.get()
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, optimize.OptimizeResult):
            found[number] = message
            running -= 1
        else:
            waiting[number] = message
        if running and len(waiting) == running:
            rows = sorted(waiting)
            values, gradients = evaluate(rows, np.stack([waiting[row] for row in rows]))
            for row, value, gradient in zip(rows, values, gradients, strict=True):
                answers[row].put((float(value), np.asarray(gradient, np.float64)))
            waiting.clear()
