"""System checks: an Error is a setting that cannot work, a Warning one that causes problems."""

from __future__ import annotations

from django_henry_checkout.checks import accounts, adapter, celery, options, project

__all__ = ["accounts", "adapter", "celery", "options", "project"]
