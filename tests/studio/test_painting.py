"""Strokes over the WebSocket: candidates come, strokes are taken back, what was painted replays."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.visitors import Visitor, unpacked
from studio import replay
from tests.studio.conftest import FakeModels

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")

WHITE, BLACK = [255, 255, 255], [0, 0, 0]


class Painter:
    """A page that paints: sends a wish, and waits until no step is left."""

    def __init__(self, visitor: Visitor, socket: Any) -> None:
        self.visitor = visitor
        self.socket = socket
        self.answers: list[dict[str, Any]] = []

    def wish(self, what: str, strokes: int | None = None, **more: Any) -> dict[str, Any]:
        """The answer after which no step is left; all since the wish are in `answers`.

        With a number of strokes the one that has so many: others may still come of an older wish.
        """
        self.socket.send(json.dumps({"id": 7, "do": "paint", "what": what, **more}))
        self.answers = []
        while True:
            told = unpacked(self.socket.recv(timeout=30))
            self.answers.append(told)
            enough = strokes is None or len(told["strokes"]) == strokes
            if enough and not told.get("running"):
                return told

    def begin(self, **more: Any) -> dict[str, Any]:
        return self.wish("begin", model="shades", **more)

    def act(self, do: str, strokes: int | None = None, **more: Any) -> dict[str, Any]:
        return self.wish("act", strokes, event={"do": do, **more})

    def stroke(self, colour: list[int], **more: Any) -> dict[str, Any]:
        stroke = {"kind": "colour", "points": [[0.5, 0.5]], "colour": colour}
        return self.act("stroke", stroke=stroke, **more)

    def saved(self, number: int, tmp_path: Any, more: str = "") -> np.ndarray:
        """The image of a candidate, whose settings are left in `edit.json`."""
        path = f"/result/brushes/{{}}?number={number}{more}"
        (tmp_path / "edit.json").write_bytes(self.visitor.get(path.format("edit.json"))[1])
        return decoded(self.visitor.get(path.format("image.png"))[1])


@pytest.fixture
def painter(visitor: Visitor) -> Iterator[Painter]:
    with visitor.live() as socket:
        yield Painter(visitor, socket)


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def png(shade: int, size: tuple[int, int] = (64, 48)) -> bytes:
    held = io.BytesIO()
    Image.new("L", size, shade).save(held, format="PNG")
    return held.getvalue()


def shades(told: dict[str, Any]) -> list[int]:
    """The shade of each candidate, the best first."""
    return told["images"]["strip"].reshape(-1, 64)[:, 0].tolist()


def again(tmp_path: Any, *words: str) -> np.ndarray:
    replay.main([str(tmp_path / "edit.json"), *words, "--out", str(tmp_path / "out")])
    return decoded((tmp_path / "out" / "edit.png").read_bytes())


def test_a_stroke_makes_candidates_come_slice_by_slice(painter):
    begun = painter.begin()
    assert (begun["strokes"], begun["has_start"], begun["running"]) == ([], False, False)
    painter.stroke(WHITE)
    assert len(painter.answers) == 21  # the stroke, then twenty slices of two steps
    best = [shades(told)[0] for told in painter.answers]
    assert best == sorted(best)
    assert best[0] < best[1]
    # 40 steps of a tenth leave 1.5 % of the way.
    assert min(shades(painter.answers[-1])) >= 255 - 0.015 * 255 - 1


def test_undo_takes_the_stroke_and_what_came_of_it_back_and_redo_draws_it_again(painter):
    begun = painter.begin()
    white = painter.stroke(WHITE)
    painter.stroke(BLACK)
    undone = painter.act("undo")
    assert shades(undone) == shades(white)
    assert len(undone["strokes"]) == 1
    assert undone["can_redo"]
    redone = painter.act("redo")
    assert max(shades(redone)) <= 0.015 * 255 + 1
    assert redone["strokes"][1]["colour"] == BLACK
    painter.act("undo")
    assert sorted(shades(painter.act("undo"))) == sorted(shades(begun))
    assert painter.act("undo")["strokes"] == []  # of nothing


def test_a_fixed_candidate_is_the_new_start_of_the_frames(painter):
    painter.begin()
    told = painter.stroke([100, 100, 100])
    number, shade = told["numbers"][0], shades(told)[0]
    assert len(set(frames_of(painter, number))) == 1  # from nothing there is no way
    assert painter.act("fix", number=number)["has_start"]
    painter.stroke(WHITE)
    frames = frames_of(painter, number)
    assert frames[0] == shade
    assert frames == sorted(frames)
    assert frames[-1] > 240


def frames_of(painter: Painter, number: int) -> list[int]:
    told = painter.wish("frames", number=number)
    return told["images"]["strip"].reshape(5, 64)[:, 0].tolist()


def test_a_new_beginning_forgets_strokes_and_another_seed_gives_other_candidates(painter):
    begun = painter.begin()
    painter.stroke(WHITE)
    assert shades(painter.begin()) == shades(begun)
    assert shades(painter.begin(seed=1)) != shades(begun)
    assert painter.wish("look")["strokes"] == []


def test_a_picture_is_a_start_and_what_is_dark_on_white_is_inverted(painter):
    assert "Choose a picture first" in painter.begin(from_picture=True)["error"]
    told = painter.visitor.told("/start", png(240), x_name="shoe.png")
    assert told == {"name": "shoe.png", "bright_edge": True}
    told = painter.begin(from_picture=True)
    assert (told["has_start"], told["has_photo"], shades(told)[0]) == (True, True, 240)
    assert shades(painter.begin(from_picture=True, invert=True))[0] == 15


def test_stop_ends_the_steps_and_the_next_stroke_goes_on(painter):
    painter.begin()
    painter.stroke([128, 0, 0])
    event = {"do": "steps", "times": 10_000}
    painter.socket.send(json.dumps({"id": 7, "do": "paint", "what": "act", "event": event}))
    painter.wish("stop", strokes=1)
    assert len(painter.answers) < 5_000
    # Another stroke goes on from there.
    assert shades(painter.stroke(WHITE, strokes=2))[0] > 250


@pytest.mark.parametrize("more", ["", "&share=0.5", "&photo"])
def test_what_was_painted_replays_bit_for_bit(painter, tmp_path, monkeypatch, more):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    (tmp_path / "shoe.png").write_bytes(png(200))
    painter.visitor.told("/start", png(200), x_name="shoe.png")
    painter.begin(from_picture=True, invert=True, seed=5)
    painter.stroke(WHITE)
    painter.stroke(BLACK, number=2)
    painter.act("undo")
    told = painter.act("fix", number=1, share=0.25)
    painter.act("steps")
    painter.stroke([90, 0, 0])
    image = painter.saved(told["numbers"][0], tmp_path, more)
    assert image.shape == ((48, 64, 3) if more == "&photo" else (8, 8))
    found = again(tmp_path, "--photo", str(tmp_path / "shoe.png"))
    np.testing.assert_array_equal(found, image)
    settings = json.loads((tmp_path / "edit.json").read_text())
    assert [event["do"] for event in settings["events"]] == [
        *("stroke", "steps", "stroke", "steps", "undo", "fix", "steps", "stroke", "steps"),
    ]
    assert [event["times"] for event in settings["events"] if "times" in event] == [20, 20, 40, 20]


def test_a_stop_half_way_replays_too(painter, tmp_path, monkeypatch):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    painter.begin()
    event = {"do": "steps", "times": 1000}
    for wish in ({"what": "act", "event": event}, {"what": "stop"}):
        painter.socket.send(json.dumps({"id": 7, "do": "paint", **wish}))
    number = painter.stroke([80, 0, 0], strokes=1)["numbers"][0]
    image = painter.saved(number, tmp_path)
    np.testing.assert_array_equal(again(tmp_path), image)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"what": "act", "event": {"do": "stroke", "stroke": {"kind": "spray"}}}, "no such brush"),
        ({"what": "act", "event": {"do": "stroke", "stroke": 3}}, "no such brush"),
        (
            {"what": "act", "event": {"do": "stroke", "stroke": {"points": [[0, 0]] * 2001}}},
            "at most 2000 points",
        ),
        ({"what": "act", "event": {"do": "fix", "number": 99}}, "no longer there"),
        ({"what": "act", "event": {"do": "fix", "number": 0, "share": 2}}, "between 0 and 1"),
        ({"what": "act", "event": {"do": "steps", "times": -1}}, "no number of steps"),
        ({"what": "act", "event": {"do": "explode"}}, "does not know what 'explode' is"),
        ({"what": "act"}, "does not know what None is"),
        ({"what": "act", "event": {"do": ["undo"]}}, "does not know"),
        ({"what": "frames", "number": "0"}, "no longer there"),
        ({"what": "explode"}, "do not understand each other"),
        ({"what": "begin", "model": "bright"}, "not edited by strokes"),
        ({"what": "begin", "model": "no"}, "no such model"),
        ({"what": "begin", "model": "shades", "seed": -1}, "seed"),
        ({"what": "begin", "model": "shades", "seed": "x"}, "seed"),
    ],
)
def test_a_bad_message_gets_a_sentence_and_the_socket_lives(painter, wish, said):
    painter.begin()
    assert said in painter.wish(**wish)["error"]
    assert len(painter.stroke(WHITE)["strokes"]) == 1


def test_nothing_is_painted_before_a_model_is_chosen(painter):
    assert "Nothing is painted yet" in painter.wish("look")["error"]
    status, said, _ = painter.visitor.get("/result/brushes/image.png?number=0")
    assert (status, json.loads(said)["error"]) == (400, "Nothing is painted yet.")
    painter.begin()
    said = painter.visitor.get("/result/brushes/image.png?number=me")[1]
    assert json.loads(said)["error"] == "Choose a candidate first."
    said = painter.visitor.get("/result/brushes/image.png?number=0&photo")[1]
    assert json.loads(said)["error"] == "There is no photo."


def test_two_visitors_paint_at_a_time_and_see_their_own_strokes_alone(address):
    visitors = Visitor(address), Visitor(address)
    with visitors[0].live() as one, visitors[1].live() as other:
        first, second = Painter(visitors[0], one), Painter(visitors[1], other)
        first.begin()
        second.begin()
        stroke = {"kind": "colour", "points": [[0.1, 0.1]], "colour": WHITE}
        event = {"do": "stroke", "stroke": stroke}
        one.send(json.dumps({"id": 7, "do": "paint", "what": "act", "event": event}))
        told = second.stroke(BLACK)
        assert [stroke["colour"] for stroke in told["strokes"]] == [BLACK]
        assert max(shades(told)) < 5
        found = [unpacked(one.recv(timeout=30)) for _ in range(21)]
        assert [stroke["colour"] for stroke in found[-1]["strokes"]] == [WHITE]
        assert min(shades(found[-1])) > 250
