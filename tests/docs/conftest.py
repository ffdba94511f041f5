from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import browser, page
from tests.docs.blocks import blocks_of
from tests.docs.project import Project
from tests.support.shop import ROOT

__all__ = ["browser", "page"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is released."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
    subprocess.run([*command, "--quiet", "--wheel-dir", str(folder), str(ROOT)], check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture
def empty_environment(tmp_path: Path) -> Path:
    """The `bin` folder of a virtual environment that contains only pip."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin"


@pytest.fixture(scope="session")
def _tutorial(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the tutorial, before its servers are started."""
    project = Project(tmp_path_factory.mktemp("tutorial") / "project")
    for block in blocks_of("tutorial.md"):
        project.do(block)
        if "migrate" in block.text:
            return project
    raise AssertionError("The tutorial does not run `migrate`.")


@pytest.fixture
def project(_tutorial: Project, tmp_path: Path) -> Project:
    """A copy of it, in which a how-to guide continues."""
    return _tutorial.copy(tmp_path / "project")
