"""The how-to guides: each code block is run in the project of the tutorial, and a shopper buys there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.docs.blocks import DOCS, Block, blocks_of
from tests.docs.journeys import JOURNEYS
from tests.docs.project import Project
from tests.support.workers import Redis

#: What the pages may import from: the door, the adapter, and a few things that the settings or the project need.
PUBLIC_MODULES = {
    "django_henry_checkout",
    "django_henry_checkout.adapter",
    "django_henry_checkout.models",
    "django_henry_checkout.signals",
    "django_henry_checkout.tasks",
}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis per test: the guide's queue has a fixed name."""
    redis = Redis(tmp_path)
    redis.start()
    yield redis.url
    redis.stop()


@pytest.mark.parametrize("guide", sorted(JOURNEYS))
def test_a_guide(guide: str, project: Project, page: Page, redis_url: str) -> None:
    project.environment["REDIS_URL"] = redis_url
    with project:
        project.follow(guide)
        project.start()
        JOURNEYS[guide](project, page)
        assert project.unused() == []


def test_every_guide_with_code_has_a_journey() -> None:
    guides = sorted(f"howto/{file.name}" for file in (DOCS / "howto").glob("*.md"))
    assert sorted(JOURNEYS) == [guide for guide in guides if blocks_of(guide)]


PAGES = sorted(str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md") if "_build" not in file.parts)


@pytest.mark.parametrize(
    "page_name", [name for name in PAGES if not name.startswith(("decisions/", "internals/"))]
)
def test_pages_import_public_modules_only(page_name: str) -> None:
    text = (DOCS / page_name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:from|import) (django_henry_checkout[\w.]*)", text))
    assert named <= PUBLIC_MODULES


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "import this\n"),
        ("text", "$ ls\n"),
        ("", "ls\n"),
        ("console", "ls\n"),
        ("javascript", "alert(1)\n"),
    ],
)
def test_a_block_that_cannot_be_run_is_an_error(project: Project, language: str, text: str) -> None:
    with project, pytest.raises(AssertionError, match=r"page\.md:1"):
        project.do(Block(language, text, "page.md:1"))


def test_a_command_that_fails_or_prints_something_else_is_an_error(project: Project) -> None:
    for text in ("$ python manage.py nonsense\n", "$ python manage.py check\nno such words\n"):
        with project, pytest.raises(AssertionError, match=r"page\.md:1"):
            project.do(Block("console", text, "page.md:1"))


def test_an_unused_file_is_reported(project: Project) -> None:
    with project:
        project.do(Block("python", "# shop/spare.py\nprint(1)\n", "page.md:1"))
        project.run("python manage.py check")
        assert project.unused() == ["page.md:1"]
        project.run("python -c 'import shop.spare'")
        assert project.unused() == []
