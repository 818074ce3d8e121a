"""How a command ends."""

from __future__ import annotations

import pytest

from common.errors import UserError, did_you_mean, exits_cleanly


def test_a_user_error_is_one_line_on_standard_error_and_status_2(capsys):
    @exits_cleanly
    def command() -> None:
        raise UserError("No folder x; name one that exists.")

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "error: No folder x; name one that exists.\n")


def test_a_place_without_permission_is_one_line_and_status_2(capsys):
    @exits_cleanly
    def command() -> None:
        raise PermissionError(13, "Permission denied", "/root/faces")

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "error: /root/faces may not be read or written by you (Permission denied); change its "
        "permissions, or name another place.\n"
    )


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (KeyboardInterrupt(), "interrupted\n"),
        (KeyboardInterrupt("go on with --resume"), "interrupted: go on with --resume\n"),
    ],
)
def test_ctrl_c_ends_with_status_130(capsys, raised, message):
    @exits_cleanly
    def command() -> None:
        raise raised

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 130
    assert capsys.readouterr().err == message


def test_a_defect_keeps_its_traceback():
    @exits_cleanly
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_arguments_and_result_pass_through():
    @exits_cleanly
    def command(a: int, *, b: int) -> int:
        return a + b

    assert command(2, b=3) == 5


@pytest.mark.parametrize(
    ("name", "sentence"), [("smilng", " Did you mean 'Smiling'?"), ("xyz", "")]
)
def test_the_nearest_known_name_is_proposed_if_any_is_near(name, sentence):
    assert did_you_mean(name, ["Male", "Smiling"]) == sentence
