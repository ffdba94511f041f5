"""Checks, and the findings that probes report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """Severity of a finding. `SKIPPED` is not a problem: something could not be checked from here."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One problem of this deployment. `name` is stable, for scripts; the other texts are for people."""

    name: str
    level: Level
    found: str
    why: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        """Return the finding as `henry_doctor --json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """One problem that a deployment can have. `{placeholders}` in `fix` are filled in by `finding`."""

    name: str
    level: Level
    why: str
    fix: str

    def finding(self, found: str, **values: object) -> Finding:
        """Return a finding of this check.

        Args:
            found: how the problem shows in this deployment.
            values: the values of the placeholders in `fix`.
        """
        return Finding(
            name=self.name, level=self.level, found=found, why=self.why, fix=self.fix.format(**values)
        )


#: Inspects one part of a deployment and yields what is wrong. If it raises, that is reported as a finding.
Probe = Callable[[], Iterator[Finding]]
