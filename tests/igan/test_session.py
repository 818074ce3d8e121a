"""A session: strokes, undo, start and fix, candidates, transfer, what it saves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.errors import UserError
from common.settings.config import to_json
from common.strokes import StrokeEditor
from common.transfer import motion
from igan.codes import Paint
from igan.saved import save
from igan.session import EditSession
from igan.strokes import Stroke, framed
from igan.weights import Weights

START = np.full(12, -0.3, np.float32)


@pytest.fixture(scope="module")
def shared(model) -> EditSession:
    """One session, whose step is compiled once."""
    return EditSession(model, count=4, seed=1)


@pytest.fixture
def session(shared) -> EditSession:
    """The session without strokes, at the start."""
    shared.draw_on(None)
    shared.weigh(Weights())
    shared.photo = shared.projected = None
    shared.restart(START)
    return shared


@pytest.mark.slow
def test_the_start_is_the_first_candidate_and_the_cheapest(session):
    np.testing.assert_allclose(session.latents[0], START, atol=1e-6)
    assert session.order[0] == 0
    np.testing.assert_array_equal(session.frames(0)[0], session.candidates().images[0])


def test_a_stroke_is_followed_and_undone(session, stroke):
    session.add_stroke(stroke())
    asked = session.costs.terms[0, 0]
    assert asked > 0.1
    session.run()
    assert session.costs.terms[session.order[0], 0] < 0.5 * asked
    assert session.undo()
    assert session.strokes == []
    assert session.costs.terms[:, 0].max() == 0
    assert session.redo()
    assert len(session.strokes) == 1
    assert not session.redo()


def test_undo_brings_the_candidates_back_to_the_bit(session, stroke):
    session.add_stroke(stroke())
    session.step(10)
    before, order = session.latents, session.order
    session.add_stroke(stroke(points=((0.75, 0.75),), colour=(255, 0, 0)))
    session.step(10)
    assert np.abs(session.latents - before).max() > 0.1
    session.undo()
    np.testing.assert_array_equal(session.latents, before)
    np.testing.assert_array_equal(session.order, order)
    assert session.steps == 10


def test_after_a_fix_undo_takes_the_stroke_alone(session, stroke):
    session.add_stroke(stroke())
    session.step(10)
    session.fix(0)
    before = session.latents
    session.undo()
    assert session.strokes == []
    np.testing.assert_array_equal(session.latents, before)


def test_sessions_of_one_editor_do_the_same_and_nothing_to_each_other(model, session, stroke):
    one, other = model.session(3), model.session(3)
    one.add_stroke(stroke())
    one.step(4)
    assert other.strokes == []
    other.add_stroke(model.stroke(to_json(stroke())))
    other.step(4)
    np.testing.assert_array_equal(one.candidates().images, other.candidates().images)


def test_what_an_editor_offers_beside_the_others_is_found_by_its_members(model):
    assert isinstance(model, StrokeEditor)
    assert model.brushes["warp"] == 12  # 24 of 64 pixels on an image of 32
    with pytest.raises(UserError, match="spray not in"):
        model.stroke({"kind": "spray", "points": [[0.5, 0.5]]})
    with pytest.raises(UserError, match="missing 'points'"):
        model.stroke({"kind": "colour"})
    with pytest.raises(UserError, match="far out"):
        model.stroke({"kind": "colour", "points": [[9, 0.5]]})
    with pytest.raises(UserError, match="pixels wide"):
        model.stroke({"kind": "colour", "points": [[0.5, 0.5]], "width": 1e9})


def test_undo_of_nothing_says_so(session):
    assert not session.undo()


def test_a_stroke_goes_on_from_where_the_candidates_are(session, stroke):
    session.add_stroke(stroke())
    session.step(10)
    before = session.latents
    session.add_stroke(stroke(points=((0.75, 0.75),)))
    np.testing.assert_array_equal(session.latents, before)


def test_fix_makes_the_candidate_the_start_and_keeps_strokes(session, stroke):
    session.add_stroke(stroke())
    session.step(20)
    end = session.latents[0]
    session.fix(0, 0.5)
    np.testing.assert_allclose(session.start, (START + end) / 2, atol=1e-6)
    assert len(session.strokes) == 1
    assert session.steps == 0
    np.testing.assert_allclose(session.latents[0], session.start, atol=1e-5)


def test_restart_takes_all_strokes_away(session, stroke):
    session.add_stroke(stroke())
    session.restart()
    assert session.strokes == []
    assert session.start is None
    assert not session.undo()


def test_frames_lead_from_the_start_to_the_candidate(session, stroke):
    session.add_stroke(stroke())
    session.step(20)
    number = int(session.order[0])
    frames = session.frames(number, 8)
    assert frames.shape == (8, 32, 32, 3)
    np.testing.assert_array_equal(frames[-1], session.candidates().images[0])


def test_candidates_change_places_no_more_after_150_steps(session, stroke, monkeypatch):
    session.add_stroke(stroke())
    session.step(150)
    order = session.order
    session.step()
    assert session.order is order
    session.fix(0)
    assert session.steps == 0


def test_the_average_lies_between_the_candidates(session, stroke):
    session.restart()
    session.add_stroke(stroke())
    session.step(5)
    images = session.candidates().images.astype(int)
    assert len(images) > 1
    mean = session.average()
    assert (mean >= images.min(axis=0) - 1).all()
    assert (mean <= images.max(axis=0) + 1).all()


def test_a_warp_moves_what_was_there_when_it_was_drawn(session):
    session.restart(np.float32([0.9, 0, 0, *([-0.3] * 9)]))
    session.add_stroke(Stroke(kind="warp", points=((0.25, 0.25), (0.75, 0.75)), width=10))
    session.run(60)
    best = session.latents[session.order[0]]
    assert best[9] > 0.0  # red of the lower right, where the red square is to be


def test_a_warp_moves_the_candidate_on_which_it_was_drawn(session):
    session.restart()
    number = int(session.order[-1])
    handle = Stroke(kind="warp", points=((0.25, 0.25), (0.75, 0.75)), width=10)
    session.add_stroke(handle, number)
    own = session.constraints.colour
    session.undo()
    session.add_stroke(handle)
    assert len(session.order) > 1
    assert np.abs(own - session.constraints.colour).max() > 0.01


def test_early_end_and_time_limit(session, stroke):
    session.run(100)
    assert session.steps < 100  # without a stroke nothing is gained
    session.restart(START)
    session.add_stroke(stroke())
    session.run(100, seconds=0.0)
    assert session.steps == 10


def test_a_photo_is_projected_and_an_edit_transferred(session, stroke, monkeypatch):
    zero = np.zeros((32, 32, 2), np.float32)
    monkeypatch.setattr(motion, "optical_flow", lambda reference, source: zero)
    photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    session.set_photo(photo, "cnn")
    session.add_stroke(stroke(colour=(255, 0, 0)))
    session.run()
    session.fix(int(session.order[0]))  # another start: the photo's path begins at its projection
    found = session.transfer(0, 3)
    assert found.shape == (3, 48, 64, 3)
    assert np.abs(found[0].astype(int) - photo).max() <= 1
    np.testing.assert_array_equal(found[:, :, :8], photo[None, :, :8].repeat(3, axis=0))
    np.testing.assert_array_equal(session.edited_photo(0), session.transfer(0)[-1])
    inside = photo[8:16, 18:26, 0], found[2][8:16, 18:26, 0]
    assert inside[1].mean() > inside[0].mean()


def test_without_a_photo_there_is_nothing_to_transfer_to(session):
    with pytest.raises(UserError, match="no photo"):
        session.transfer(0)


def test_what_it_saves_can_be_replayed(session, stroke, tmp_path, model):
    session.add_stroke(stroke())
    session.step(5)
    save(session, tmp_path)
    saved = json.loads((tmp_path / "session.json").read_text())
    assert saved["strokes"][0]["kind"] == "colour"
    assert len(list(tmp_path.glob("candidate-*.png"))) == len(saved["costs"])
    np.testing.assert_allclose(saved["start"], START)


def test_a_request_without_strokes_is_the_projection(model, session):
    images = session.candidates().images[:1]
    edited = model.edit(images, Paint(count=4))
    np.testing.assert_allclose(edited.codes.latent, edited.inputs.latent, atol=0.02)
    assert list(edited.columns) == ["0%"]


def test_strokes_on_gray_images_with_a_border_land_where_they_are_drawn():
    """28 pixels in 32: the middle stays the middle, the left edge is at 2 of 32."""

    found = framed(Stroke(kind="sketch", points=((0.5, 0.5), (0.0, 1.0))), 32, 28)
    np.testing.assert_allclose(found.points, [(0.5, 0.5), (2 / 32, 30 / 32)])
