"""Tuning a model to a visitor's face, and what becomes of the tuned copy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.visitors import Visitor, unpacked
from studio import replay
from tests.studio.conftest import FakeModels
from tests.studio.test_server import decoded, png, with_photo

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")


def tune(socket: Any, **wish: Any) -> list[dict[str, Any]]:
    """All that is told of a tuning, to its end or its error."""
    socket.send(json.dumps({"id": 7, "do": "tune", "what": "begin", "model": "flat", **wish}))
    heard = [json.loads(socket.recv(timeout=60))]
    while not ("done" in heard[-1] or "error" in heard[-1]):
        heard.append(json.loads(socket.recv(timeout=60)))
    return heard


def edited(socket: Any, **question: Any) -> dict[str, Any]:
    socket.send(json.dumps({"id": 8, "do": "edit", "model": "flat", **question}))
    return unpacked(socket.recv(timeout=60))


@pytest.fixture
def photographed(visitor: Visitor) -> Visitor:
    """A visitor with a gray photograph, whose reconstruction is half as bright."""
    with_photo(visitor, png("#808080"))
    return visitor


def test_a_tuned_copy_shows_the_face_and_the_model_stays(photographed):
    with photographed.live() as socket:
        told = tune(socket, seconds=30)
        before = edited(socket)["images"]["reconstruction"]
        after = edited(socket, tuned=True)["images"]["reconstruction"]
    assert told[-1]["steps"] == told[-2]["steps"] > 1
    assert told[-1]["after"] < told[-1]["before"]
    assert 0 < told[0]["share"] <= 1
    assert np.unique(before).tolist() == [64]
    assert after.mean() > 66  # on the way to 128
    assert np.unique(edited_by_another(photographed)).tolist() == [64]


def edited_by_another(visitor: Visitor) -> np.ndarray:
    """A second visitor's reconstruction of the same photograph."""
    other = Visitor(visitor.address)
    with_photo(other, png("#808080"))
    assert "No copy of this model is tuned" in other.edit(model="flat", tuned=True)["error"]
    return other.edit(model="flat")["images"]["reconstruction"]


def test_a_stop_keeps_what_is_reached_and_another_photograph_forgets_it(photographed):
    with photographed.live() as socket:
        socket.send(
            json.dumps({"id": 7, "do": "tune", "what": "begin", "model": "flat", "seconds": 300})
        )
        socket.recv(timeout=60)
        socket.send(json.dumps({"id": 7, "do": "tune", "what": "stop"}))
        while "done" not in (told := json.loads(socket.recv(timeout=60))):
            pass
        assert 0 < told["steps"] < 600
        assert "images" in edited(socket, tuned=True)
        photographed.told("/face", json.dumps({"landmarks": [50.0, 60.0, 110.0, 60.0]}).encode())
        assert "No copy of this model" in edited(socket, tuned=True)["error"]


@pytest.mark.slow
def test_others_are_answered_while_one_visitor_tunes(photographed):
    other = Visitor(photographed.address)
    with_photo(other, png("red"))
    with photographed.live() as socket, other.live() as second:
        socket.send(
            json.dumps({"id": 7, "do": "tune", "what": "begin", "model": "flat", "seconds": 300})
        )
        socket.recv(timeout=60)
        for _ in range(3):
            assert "images" in edited(second)
        socket.send(json.dumps({"id": 7, "do": "tune", "what": "stop"}))
        while "done" not in (told := json.loads(socket.recv(timeout=60))):
            pass
        assert told["steps"] < 600  # they came in between


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"seconds": 0}, "takes 1 to 300 seconds, not 0"),
        ({"seconds": "20"}, "takes 1 to 300 seconds, not '20'"),
        ({"seconds": 5, "model": "bright"}, "has no latent"),
        ({"seconds": 5, "model": "../flat"}, "no such model"),
    ],
)
def test_a_tuning_that_cannot_be_is_one_sentence(photographed, wish, said):
    with photographed.live() as socket:
        (told,) = tune(socket, **wish)
    assert said in told["error"]


def test_a_tuning_without_a_photograph_is_one_sentence(visitor):
    with visitor.live() as socket:
        (told,) = tune(socket, seconds=5)
    assert told["error"] == "Choose a photograph first."


@pytest.mark.parametrize("paste", ["difference", pytest.param("none", marks=pytest.mark.slow)])
def test_a_tuned_edit_replays_bit_for_bit_by_its_steps(photographed, tmp_path, monkeypatch, paste):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    with photographed.live() as socket:
        steps = tune(socket, seconds=2)[-1]["steps"]
        edited(socket, tuned=True, values={"Glow": 0.25}, paste=paste)
    image = decoded(photographed.get("/result/photo/image.png")[1])
    (tmp_path / "edit.json").write_bytes(photographed.get("/result/photo/edit.json")[1])
    (tmp_path / "me.png").write_bytes(png("#808080"))
    assert json.loads((tmp_path / "edit.json").read_text())["tuned_steps"] == steps
    words = [str(tmp_path / "edit.json"), "--photo", str(tmp_path / "me.png")]
    words += ["--animate", str(tmp_path / "again.webp"), "--out", str(tmp_path / "out")]
    replay.main(words)
    again = decoded((tmp_path / "out" / "edit.png").read_bytes())
    np.testing.assert_array_equal(again, image)
    webp = photographed.get("/result/photo/edit.webp")[1]
    assert (tmp_path / "again.webp").read_bytes() == webp


@pytest.mark.parametrize("steps", ["-1", "601", '"many"'])
def test_steps_that_are_none_are_not_replayed(photographed, tmp_path, monkeypatch, mistake, steps):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    photographed.edit(model="flat")
    text = photographed.get("/result/photo/edit.json")[1].decode()
    changed = text.replace('"tuned_steps": 0', f'"tuned_steps": {steps}')
    (tmp_path / "edit.json").write_text(changed)
    (tmp_path / "me.png").write_bytes(png("#808080"))
    words = [str(tmp_path / "edit.json"), "--photo", str(tmp_path / "me.png")]
    assert "from 0 to 600" in mistake(replay.main, *words, "--out", str(tmp_path / "out"))
