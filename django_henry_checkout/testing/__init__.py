"""Tools for the tests of a shop: a sandbox, signed webhooks, a run to the end, builders, and races.

With pytest, write `pytest_plugins = ["django_henry_checkout.testing.plugin"]` in the root conftest.py. The modules
here work without pytest too. Import them after Django is set up; the plugin itself may come before.
"""

from __future__ import annotations
