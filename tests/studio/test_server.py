"""Uploads, edits and downloads over HTTP and WebSocket, and what visitors may not do."""

from __future__ import annotations

import io
import json
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from benchmarks.visitors import Visitor
from common.transfer import flow
from studio import replay
from tests.studio.conftest import FakeModels, served

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")

TRANSFER = pytest.param(
    "transfer",
    marks=pytest.mark.skipif(
        not (flow.installed("cv2") or flow.installed("skimage")),
        reason="requirements-photo.txt is not installed",
    ),
)
EYES = {"landmarks": [60.0, 60.0, 100.0, 60.0]}


def png(colour: str | np.ndarray, size: tuple[int, int] = (160, 160)) -> bytes:
    held = io.BytesIO()
    image = Image.new("RGB", size, colour) if isinstance(colour, str) else Image.fromarray(colour)
    image.save(held, format="PNG")
    return held.getvalue()


def huge() -> bytes:
    """A PNG that says 20,000 x 20,000 pixels in 60 bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def truncated() -> bytes:
    held = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(held, format="JPEG")
    return held.getvalue()[:4000]


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def with_photo(visitor: Visitor, content: bytes) -> dict:
    visitor.told("/photo", content, x_name="me.png")
    return visitor.told("/face", json.dumps(EYES).encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is text", "cannot be read as an image"),
        (truncated(), "cannot be read as an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as an image"),
        (huge(), "more than 40 million pixels"),
        (png("red", (20, 20)), "needs at least 32"),
        (b"", "The file is empty"),
        (bytes(24 * 2**20 + 1), "more than 24 MB"),
    ],
    ids=["text", "truncated", "svg", "huge", "tiny", "empty", "large"],
)
def test_a_bad_upload_is_one_sentence_and_the_page_lives_on(visitor, content, said):
    status, answer, _ = visitor.ask("/photo", content, x_name="me.png")
    error = json.loads(answer)["error"]
    assert (status, error.count("\n")) == (400, 0)
    assert said in error
    assert visitor.told("/photo", png("red"), x_name="me.png")["width"] == 160


def test_a_photograph_without_a_face_waits_for_its_eyes(visitor):
    assert visitor.told("/photo", png("red"), x_name="me.png")["faces"] == []
    assert "click on both eyes" in visitor.edit(model="bright")["error"]
    told = visitor.told("/face", json.dumps(EYES).encode())
    assert told["faces"] == [[[60.0, 60.0], [100.0, 60.0]]]
    assert visitor.edit(model="bright")["images"]["original"].shape == (32, 32, 3)


def test_a_control_changes_the_edit_alone_and_what_is_read_comes_along(visitor):
    with_photo(visitor, png("black"))
    told = visitor.edit(model="bright", values={"Light": 0.2})
    assert told["images"]["original"].max() == 0
    assert told["images"]["reconstruction"].max() == 0
    assert np.unique(told["images"]["edited"]).tolist() == [51]  # a fifth of 255
    assert told["readings"] == {"Light": 0.0}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"model": "bright", "values": {"Light": 2}}, "between 0 and 1"),
        ({"model": "bright", "values": {"Light": "1"}}, "between 0 and 1"),
        ({"model": "bright", "values": {"Smiling": 1}}, "no control 'Smiling'"),
        ({"model": "../../weights"}, "no such model"),
        ({"model": ["bright"]}, "no such model"),
        ({"model": "mixer"}, "knows digits"),
        ({"model": "bright", "picture": "digits/digit-3"}, "knows faces"),
        ({"model": "mixer", "picture": "../README"}, "Draw or choose"),
        ({"model": "mixer", "picture": "digits/digit-3", "values": {"strength": 1}}, "direction"),
    ],
)
def test_what_cannot_be_edited_is_one_sentence(visitor, question, said):
    with_photo(visitor, png("black"))
    assert said in visitor.edit(**question)["error"]


def test_a_drawing_is_centred_as_mnist_was_and_goes_along_a_pair(visitor):
    pad = np.zeros((280, 280), np.uint8)
    pad[20:60, 30:50] = 255  # 40 high, 20 wide, in a corner
    drawn = visitor.told("/drawing", png(pad))["picture"]
    image = decoded(visitor.get(f"/pictures/{drawn}.png")[1])
    rows, columns = np.nonzero(image)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 9, 18)
    pair = ["pairs/thin", "pairs/thick"]
    told = visitor.edit(model="mixer", picture=drawn, values={"strength": 1.0}, pair=pair)
    thin, thick = (decoded(visitor.get(f"/pictures/{one}.png")[1]).astype(int) for one in pair)
    expected = np.clip(image + thick - thin, 0, 255)
    np.testing.assert_array_equal(told["images"]["edited"][..., 0], expected)


def test_an_empty_drawing_is_told(visitor):
    assert "The drawing is empty" in visitor.told("/drawing", png("black"))["error"]


@pytest.mark.parametrize("paste", ["difference", "feather", TRANSFER, "none"])
def test_a_result_replays_on_the_command_line_bit_for_bit(visitor, tmp_path, monkeypatch, paste):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    noise = np.random.default_rng(1).integers(0, 200, (160, 200, 3), dtype=np.uint8)
    with_photo(visitor, png(noise))
    visitor.edit(model="bright", values={"Light": 1 / 3}, paste=paste)
    image = visitor.get("/result/photo/image.png")[1]
    (tmp_path / "edit.json").write_bytes(visitor.get("/result/photo/edit.json")[1])
    (tmp_path / "me.png").write_bytes(png(noise))
    words = [str(tmp_path / "edit.json"), "--photo", str(tmp_path / "me.png")]
    replay.main([*words, "--out", str(tmp_path / "out")])
    again = (tmp_path / "out" / "edit.png").read_bytes()
    np.testing.assert_array_equal(decoded(again), decoded(image))
    assert decoded(image).shape == ((32, 32, 3) if paste == "none" else noise.shape)
    assert paste == "none" or (decoded(image) != noise).any()


def test_without_a_program_for_flow_a_transfer_is_one_sentence(visitor, monkeypatch):
    monkeypatch.setattr(flow, "installed", lambda module: False)
    with_photo(visitor, png("gray"))
    assert (
        "needs a program for optical flow"
        in visitor.edit(model="bright", paste="transfer")["error"]
    )


def test_a_digit_replays_from_its_settings_alone(visitor, tmp_path, monkeypatch):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    pair = ["pairs/upright", "pairs/slanted"]
    visitor.edit(model="mixer", picture="digits/digit-7", values={"strength": 0.7}, pair=pair)
    (tmp_path / "edit.json").write_bytes(visitor.get("/result/digits/edit.json")[1])
    replay.main([str(tmp_path / "edit.json"), "--out", str(tmp_path / "out")])
    image = decoded(visitor.get("/result/digits/image.png")[1])
    np.testing.assert_array_equal(decoded((tmp_path / "out" / "edit.png").read_bytes()), image)


def test_another_photograph_is_not_replayed(visitor, tmp_path, monkeypatch, mistake):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    with_photo(visitor, png("gray"))
    visitor.edit(model="bright", values={"Light": 0.5})
    (tmp_path / "edit.json").write_bytes(visitor.get("/result/photo/edit.json")[1])
    (tmp_path / "me.png").write_bytes(png("blue"))
    words = [str(tmp_path / "edit.json"), "--photo", str(tmp_path / "me.png")]
    said = mistake(replay.main, *words, "--out", str(tmp_path / "out"))
    assert "is another file than me.png was" in said
    assert not (tmp_path / "out").exists()


def test_a_photograph_that_is_missing_or_would_be_replaced_is_refused(
    visitor, tmp_path, monkeypatch, mistake
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    with_photo(visitor, png("gray"))
    visitor.edit(model="bright", values={"Light": 0.5})
    photo, settings = tmp_path / "me.png", tmp_path / "me.json"
    settings.write_bytes(visitor.get("/result/photo/edit.json")[1])
    photo.write_bytes(png("gray"))
    words = [str(settings), "--photo", str(photo), "--out", str(tmp_path)]
    assert "name another folder by --out" in mistake(replay.main, *words)
    assert photo.read_bytes() == png("gray")
    words = [str(settings), "--photo", str(photo), "NO.png", "--out", str(tmp_path / "out")]
    assert "There is no photograph NO.png." in mistake(replay.main, *words)
    assert not (tmp_path / "out").exists()


def test_several_settings_are_replayed_at_once_each_with_its_photograph(
    visitor, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "notes.txt").touch()
    expected = {}
    for name, light in (("red", 0.25), ("blue", 0.5)):
        (tmp_path / f"{name}.png").write_bytes(png(name))
        with_photo(visitor, png(name))
        visitor.edit(model="bright", values={"Light": light})
        expected[name] = decoded(visitor.get("/result/photo/image.png")[1])
        settings = visitor.get("/result/photo/edit.json")[1]
        (tmp_path / "asked" / f"{name}.json").write_bytes(settings)
    photos = [str(tmp_path / f"{name}.png") for name in expected]
    words = [str(tmp_path / "asked"), "--photo", *photos]
    replay.main([*words, "--out", str(tmp_path / "out")])
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["blue.png", "red.png"]
    assert "Another model of that name" not in capsys.readouterr().err
    for name, image in expected.items():
        found = decoded((tmp_path / "out" / f"{name}.png").read_bytes())
        np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("NONE", "There are no settings, files that end in .json, in"),
        ("ONE.json DEEP", r"ONE.json and .*/ONE.json would both make ONE.png; leave one out, or"),
        ("ONE.json OTHER.json", "OTHER.json is not what the page hands out"),
        ("ONE.json TWO.json --animate OUT.gif", "--animate shows one edit, and there are.* of 2"),
    ],
)
def test_settings_that_cannot_be_replayed_together_are_one_sentence(
    visitor, tmp_path, monkeypatch, mistake, words, said
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    pair = ["pairs/upright", "pairs/slanted"]
    visitor.edit(model="mixer", picture="digits/digit-7", values={"strength": 0.7}, pair=pair)
    settings = visitor.get("/result/digits/edit.json")[1]
    for folder in ("NONE", "DEEP"):
        (tmp_path / folder).mkdir()
    for file in ("ONE.json", "TWO.json", "DEEP/ONE.json"):
        (tmp_path / file).write_bytes(settings)
    (tmp_path / "OTHER.json").write_text("{}")
    paths = [word if word.startswith("-") else str(tmp_path / word) for word in words.split()]
    told = mistake(replay.main, *paths, "--out", str(tmp_path / "out"))
    assert re.search(said, told)
    assert not (tmp_path / "out").exists()


def test_an_image_that_differs_from_the_one_of_the_page_is_told(
    visitor, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    pair = ["pairs/upright", "pairs/slanted"]
    visitor.edit(model="mixer", picture="digits/digit-7", values={"strength": 0.7}, pair=pair)
    settings = json.loads(visitor.get("/result/digits/edit.json")[1])
    (tmp_path / "same.json").write_text(json.dumps(settings))
    (tmp_path / "other.json").write_text(json.dumps({**settings, "values": {"strength": 0.2}}))
    replay.main([str(tmp_path), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert f"{tmp_path / 'out' / 'same.png'}: the same image, bit for bit" in said
    assert f"{tmp_path / 'out' / 'other.png'}: another image" in said
    assert "Another model of that name, or other versions, may have made" in said


def test_visitors_see_their_own_photographs_and_results_alone(address):
    first, second, third = Visitor(address), Visitor(address), Visitor(address)
    with_photo(first, png("red"))
    with_photo(second, png("blue"))
    for visitor in (first, second):
        visitor.edit(model="bright", values={"Light": 0.0})
    assert decoded(first.get("/result/photo/image.png")[1])[80, 80].tolist() == [255, 0, 0]
    assert decoded(second.get("/result/photo/image.png")[1])[80, 80].tolist() == [0, 0, 255]
    assert third.get("/result/photo/image.png")[0] == 400
    drawn = first.told("/drawing", png(np.eye(100, dtype=np.uint8) * 255))["picture"]
    assert first.get(f"/pictures/{drawn}.png")[0] == 200
    assert second.get(f"/pictures/{drawn}.png")[0] == 400


def test_a_browser_is_told_to_load_nothing_from_elsewhere(visitor):
    for path in ("/", "/static/studio.js", "/about.json", "/no-such-page"):
        policy = visitor.get(path)[2]["content-security-policy"]
        assert policy.startswith("default-src 'self'; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_other_sites_reach_nothing(visitor, headers):
    status, _, told = visitor.ask("/photo", png("red"), **headers)
    assert (status, told["set-cookie"]) == (403, None)


def test_another_address_asks_for_the_token_once():
    with served(token="secret-of-this-start") as address:
        assert Visitor(address).get("/about.json")[0] == 403
        assert Visitor(address, "/?token=secret-of-this-starT").get("/about.json")[0] == 403
        invited = Visitor(address, "/?token=secret-of-this-start")
        assert invited.get("/about.json")[0] == 200
        with_photo(invited, png("gray"))
        assert "images" in invited.edit(model="bright")


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/pictures/../../README.md.png"]
)
def test_names_from_the_page_never_reach_the_file_system(visitor, path):
    assert visitor.get(path)[0] in (400, 404)


def test_a_training_is_shown_by_its_number(tmp_path):
    run = tmp_path / "crg-mnist-007"
    (run / "samples").mkdir(parents=True)
    (run / "report").mkdir()
    (run / "config.json").write_text('{"package": "crg", "dataset": "mnist", "stages": ["gan"]}')
    (run / "history-gan.csv").write_text("period,step,images,seconds,d_loss\n1,5,640,2,0.5\n")
    (run / "samples" / "epoch-0001.png").write_bytes(png("red", (8, 8)))
    (run / "report" / "report.html").write_text("<p>hello")
    with served(runs=(run,)) as address:
        visitor = Visitor(address)
        assert visitor.told("/runs.json")[0]["name"] == "crg-mnist-007"
        facts = visitor.told("/runs/0.json")
        assert facts["stages"][0]["losses"] == {"d_loss": [0.5]}
        assert (facts["samples"], facts["report"]) == (["epoch-0001"], True)
        assert decoded(visitor.get("/runs/0/samples/0.png")[1])[0, 0].tolist() == [255, 0, 0]
        status, page, headers = visitor.get("/runs/0/report")
        assert (status, page) == (200, b"<p>hello")
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert visitor.get("/runs/99.json")[0] == 400
        assert visitor.get("/runs/0/samples/1.png")[0] == 400
