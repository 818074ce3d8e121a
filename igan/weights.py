"""The weights of the terms of the editing objective [R, Sec. 4.1.4]."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights of the terms.

    Attributes:
        colour: of the colour brush [C].
        edge: of the sketching brush [C], for HOG cells pooled by sums.
        keep: of pixels that stay as in G(z0); ours.
        smoothness: lambda_s [R, Sec. 4.1.4]; of no effect without a z0.
        realism: lambda_D of E_D [R, Sec. 4.1.4], off by default as there.
    """

    colour: float = 1.0
    edge: float = 0.2
    keep: float = 1.0
    smoothness: float = 5.0
    realism: float = 0.0
