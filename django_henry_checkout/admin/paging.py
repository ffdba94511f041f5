"""Pages of big tables: a few rows more are looked for, the table is never counted."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: Nobody turns more pages than these rows fill: filters and the search narrow better.
MOST_ROWS = 1000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Counts to `MOST_ROWS` and no further."""

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MOST_ROWS].count())
