"""Tools for a shop's tests: a sandbox, signed webhooks, builders, `drain`, and races.

With pytest, write `pytest_plugins = ["django_henry_checkout.testing.plugin"]` in the root conftest.py. The
modules also work without pytest. Import them after Django is set up; only the plugin may come before.
"""

from __future__ import annotations
