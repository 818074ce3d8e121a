"""What watches a training between two steps, as far as `test_fit.py` does not show it."""

from __future__ import annotations

import io
import os
import signal
import threading
from types import SimpleNamespace

import pytest
import tensorflow as tf
from rich.console import Console

from common.training import callbacks


def watching(callback, step: int = 0, steps: int = 10):
    """The callback, in a fit of so many steps of a model at that step."""
    callback.set_model(SimpleNamespace(step=tf.Variable(step), stop_training=False, metrics=[]))
    callback.set_params({"steps": steps})
    return callback


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_stops_and_a_large_one_does_not(value):
    watcher = watching(callbacks.StopOnNonFinite(), step=7)
    watcher.on_train_batch_end(0, {"one_loss": 3e38, "two_loss": -1e9})
    with pytest.raises(callbacks.NonFiniteError, match=f"two_loss became {value} at step 7"):
        watcher.on_train_batch_end(1, {"one_loss": 1.0, "two_loss": value})


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test says so."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now.seconds)
    return now


def test_saves_come_when_the_seconds_have_passed_since_the_last_one(clock):
    saved = []
    timer = watching(callbacks.SaveEvery(lambda: saved.append(clock.seconds), 5.0))
    for seconds in (104.9, 105.0, 106.0, 109.9, 110.5, 112.0):
        clock.seconds = seconds
        timer.on_train_batch_end(0)
    assert saved == [105.0, 110.5]


def test_the_last_step_of_a_period_is_not_saved_as_if_the_period_went_on(clock):
    saved = []
    timer = watching(callbacks.SaveEvery(lambda: saved.append(clock.seconds), 5.0), steps=3)
    clock.seconds = 200.0
    timer.on_train_batch_end(2)
    assert saved == []
    timer.on_train_batch_end(1)
    assert saved == [200.0]


def test_a_second_ctrl_c_interrupts_at_once():
    stop = watching(callbacks.StopOnRequest())
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_given_back_after_the_training():
    before = signal.getsignal(signal.SIGINT)
    with callbacks.StopOnRequest().listening():
        assert signal.getsignal(signal.SIGINT) is not before
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_training_in_another_thread_leaves_ctrl_c_alone():
    seen = []

    def listen() -> None:
        with callbacks.StopOnRequest().listening():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]


def shown(bar: callbacks.ProgressBar, terminal: bool) -> str:
    """What the bar of a model at step 5 writes."""
    text = io.StringIO()
    bar.console = bar.progress.live.console = Console(file=text, force_terminal=terminal, width=120)
    watching(bar, step=5)
    with bar.shown():
        bar.on_train_batch_end(0, {"critic_loss": 0.25})
    return text.getvalue()


def test_the_bar_shows_stage_share_and_losses_on_a_terminal():
    text = shown(callbacks.ProgressBar("gan", steps=20, batch_size=64), terminal=True)
    assert "gan" in text
    assert " 25 %" in text
    assert "critic_loss 0.2500" in text


def test_the_bar_writes_nothing_into_a_file():
    assert shown(callbacks.ProgressBar("gan", steps=20, batch_size=64), terminal=False) == ""
