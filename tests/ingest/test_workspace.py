"""The folder of intermediate files: how long it lives."""

from pathlib import Path

import pytest

from regulars.ingest.workspace import Workspace


class Owner:
    """Something that a folder may live as long as."""


@pytest.mark.parametrize(("even_if_chosen", "stays"), [(False, True), (True, False)])
def test_a_chosen_folder_stays_unless_it_holds_what_must_go(even_if_chosen: bool, stays: bool, tmp_path: Path) -> None:
    place, owner = Workspace(tmp_path), Owner()
    place.new_path("purchases", ".parquet").write_bytes(b"x")
    place.live_as_long_as(owner, even_if_chosen=even_if_chosen)
    assert place.folder.exists()
    del owner
    assert place.folder.exists() == stays
    assert tmp_path.exists()
