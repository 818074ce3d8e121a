"""Encodes and decodes images: x -> G(c, E(x, c)), c as C reads it.

python -m comparators.cvaegan.reconstruct IMAGES --out DIR --run RUN
"""

from __future__ import annotations

from collections.abc import Sequence

from common.cli.reconstruction import run_reconstruct
from common.errors import exits_cleanly


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    from comparators.cvaegan import editor

    run_reconstruct("comparators.cvaegan", editor, arguments)


if __name__ == "__main__":
    main()
