"""Loss curves: which lines are drawn, of which values, and how they are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from common.errors import UserError
from common.reporting.curves import OKABE_ITO, linear_threshold, loss_curves, smoothed

NAN, INF = float("nan"), float("inf")


def history(*losses: float, name: str = "encoder_loss", **others: list[float]):
    """One loss and others, in steps of 10."""
    count = np.arange(1.0, len(losses) + 1)
    counters = {"period": count, "step": 10 * count, "images": 640 * count, "seconds": count}
    return {**counters, name: np.array(losses)} | {k: np.array(v) for k, v in others.items()}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws runs, and returns the figure in place of its picture."""
    figures = []

    def keep(figure: Figure, path: Path, **_) -> None:
        figures.append(figure)
        path.touch()

    monkeypatch.setattr(Figure, "savefig", keep)

    def draw(runs) -> Figure:
        loss_curves(runs, tmp_path / "losses.png")
        return figures[-1]

    return draw


def lines(figure: Figure, panel: int = 0) -> dict[str, Line2D]:
    """The strong lines of a panel by their labels."""
    return {
        str(line.get_label()): line
        for line in figure.axes[panel].lines
        if not str(line.get_label()).startswith("_")
    }


def looks(figure: Figure) -> dict[str, tuple[str, str]]:
    """Label -> colour and line style, of all panels."""
    return {
        label: (to_hex(line.get_color()).upper(), str(line.get_linestyle()))
        for panel in range(len(figure.axes))
        for label, line in lines(figure, panel).items()
    }


def test_the_curves_are_one_picture(tmp_path):
    loss_curves({"run": {"encoder": history(-1.0, -0.5)}}, tmp_path / "new" / "losses.png")
    with Image.open(tmp_path / "new" / "losses.png") as picture:
        assert picture.width == 1560  # 13 inches of 120 dots
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_each_stage_has_its_values_over_the_steps_in_a_linear_and_a_logarithmic_panel(drawn):
    figure = drawn({"run": {"gan": history(-1.0, -0.5), "encoder": history(2.0)}})
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "gan: linear",
        "gan: symmetric logarithm, linear within ±0.1",
        "encoder: linear",
        "encoder: symmetric logarithm, linear within ±1",
    ]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "symlog"] * 2
    for panel, values in enumerate(([[10, -1], [20, -0.5]],) * 2 + ([[10, 2]],) * 2):
        (line,) = lines(figure, panel).values()
        np.testing.assert_array_equal(np.asarray(line.get_xydata()), values)


def test_few_values_are_marked_and_many_are_smoothed_over_a_light_line(drawn):
    for count, marker in ((1, "o"), (12, "o"), (13, "None")):  # a single period would be no line
        (line,) = lines(drawn({"run": {"gan": history(*[1.0] * count)}})).values()
        assert line.get_marker() == marker
    figure = drawn({"run": {"gan": history(0.0, 3.0, *[1.0] * 38)}})
    light, strong = figure.axes[0].lines
    assert np.asarray(light.get_ydata())[:3].tolist() == [0.0, 3.0, 1.0]
    # A window of 40 / 20 keeps a third: (0 / 3 + 3) / (4 / 3)
    assert np.asarray(strong.get_ydata())[:2].tolist() == [0.0, pytest.approx(9 / 4)]


def test_of_one_run_a_loss_has_one_colour_in_all_stages_and_a_validation_is_dashed(drawn):
    both = history(1.0, 2.0, val_encoder_loss=[NAN, 0.1])
    figure = drawn({"a": {"one": both, "two": history(1.0, name="gan_loss")}})
    assert looks(figure) == {
        "encoder loss": (OKABE_ITO[0], "-"),
        "val encoder loss": (OKABE_ITO[0], "--"),
        "gan loss": (OKABE_ITO[1], "-"),
    }


def test_of_several_runs_each_loss_has_a_panel_and_each_run_a_colour(drawn):
    figure = drawn(
        {
            "a": {"one": history(1.0, 2.0, wrong_loss=[0.0, 0.0])},
            "b": {"one": history(2.0, val_encoder_loss=[3.0]), "two": history(3.0)},
        }
    )
    first, second, empty = figure.axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == [
        "one: encoder loss, linear within ±1",  # and none of the loss that is always 0
        "two: encoder loss, linear within ±1",
    ]
    seen = [(to_hex(line.get_color()).upper(), line.get_linestyle()) for line in first.lines]
    assert seen == [(OKABE_ITO[0], "-"), (OKABE_ITO[1], "-"), (OKABE_ITO[1], "--")]
    assert [to_hex(line.get_color()).upper() for line in second.lines] == [OKABE_ITO[1]]
    assert not empty.axison
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]


def test_panels_of_several_runs_go_on_in_a_second_row_with_axes_of_their_own(drawn):
    run = {"one": history(1.0, b_loss=[0.01], c_loss=[20.0], d_loss=[3.0])}
    axes = drawn({"a": run, "b": run}).axes
    assert [one.get_title(loc="left").rsplit(" ", 1)[1] for one in axes[:4]] == [
        *("±1", "±0.01", "±10", "±1"),
    ]
    assert [one.axison for one in axes] == [True] * 4 + [False] * 2


def test_of_losses_that_are_always_0_one_is_shown(drawn):
    run = {"one": history(0.0, b_loss=[0.0])}
    first = drawn({"a": run, "b": run}).axes[0]
    assert first.get_title(loc="left").startswith("one: encoder loss")
    assert len(first.lines) == 2


def test_values_that_are_not_finite_are_left_out(drawn):
    (line,) = lines(drawn({"run": {"gan": history(1.0, INF, NAN, 4.0)}})).values()
    np.testing.assert_array_equal(np.asarray(line.get_xydata()), [[10, 1], [40, 4]])


def test_values_within_one_power_of_ten_have_ticks_too(drawn):
    axes = drawn({"run": {"gan": history(2.0, 3.0)}}).axes[1]
    low, high = axes.get_ylim()
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 2


def test_nothing_to_draw_is_a_user_error(drawn):
    with pytest.raises(UserError, match=r"Nothing to draw in losses\.png: no history has loss col"):
        drawn({"run": {"gan": history(NAN)}})


def test_more_runs_than_colours_are_refused(drawn):
    with pytest.raises(UserError, match="8 runs; at most 7"):
        drawn({str(run): {"gan": history(1.0)} for run in range(8)})


def test_smoothing_weighs_the_newest_value_by_two_over_window_plus_one():
    # Window 3 halves the weight with each step back: (0.5 * 0 + 1) / 1.5, (0.5 * 1 + 4) / 1.75.
    np.testing.assert_allclose(smoothed(np.array([0.0, 1.0, 4.0]), 3), [0, 2 / 3, 4.5 / 1.75])
    np.testing.assert_allclose(smoothed(np.full(5, 7.0), 4), np.full(5, 7.0))
    assert smoothed(np.array([3.0, -1.0]), 1).tolist() == [3, -1]


@pytest.mark.parametrize(
    ("losses", "threshold"),
    [
        ((-0.5, 20.0), 0.1),  # the power of ten below 0.5
        ((1e-9, 100.0), 0.01),  # four decades below 100
        ((0.0, NAN, 3.0), 1.0),  # of what has a size
        ((0.0, NAN), 1.0),
    ],
)
def test_the_axis_is_linear_below_nearly_all_magnitudes(losses, threshold):
    assert linear_threshold([np.array(losses)]) == pytest.approx(threshold)
