"""The how-to guides: each block is put to use in the project of the tutorial, and a shopper buys there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.docs.blocks import DOCS, Block
from tests.docs.journeys import JOURNEYS
from tests.docs.project import Project
from tests.support.workers import Redis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own: the queue of the guide has one name."""
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


def test_no_guide_is_left_out() -> None:
    assert sorted(JOURNEYS) == [
        "celery.md",
        *sorted(f"howto/{file.name}" for file in (DOCS / "howto").glob("*.md")),
    ]


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
def test_a_block_that_nobody_can_run_is_an_error(project: Project, language: str, text: str) -> None:
    with project, pytest.raises(AssertionError, match=r"page\.md:1"):
        project.do(Block(language, text, "page.md:1"))


def test_a_command_that_fails_or_says_something_else_is_an_error(project: Project) -> None:
    for text in ("$ python manage.py nonsense\n", "$ python manage.py check\nno such words\n"):
        with project, pytest.raises(AssertionError, match=r"page\.md:1"):
            project.do(Block("console", text, "page.md:1"))


def test_a_file_that_nobody_uses_is_noticed(project: Project) -> None:
    with project:
        project.do(Block("python", "# shop/spare.py\nprint(1)\n", "page.md:1"))
        project.run("python manage.py check")
        assert project.unused() == ["page.md:1"]
        project.run("python -c 'import shop.spare'")
        assert project.unused() == []
