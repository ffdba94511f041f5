"""Settings of the documentation build: `make check` runs it with warnings as errors."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "django-henry-checkout"
author = "The django-henry-checkout developers"
release = version = installed_version(project)

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
# Lets pages link to each other's headings: [text](page.md#heading).
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"{project} {release}"
