from pathlib import Path

import pytest

from regulars.report.reference import PAGES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.mark.parametrize("file", PAGES)
def test_the_page_says_what_the_files_say(file: str) -> None:
    assert (FOLDER / file).read_text(encoding="utf-8") == PAGES[file](), (
        "python -m regulars.report.reference docs/reference"
    )
