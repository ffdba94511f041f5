"""A local counterpart of Henry: API, hosted checkout page, orders that move with time, and faults on demand."""

from __future__ import annotations
