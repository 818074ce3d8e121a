"""The tables of an evaluation on faces: the paper's Tables 2 and 5 beside ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.ndimage

from common.classifiers.faces import FaceClassifier
from common.datasets.records import Records
from common.metrics.hashes import HASHES
from common.metrics.intervals import Interval
from common.metrics.pairs import Bits, metrics_of
from common.reporting.sections import Reconstructions, reading_rows
from common.reporting.tables import Cell, Published, Table

PAPER = {  # Table 5, CelebA at 128 pixels; how many images, and which, is not stated
    "PIONEER": {"dhash": 0.852, "phash": 0.804, "whash": 0.864},
    "CRG": {"dhash": 0.871, "phash": 0.848, "whash": 0.892},
}
FID = {"AGE": (154.79, 512), "PIONEER": (23.15, 512), "CRG": (9.4, 128)}  # Table 2: FID, latent
BLUR = 1 / 32  # standard deviation of the blur among the baselines, as a share of the side


def table_5(found: Reconstructions, images: np.ndarray, bits: Bits, size: int) -> Table:
    """Table 5 of the paper, ours, and baselines without a model, by every hash.

    Args:
        found: our reconstructions and their baselines.
        images: the real ones, uint8 `[N, S, S, 3]`.
        bits: their hashes.
        size: S.
    """
    names = ("mse", *HASHES)
    rows: list[list[Cell]] = [
        [f"{method} (paper, 128 pixels)", None, *(values[name] for name in HASHES)]
        for method, values in PAPER.items()
    ]
    rows.append(["ours", *(found.metrics[name] for name in names)])
    columns = [found.baselines.columns.index(name) for name in names]
    rows += [[row[0], *(row[column] for column in columns)] for row in found.baselines.rows[1:]]
    values = metrics_of(images, blurred(images), bits)[1]
    rows.append(["Gaussian blur", *(float(values[name].mean()) for name in names)])
    return Table(
        "Table 5: hashes of real faces and their reconstructions",
        ("reconstruction", *names),
        rows,
        f"Ours at {size} pixels, MSE on [0, 1]. Hashes, the share of equal bits of 64 (Eq. 5), "
        "reward the low frequencies of a face, not whose it is: linear codes and a blur of "
        f"{BLUR:.3f} of the side score as high or higher. ±: 95 % interval over the images.",
        [
            Published(
                table="CRG, Table 5, its row CRG at 128 pixels",
                figure=f"{name} (ours at {size} pixels)",
                paper=PAPER["CRG"][name],
                ours=found.metrics[name],
                n=found.metrics[name].n,
                better="higher",
            )
            for name in HASHES
        ],
    )


def blurred(images: np.ndarray) -> np.ndarray:
    """The images, uint8 `[N, S, S, 3]`, out of focus."""
    sigma = BLUR * images.shape[1]
    values = images.astype(np.float32)
    blurred = scipy.ndimage.gaussian_filter(values, (0, sigma, sigma, 0), mode="nearest")
    return np.rint(blurred).astype(np.uint8)


def table_5_findings(metrics: Mapping[str, Interval]) -> list[str]:
    """Which of the paper's rows ours are above, and below."""
    found = []
    for method, row in PAPER.items():
        above = [name for name in HASHES if metrics[name].low > row[name]]
        below = [name for name in HASHES if metrics[name].high < row[name]]
        for names, where in ((above, "Above"), (below, "Below")):
            if names:
                found.append(f"{where} the paper's {method} row in {', '.join(names)}.")
    return found


def table_2() -> Table:
    """Table 2 of the paper: published FIDs, which compare with FIDs alone."""
    rows: list[list[Cell]] = [[name, fid, size] for name, (fid, size) in FID.items()]
    return Table(
        "Table 2 of the paper: published FIDs at 128 pixels",
        ("generator", "FID", "latent dimension"),
        rows,
        "The number of images is not stated. Ours is in the table of distances where --inception "
        "names the graph; FD-face-cnn there is a distance of other features.",
    )


def reader_table(classifier: FaceClassifier, faces: Records, reconstructions: np.ndarray) -> Table:
    """How well the classifier reads real faces and reconstructions.

    Args:
        classifier: reads all attributes of `faces`.
        faces: labelled.
        reconstructions: of them, uint8 `[N, S, S, 3]`.
    """
    true = faces.attributes > 0.5
    readers = [classifier.read(images) for images in (faces.images, reconstructions)]
    return Table(
        "Attributes, as a classifier of real faces reads them",
        (
            *("attribute", "share with it", "most frequent answer"),
            *("real: right", "real: F1", "reconstructed: right", "reconstructed: F1"),
        ),
        reading_rows(classifier.names, true, readers),
        "Against the labels. What is read less well in reconstructions is what they lose.",
    )
