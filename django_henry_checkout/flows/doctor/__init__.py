"""Looks at a deployment as a whole and names what is wrong, why it hurts, and what to do: see `examine`."""

from __future__ import annotations

from django_henry_checkout.flows.doctor.examining import TRAPS, examine
from django_henry_checkout.flows.doctor.findings import Finding, Level, Trap

__all__ = ["TRAPS", "Finding", "Level", "Trap", "examine"]
