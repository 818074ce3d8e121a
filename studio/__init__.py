"""The web page over all editors: `python -m studio`, then http://127.0.0.1:8600 in a browser."""

from __future__ import annotations

import common  # noqa: F401 (checks that the requirements are there)
