"""What the benchmark of many visitors reads in /proc."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from benchmarks.studio import address_of, connections, resident


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("04030201", "1.2.3.4"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
    ],
)
def test_addresses_are_read_as_proc_writes_them_on_small_endian_machines(text, address):
    assert address_of(text) == address


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux has /proc")
def test_a_process_is_seen_with_its_connections_and_its_memory():
    with socket.create_server(("127.0.0.2", 0)) as server:
        before = connections(os.getpid())
        with socket.create_connection(server.getsockname()[:2]):
            assert connections(os.getpid()) - before == {"127.0.0.2"}
    assert 1 < resident(os.getpid()) < 1e6
