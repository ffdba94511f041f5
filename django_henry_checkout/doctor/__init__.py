"""Diagnostics for a whole deployment: each finding says what is wrong, why it matters and how to fix it."""

from __future__ import annotations

from django_henry_checkout.doctor.findings import Check, Finding, Level
from django_henry_checkout.doctor.runner import CHECKS, run_checks

__all__ = ["CHECKS", "Check", "Finding", "Level", "run_checks"]
