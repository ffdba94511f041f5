"""`make mutations` takes lines out of the app: each of them must be there, once, before anybody waits for it."""

from __future__ import annotations

import pytest

from scripts.mutations import MUTATIONS, Mutation
from tests.support.shop import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: str(each.name))
def test_what_a_mutation_takes_out_stands_there_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    file, _mark, name = mutation.test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text() or not name
