"""How often one's own photograph is near: ranks and distances by hand."""

import numpy as np
import pytest

from common.metrics.identity import identity


def test_distances_are_of_ones_own_and_of_all_others():
    photographs = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = identity(photographs, np.array([[0.0, 1.0], [3.0, 0.0]]))
    assert found.own.mean == pytest.approx((1 + 4) / 2)
    # From (0, 1) to (3, 4), the root of 18; from (3, 0) to (0, 0), 3.
    assert found.other.mean == pytest.approx((np.sqrt(18) + 3) / 2)


def test_ones_own_is_among_the_nearest_by_its_rank():
    """100 photographs on a line; two reconstructions are nearer to others than to their own."""
    photographs = np.arange(100.0)[:, None]
    shift = np.zeros((100, 1))
    shift[10] = 0.6  # photograph 11 is nearer: rank 2
    shift[20] = 2.6  # 21 to 25 are: rank 6
    found = identity(photographs, photographs + shift)
    assert found.nearest_1.mean == pytest.approx(0.98)
    assert found.nearest_5.mean == pytest.approx(0.99)


def test_of_few_faces_the_nearest_alone_counts():
    photographs = np.array([[0.0], [1.0], [5.0]])
    found = identity(photographs, np.array([[0.9], [1.0], [5.0]]))
    assert found.nearest_5.mean == pytest.approx(2 / 3)
