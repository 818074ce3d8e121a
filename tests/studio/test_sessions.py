"""How long a visitor's things are kept, and how many visitors there may be."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="requirements-studio.txt is not installed")

from common.editor import Control
from common.errors import UserError
from studio.__main__ import is_own
from studio.models import Models
from studio.sessions import GRACE, IDLE, MOST, PICTURES, Session, Sessions
from studio.settings import read_settings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_soon_after_its_page_and_late_without_a_word():
    clock = Clock()
    sessions = Sessions(clock)
    secret = sessions.begin()
    session = sessions.find(secret)
    assert session is not None
    session.sockets = 1
    clock.now = IDLE
    assert sessions.find(secret) is session
    session.sockets = 0
    clock.now += GRACE + 0.1
    assert sessions.find(secret) is None
    assert len(sessions) == 0


def test_the_visitor_who_was_away_longest_gives_way():
    clock = Clock()
    sessions = Sessions(clock)
    secrets = []
    for number in range(MOST):
        clock.now = number / 10
        secrets.append(sessions.begin())
    sessions.find(secrets[0])
    sessions.begin()
    assert len(sessions) == MOST
    assert sessions.find(secrets[0]) is not None
    assert sessions.find(secrets[1]) is None


def test_secrets_differ_and_others_open_nothing():
    sessions = Sessions(Clock())
    assert sessions.begin() != sessions.begin()
    assert sessions.find("") is None
    assert sessions.find(None) is None


def test_a_session_holds_so_many_drawings():
    session = Session()
    names = [session.keep(picture) for picture in [b""] * (PICTURES + 1)]
    assert list(session.pictures) == names[1:]


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("me", False)],
)
def test_which_addresses_are_this_machines_own(host, own):
    assert is_own(host) is own


def test_the_shipped_models_are_at_hand_by_name_and_with_their_controls():
    known = Models().known
    assert {"crg-mnist", "icgan-mnist", "ifcvaegan-celeba", "ifcvaegan-drawn"} <= set(known)
    assert "classifier-mnist" not in known
    facts = known["icgan-mnist"].facts
    assert (facts["kind"], facts["size"], facts["controls"][0]["step"]) == ("digit", 28, 1)
    assert Control(**facts["controls"][0]).name == "shift"


def test_a_run_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json"):
        Models([tmp_path])
    (tmp_path / "config.json").write_text('{"package": "os"}')
    with pytest.raises(UserError, match="'os', which is no package"):
        Models([tmp_path])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pair": [], "landmarks": [], "x": 1}'])
def test_settings_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "edit.json").write_text(text)
    with pytest.raises(UserError, match="is not what the page hands out"):
        read_settings(tmp_path / "edit.json")
