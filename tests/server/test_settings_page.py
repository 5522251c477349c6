"""The page about settings names every setting, and no other."""

import re
from pathlib import Path

from regulars.server.config import options

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"


def test_the_page_has_every_setting_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(one.name, one.metadata["help"]) for one in options()]
