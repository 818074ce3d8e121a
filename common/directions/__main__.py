"""Finds directions in the latent space of any trained editor.

    python -m common.directions --run RUN --without CALM --with SMILING --out out/smile.json
    python -m common.directions --run RUN --attribute Smiling --method logistic --out out/smile.json
    python -m common.directions --run RUN --pca images --images FACES --count 5 --out out/pca.json
    python -m common.directions --run RUN --sefa --count 5 --out out/sefa.json
    python -m <package>.edit IMAGES --run RUN --direction out/pca-1.json --strength 1 --out DIR

Several directions are numbered, `pca-1.json` and on; beside them, `sheets/` shows what each does.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.cli.commands import carry_out
from common.cli.directions import DirectionsCommand, check, find
from common.errors import exits_cleanly


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and finds the directions."""
    carry_out(DirectionsCommand, "python -m common.directions", find, arguments, check)


if __name__ == "__main__":
    main()
