"""Encodes and decodes images: x -> G(E(x)).

python -m comparators.bigan.reconstruct IMAGES --out DIR --run RUN
"""

from __future__ import annotations

from collections.abc import Sequence

from common.cli.reconstruction import run_reconstruct
from common.errors import exits_cleanly


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    from comparators.bigan import editor

    run_reconstruct("comparators.bigan", editor, arguments)


if __name__ == "__main__":
    main()
