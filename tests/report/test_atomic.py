import errno
import stat
from pathlib import Path

import pytest

from regulars.core.errors import OutputError
from regulars.report.atomic import replacing, together


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("defect"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises((type(error), OutputError)), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left"),
        (errno.EACCES, "No permission"),
        (errno.EROFS, "No permission"),
        (errno.EIO, "error"),
    ],
)
def test_the_message_says_what_to_do(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(OutputError, match=words) as caught, replacing(tmp_path / "a.txt"):
        raise OSError(number, "Input/output error")
    assert str(tmp_path / "a.txt") in str(caught.value)


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OutputError, match="No space left for /dev/full"), replacing(Path("/dev/full")) as temporary:
        temporary.write_text("x" * 100_000)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"There is no folder .*nowhere"), replacing(tmp_path / "nowhere" / "a.txt"):
        pass


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), replacing(tmp_path):
        pass


def test_a_device_is_written_to_and_not_replaced() -> None:
    with replacing(Path("/dev/null")) as temporary:
        temporary.write_text("gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replacing(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_files_written_together_appear_together(tmp_path: Path) -> None:
    with together():
        for name in "ab":
            with replacing(tmp_path / name) as temporary:
                temporary.write_text(name)
        assert not (tmp_path / "a").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_of_files_written_together_none_appears_when_one_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(OutputError), together():
        with replacing(tmp_path / "a") as temporary:
            temporary.write_text("new")
        with replacing(tmp_path / "nowhere" / "b"):
            pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
