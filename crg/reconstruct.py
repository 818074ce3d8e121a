"""Encodes and decodes images: x -> g(e(x)).

python -m crg.reconstruct IMAGES --out DIR [--run RUN]
"""

from __future__ import annotations

from collections.abc import Sequence

from common.cli.reconstruction import run_reconstruct
from common.errors import exits_cleanly


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and reconstructs."""
    from crg import editor, shipped

    run_reconstruct("crg", editor, arguments, shipped.run_for)


if __name__ == "__main__":
    main()
