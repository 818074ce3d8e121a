"""Alarms of a training: the label is ignored, the auxiliary loss is not healthy.

A user of the authors' code got the same image for y = 0 and y = 1; that shows in the edit effect.
The adversary of Eq. 12 is at its goal when it answers the base rate, where its loss is H(y): far
below, z still tells y; far above, E chases it with an anti-prediction. Of several attributes both
are means, in which one that leaks may hide; the report has a reader of each.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from common.runs.directory import Run
from common.runs.history import read_history

logger = logging.getLogger(__name__)

NO_EFFECT = 0.01  # mean absolute difference of D(1, z) and D(0, z) on [0, 1]
EARLY = 500  # steps before which nothing can be said
BELOW, ABOVE = 0.1, 0.3  # nats around H(y) within which the auxiliary loss is healthy


def watch(run: Run, effects: Mapping[str, float], entropy: float | None) -> None:
    """Warns at the end of a period where y changes nothing, or A is too strong or too weak.

    It says nothing in the first `EARLY` steps, in which no network has learnt much.

    Args:
        run: its history has a row of this period.
        effects: of each attribute, the mean absolute difference of D(1, z) and D(0, z) on [0, 1].
        entropy: H(y) of the training images, in nats; None where no term keeps y out of z.
    """
    rows = read_history(run.history_file("vaegan"))
    if rows["step"][-1] < EARLY:
        return
    for name, effect in effects.items():
        if effect < NO_EFFECT:
            logger.warning(
                "the label is ignored: images with %s at 1 and at 0 differ by %.4f on [0, 1] in "
                "the mean; edits will change nothing (%s)",
                *(name, effect, run.folder),
            )
    if entropy is not None:
        last = float(rows["auxiliary_loss"][-1])
        if told := auxiliary_warning(last, entropy):
            logger.warning("%s (%s)", told, run.folder)


def auxiliary_warning(value: float, entropy: float) -> str:
    """What is wrong with an auxiliary loss, or nothing."""
    if value < entropy - BELOW:
        return (
            f"The auxiliary network reads y in z: its loss is {value:.3f}, H(y) is {entropy:.3f}."
        )
    if value > entropy + ABOVE:
        return (
            f"The auxiliary loss of {value:.3f} is far above H(y) = {entropy:.3f}: E runs away "
            "from A, and z may tell y the other way round."
        )
    return ""
