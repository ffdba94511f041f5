"""Where the description is checked in."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "openapi.json"
