"""What a benchmark found: a ratio within one run, and the goal for it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "docs" / "internals" / "benchmarks.md"
BEGIN, END = "<!-- table: written by `make bench` -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class Result:
    """One row of the table. `ratio` is what counts; `found` says what was measured, for orders of magnitude."""

    number: str
    what: str
    ratio: float
    goal: str
    is_met: bool
    found: str

    @property
    def row(self) -> str:
        """The row as Markdown."""
        return (
            f"| {self.number} | {self.what} | **{self.ratio:.2f}** | {self.goal} | "
            f"{'yes' if self.is_met else 'NO'} | {self.found} |"
        )


def at_most(number: str, what: str, ratio: float, goal: float, found: str) -> Result:
    """Return a result that should not be above its goal."""
    return Result(number, what, ratio, f"<= {goal:g}", ratio <= goal, found)


def at_least(number: str, what: str, ratio: float, goal: float, found: str) -> Result:
    """Return a result that should not be below its goal."""
    return Result(number, what, ratio, f">= {goal:g}", ratio >= goal, found)


def machine() -> str:
    """Describe where this runs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def table(rows: list[str], *, load: float) -> str:
    """Return a table as Markdown."""
    head = ["| # | What | Ratio | Goal | Met | Measured |", "| --- | --- | --- | --- | --- | --- |"]
    said = f"Machine: {machine()}; load average at the start of the last run {load:.1f}."
    return "\n".join([said, "", *head, *rows])


def write(results: list[Result], *, load: float) -> None:
    """Put the results into the docs. Rows of benchmarks that did not run stay as they are."""
    content = TABLE.read_text()
    before, rest = content.split(BEGIN)
    old, after = rest.split(END)
    ran = {result.number for result in results}
    kept = [row for row in old.splitlines() if row.startswith("| P") and _number(row) not in ran]
    rows = sorted([*kept, *(result.row for result in results)], key=lambda row: int(_number(row)[1:]))
    TABLE.write_text(f"{before}{BEGIN}\n\n{table(rows, load=load)}\n\n{END}{after}")


def _number(row: str) -> str:
    return row.split("|")[1].strip()
