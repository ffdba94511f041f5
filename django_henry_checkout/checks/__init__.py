"""System checks: one small function each. Only what cannot work is an Error; each has a hint."""

from __future__ import annotations

from django_henry_checkout.checks import accounts, adapter, celery, options, project

__all__ = ["accounts", "adapter", "celery", "options", "project"]
