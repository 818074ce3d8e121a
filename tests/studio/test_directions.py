"""Directions of a visitor: made, followed, saved, loaded, forgotten; and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.visitors import Visitor
from common.directions import files
from common.directions.edits import along
from studio import replay
from studio.sessions import DIRECTIONS, Kept, Session
from studio.settings import make as make_edit
from tests.studio.conftest import FakeModels
from tests.studio.flat import Flat
from tests.studio.test_server import decoded, png, with_photo

for needed in ("starlette", "uvicorn", "websockets"):
    pytest.importorskip(needed, reason="requirements-studio.txt is not installed")


def sample(visitor: Visitor, colour: str, model: str = "flat") -> str:
    """The id of an even picture that the model can take."""
    return visitor.told(f"/samples?model={model}", png(colour, (32, 32)), x_name="a.png")["picture"]


def make(visitor: Visitor, model: str = "flat", **wish: Any) -> Any:
    """The session's directions after one more, or the error."""
    return visitor.told(f"/directions?model={model}", json.dumps(wish).encode())


def redder(visitor: Visitor, name: str = "red") -> str:
    """The id of a direction from two black pictures to two with red 0 and 100 of 255."""
    black = [sample(visitor, "black")] * 2
    reds = [sample(visitor, "#000000"), sample(visitor, "#640000")]
    told = make(visitor, how="pictures", name=name, **{"without": black, "with": reds})
    return told[-1]["id"]


def test_a_direction_of_two_sets_is_the_step_of_their_means_and_moves_a_picture(visitor):
    direction = redder(visitor)
    told = json.loads(visitor.get(f"/directions/{direction}.json")[1])
    np.testing.assert_allclose(told["step"], [50 / 255, 0, 0], atol=1e-6)
    assert (told["name"], told["model"], told["norm"]) == ("red", "flat", "squared")
    assert told["from"] == "2 without, 2 with"
    gray = sample(visitor, "#505050")
    images = visitor.edit(model="flat", picture=gray, along={direction: 2.0})["images"]
    assert images["reconstruction"][0, 0].tolist() == [40, 40, 40]  # half of 80
    assert images["edited"][0, 0].tolist() == [90, 40, 40]  # and half of 2 * 50


def test_directions_are_followed_together_and_beside_a_control(visitor):
    with_photo(visitor, png("#505050"))
    red, dark = redder(visitor), make_dark(visitor)
    along = {red: 1.0, dark: 0.5}
    told = visitor.edit(model="flat", values={"Glow": 20 / 255}, along=along)
    # (80 + 20 + 50 - 10, 80 + 20 - 10, ...) / 2
    assert told["images"]["edited"][0, 0].tolist() == [70, 45, 45]


def make_dark(visitor: Visitor) -> str:
    sets = {"without": [sample(visitor, "#141414")], "with": [sample(visitor, "black")]}
    return make(visitor, how="pictures", name="dark", **sets)[-1]["id"]


def test_a_saved_direction_loads_back_and_is_what_the_commands_read(visitor, tmp_path):
    direction = redder(visitor)
    status, content, headers = visitor.get(f"/directions/{direction}.json")
    assert (status, headers["content-disposition"]) == (
        200,
        'attachment; filename="red.json"',
    )
    (tmp_path / "red.json").write_bytes(content)
    read = files.read(tmp_path / "red.json", 3)
    other = Visitor(visitor.address)
    (told,) = other.told("/directions/load?model=flat", content, x_name="red.json")
    assert (told["name"], told["model"], told["origin"]) == ("red", "flat", "2 without, 2 with")
    again = json.loads(other.get(f"/directions/{told['id']}.json")[1])
    assert np.float32(again["step"]).tolist() == read.step.tolist()


def test_a_file_of_the_commands_is_called_as_the_file(visitor, tmp_path):
    files.write(tmp_path / "d.json", files.Direction(np.ones(3, np.float32), "a test"), tmp_path)
    content = (tmp_path / "d.json").read_bytes()
    (told,) = visitor.told("/directions/load?model=flat", content, x_name="smile.json")
    assert (told["name"], told["origin"]) == ("smile", "a test")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty"),
        (b"no json", "red.json is no file of a direction"),
        (b"[1]", "red.json is no file of a direction"),
        (b'{"step": [1, 2], "norm": "unit", "model": "another"}', "it belongs to another"),
        (b'{"step": [1, 2, NaN], "norm": "unit"}', "no step and norm"),
        (b"[" * 100_000, "red.json is no file of a direction"),
        (b" " * (2**20 + 1), "more than 1 MB"),
    ],
    ids=["empty", "text", "list", "other", "nan", "deep", "long"],
)
def test_a_file_that_is_no_direction_is_one_sentence(visitor, content, said):
    error = visitor.told("/directions/load?model=flat", content, x_name="red.json")["error"]
    assert said in error
    assert "\n" not in error


def test_a_direction_that_was_followed_is_in_the_settings_and_replays(
    visitor, tmp_path, monkeypatch
):
    monkeypatch.setattr("studio.models.Models", FakeModels)
    along = {redder(visitor): 0.7, make_dark(visitor): -1 / 3}
    visitor.edit(model="flat", picture=sample(visitor, "#808080"), along=along, tab="directions")
    image = decoded(visitor.get("/result/directions/image.png")[1])
    settings = visitor.get("/result/directions/edit.json")[1]
    assert [one["name"] for one in json.loads(settings)["directions"]] == ["red", "dark"]
    (tmp_path / "edit.json").write_bytes(settings)
    replay.main([str(tmp_path / "edit.json"), "--out", str(tmp_path / "out")])
    again = decoded((tmp_path / "out" / "edit.png").read_bytes())
    np.testing.assert_array_equal(again, image)
    assert (image != 64).any()


def test_unsupervised_directions_are_numbered_and_the_strongest_is_first(visitor):
    told = make(visitor, how="layer", name="sefa", count=2)
    assert [one["name"] for one in told] == ["sefa 1", "sefa 2"]
    assert told[0]["origin"] == "singular vector 1 of the first layer"
    told = make(visitor, how="random", name="random", count=1)
    first = step_of(visitor, told[-1]["id"])
    assert np.argmax(np.abs(first)) == 0  # random z vary most in red, with deviation 3
    assert first[0] == pytest.approx(3.0, rel=0.1)


def test_principal_components_of_pictures_are_along_what_varies(visitor):
    greens = [sample(visitor, f"#00{level:02x}00") for level in (0, 51, 102)]
    told = make(visitor, how="varied", name="", count=1, **{"with": greens})
    assert told[0]["name"] == "direction"
    # Of levels 0, 0.2 and 0.4 one standard deviation is 0.2 sqrt(2/3).
    assert step_of(visitor, told[0]["id"]) == pytest.approx([0, 0.1633, 0], abs=1e-3)


def step_of(visitor: Visitor, direction: str) -> list[float]:
    return json.loads(visitor.get(f"/directions/{direction}.json")[1])["step"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"how": "pictures"}, "add both"),
        ({"how": "pictures", "with": ["digits/digit-3"], "without": ["pairs/thin"]}, "no faces"),
        ({"how": "pictures", "with": ["../README"], "without": []}, "Draw or choose"),
        ({"how": "pictures", "with": ["a"] * 41}, "at most 40 pictures, not 41"),
        ({"how": "varied", "count": 3}, "need more than 3 pictures"),
        ({"how": "layer", "count": 9}, "1 to 8, not 9"),
        ({"how": "layer", "count": True}, "1 to 8, not True"),
        ({"how": "magic"}, "do not understand"),
        ({"how": "layer", "model": "bright"}, "has no latent"),
        ({"how": "layer", "model": "../weights"}, "no such model"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(visitor, wish, said):
    model = wish.pop("model", "flat")
    error = make(visitor, model, **wish)["error"]
    assert said in error
    assert "\n" not in error


def test_two_equal_sets_have_no_direction(visitor):
    one = [sample(visitor, "red")]
    assert "no direction" in make(visitor, how="pictures", **{"without": one, "with": one})["error"]


@pytest.mark.parametrize(
    ("along", "said"),
    [
        ({"direction-0": 1.0}, "no such direction"),
        ({"../x": 1.0}, "no such direction"),
        ([1], "no such direction"),
        ("strong", "between -10 and 10"),
        (11, "between -10 and 10"),
        (True, "between -10 and 10"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(visitor, along, said):
    direction, gray = redder(visitor), sample(visitor, "gray")
    wanted = along if isinstance(along, dict | list) else {direction: along}
    assert said in visitor.edit(model="flat", picture=gray, along=wanted)["error"]


def test_a_direction_of_another_model_is_not_followed(visitor):
    direction = redder(visitor)
    told = visitor.edit(model="mixer", picture="digits/digit-3", along={direction: 1.0})
    assert "The direction red is of flat" in told["error"]


def test_a_name_is_text_and_a_forgotten_direction_is_gone(visitor):
    direction = redder(visitor, "../../etc/<b>\n")
    other = Visitor(visitor.address)
    assert other.get(f"/directions/{direction}.json")[0] == 400  # another visitor's
    _, content, headers = visitor.get(f"/directions/{direction}.json")
    assert json.loads(content)["name"] == "../../etc/<b>"
    assert headers["content-disposition"] == 'attachment; filename="etc-b.json"'
    assert visitor.told(f"/directions/{direction}/forget", b"{}") == []
    assert visitor.get(f"/directions/{direction}.json")[0] == 400


def test_samples_come_from_the_photograph_or_from_the_model_itself(visitor):
    with_photo(visitor, png("#0a141e"))
    face = visitor.told("/samples?model=flat&photo", b"")["picture"]
    assert decoded(visitor.get(f"/pictures/{face}.png")[1])[0, 0].tolist() == [10, 20, 30]
    drawn = [
        visitor.told(f"/samples?model=flat&random={seed}", b"")["picture"] for seed in (1, 1, 2)
    ]
    one, same, other = (visitor.get(f"/pictures/{name}.png")[1] for name in drawn)
    assert one == same != other
    assert "at most nine digits" in visitor.told("/samples?model=flat&random=-1", b"")["error"]
    assert "cannot be read" in visitor.told("/samples?model=flat", b"text", x_name="a")["error"]
    assert "knows no faces" in visitor.told("/samples?model=mixer&photo", b"")["error"]


def test_a_face_that_is_aligned_is_taken_as_the_commands_take_it_and_others_are_looked_for(visitor):
    tall = np.zeros((218, 178, 3), np.uint8)
    tall[20:198] = 200  # what is kept of CelebA's images
    told = visitor.told("/samples?model=flat", png(tall), x_name="a.png")
    assert np.unique(decoded(visitor.get(f"/pictures/{told['picture']}.png")[1])).tolist() == [200]
    assert told["note"] == ""
    told = visitor.told("/samples?model=flat", png("red"), x_name="b.png")
    assert told["note"] == "No face was found in b.png; its middle is taken."


def test_an_edit_along_directions_is_that_of_the_commands():
    editor, image = Flat(), np.full((32, 32, 3), 90, np.uint8)
    steps = [files.Direction(np.float32(one)) for one in ([0.1, 0.2, 0], [0, 0.1, 0.3])]
    made = make_edit(editor, image, {"Glow": 0.1}, along=[(steps[0], 0.7), (steps[1], -0.4)])
    by_command = along(editor, editor.edit(image[None], 0.1), steps, [0.7, -0.4])
    np.testing.assert_array_equal(made.edited, by_command.images[0])
    np.testing.assert_array_equal(made.edit.codes.latent, by_command.codes.latent)


def test_a_session_holds_so_many_directions():
    from common.errors import UserError

    session, one = Session(), files.Direction(np.ones(3, np.float32))
    for number in range(DIRECTIONS):
        session.hold(Kept(str(number), "flat", one))
    with pytest.raises(UserError, match="remove one first"):
        session.hold(Kept("more", "flat", one))
