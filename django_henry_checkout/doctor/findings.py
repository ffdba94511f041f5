"""What a look finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. `UNSEEN` is no trouble: something could not be examined from here."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    UNSEEN = "unseen"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found. `name` is stable, for scripts; the other texts are for people."""

    name: str
    level: Level
    found: str
    why: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Trap:
    """One thing that can be wrong with a deployment. `{words}` of `fix` are filled in when it is found."""

    name: str
    level: Level
    why: str
    fix: str

    def found(self, what: str, **words: object) -> Finding:
        """Return the finding that this trap is there; `what` says how that shows here."""
        return Finding(
            name=self.name, level=self.level, found=what, why=self.why, fix=self.fix.format(**words)
        )


#: Yields what it finds, and nothing where all is well. It may raise: that is a finding too.
Look = Callable[[], Iterator[Finding]]
