"""Generators that are not iGAN's, as Keras has saved them: CRG's, IcGAN's, anybody's.

Their images are compared by pixels. Keras' `safe_mode` stays on: a file with code of its own is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from common.cli.images import ImagesCommand
from common.errors import UserError

if TYPE_CHECKING:
    import keras

    from common.kinds import Kind
    from igan.projection import Projector


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorCommand(ImagesCommand):
    """A generator in a file, and what it takes."""

    generator: Path | None = None
    """A generator as Keras saves it, `.keras`, in place of --run."""
    predictor: Path | None = None
    """A network from its images to its latents, `.keras`, for `cnn` and `cnn_opt`."""
    prior: Literal["uniform", "normal"] = "uniform"
    """What --generator was trained on: U[-1, 1] (CRG), or N(0, 1) (IcGAN)."""
    condition: tuple[float, ...] | None = None
    """The second input of a conditional generator, held; it is optimised where it is not given."""


def projector_of(command: GeneratorCommand) -> tuple[Kind, Projector]:
    """The kind of images that a generator makes, and what projects them.

    Raises:
        UserError: a file that Keras cannot read, or a network that is no generator of images.
    """
    from common.kinds import Digits, Pictures
    from igan.features import Distance
    from igan.manifold import Manifold
    from igan.projection import Projector

    assert command.generator is not None
    generator = loaded(command.generator)
    shape = generator.output_shape
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] not in (1, 3):
        raise UserError(f"{command.generator} makes {list(shape)}, not square images.")
    inputs = [one.shape for one in generator.inputs]
    if len(inputs) > 2 or any(len(one) != 2 for one in inputs):
        raise UserError(f"{command.generator} takes {inputs}; latents and a condition are known.")
    if command.condition is not None:
        wanted = inputs[1][1] if len(inputs) == 2 else 0
        if len(command.condition) != wanted:
            raise UserError(f"--condition has {len(command.condition)} values, not {wanted}.")
    last = generator.layers[-1]
    sigmoid = getattr(getattr(last, "activation", None), "__name__", "") == "sigmoid"
    pixel_range = "unit" if sigmoid else "signed"
    manifold = Manifold(
        generator,
        pixel_range,
        prior=command.prior,
        condition=command.condition,
        free_condition=len(inputs) == 2 and command.condition is None,
    )
    size, channels = shape[1], shape[3]
    kind = Digits() if channels == 1 and size in (28, 32) else Pictures(size, channels)
    predictor = None if command.predictor is None else loaded(command.predictor)
    return kind, Projector(manifold, Distance(pixel_range), predictor)


def loaded(file: Path) -> keras.Model:
    """A network from a file.

    Raises:
        UserError: Keras cannot read it.
    """
    import keras

    try:
        network = keras.saving.load_model(file, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise UserError(f"Keras cannot read {file} as a network: {error}") from error
    assert isinstance(network, keras.Model)
    return network


def check_generator(command: GeneratorCommand) -> None:
    """Refuses files that are missing.

    Raises:
        UserError: naming them.
    """
    for file in (command.generator, command.predictor):
        if file is not None and not file.is_file():
            raise UserError(f"There is no file {file}.")
