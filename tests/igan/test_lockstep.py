"""L-BFGS-B of many problems at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from igan.lockstep import minimise_each


def rosenbrock(rows, points):
    """A problem each: the valley is moved by the problem's number."""
    moved = points - 0.1 * np.asarray(rows)[:, None]
    values = np.array([optimize.rosen(point) for point in moved])
    return values, np.array([optimize.rosen_der(point) for point in moved])


STARTS = np.array([[-1.2, 1.0], [2.0, 2.0], [0.0, 0.0]])


def test_each_ends_where_it_would_alone():
    found = minimise_each(rosenbrock, STARTS)
    for row, start in enumerate(STARTS):
        alone = optimize.minimize(
            lambda x, r=row: tuple(part[0] for part in rosenbrock([r], x[None])),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200, "ftol": 1e-6, "gtol": 1e-6},
        )
        np.testing.assert_array_equal(found.points[row], alone.x)
        assert found.values[row] == alone.fun
        assert found.iterations[row] == alone.nit
    np.testing.assert_allclose(found.points, 1 + 0.1 * np.arange(3)[:, None] * [1, 1], atol=0.01)


def test_iterations_end_it():
    assert minimise_each(rosenbrock, STARTS, iterations=3).iterations.tolist() == [3, 3, 3]


def test_an_error_of_the_function_is_raised_and_nothing_hangs():
    def broken(rows, points):
        raise FloatingPointError("broken")

    with pytest.raises(FloatingPointError, match="broken"):
        minimise_each(broken, STARTS)
