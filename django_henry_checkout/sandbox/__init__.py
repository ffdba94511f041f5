"""A local Henry for development and tests: API, hosted checkout page, orders over time, faults on demand."""

from __future__ import annotations
