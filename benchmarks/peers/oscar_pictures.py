"""No pictures are made smaller: the app's side makes none, so that would be no fair difference."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from oscar.core.thumbnails import AbstractThumbnailer


class NoPictures(AbstractThumbnailer):
    """Names a picture that is there already."""

    def generate_thumbnail(self, source: Any, **opts: Any) -> SimpleNamespace:
        """Return a picture of a fixed address and size."""
        return SimpleNamespace(url="/media/small.jpg", width=100, height=100)

    def delete_thumbnails(self, source: Any) -> None:
        """Have nothing to delete."""
