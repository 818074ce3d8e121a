"""Trained networks for other programs, see `common.cli.export`.

python -m igan.export [RUN] [--out DIR] [--formats savedmodel onnx]
"""

from __future__ import annotations

from collections.abc import Sequence

from common.cli.export import run_export
from common.errors import exits_cleanly


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and exports."""
    from igan import editor

    run_export("igan", editor, arguments)


if __name__ == "__main__":
    main()
