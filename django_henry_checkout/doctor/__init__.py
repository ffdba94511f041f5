"""Looks at a deployment as a whole and names what is wrong, why it hurts, and what to do: see `examine`."""

from __future__ import annotations

from django_henry_checkout.doctor.findings import Finding, Level, Trap
from django_henry_checkout.doctor.runner import TRAPS, run_checks

__all__ = ["TRAPS", "Finding", "Level", "Trap", "run_checks"]
