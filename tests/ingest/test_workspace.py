"""Intermediate files: gone when they are not needed, gone when something fails, and never the caller's own."""

import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from regulars import FileProblem, InputError, OutputError, read_purchases
from tests.ingest.tables import TODAY, csv_text, lines, write


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_workspace_lives_as_long_as_the_lines(temporary: Path, tmp_path: Path) -> None:
    history = read_purchases(write(tmp_path / "a.csv", csv_text()), today=TODAY)
    table = history.lines
    del history
    gc.collect()
    assert len(list(temporary.iterdir())) == 1
    assert table.count().to_pyarrow().as_py() == 5
    del table
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_a_failed_reading_leaves_nothing(temporary: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_purchases(write(tmp_path / "a.csv", "a;b\n1;2\n", "cp1251"), today=TODAY)
    assert list(temporary.iterdir()) == []


def test_a_named_workspace_is_made_used_and_kept(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "work"
    path = write(tmp_path / "a.csv", csv_text())
    history = read_purchases(path, workspace=place, today=TODAY)
    assert len(lines(history)) == 5
    del history
    gc.collect()
    assert len(list(place.rglob("*.parquet"))) == 1
    before = sorted(place.rglob("*"))
    with pytest.raises(FileProblem):
        read_purchases(write(tmp_path / "b.csv", "a;b\n"), workspace=place, today=TODAY)
    assert sorted(place.rglob("*")) == before


def test_a_workspace_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="working folder"):
        read_purchases(write(tmp_path / "a.csv", csv_text()), workspace=tmp_path / "file" / "x", today=TODAY)


SLOW = """
import sys, tempfile
tempfile.tempdir = sys.argv[2]
from regulars import read_purchases
class Talk:
    def step(self, label, done, total):
        print("step", flush=True)
print("ready", flush=True)
read_purchases(sys.argv[1], progress=Talk())
print("finished", flush=True)
"""


def test_ctrl_c_leaves_nothing_half_written(temporary: Path, tmp_path: Path) -> None:
    row = "+79161234567;05.01.2024 10:00:00;12,50;Товар\n"
    path = write(tmp_path / "a.csv", "Телефон;Дата;Сумма;Товар\n" + row * 1_500_000, "cp1251")
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW, path, temporary], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if line == "step\n":
            break
    time.sleep(float(os.environ.get("REGULARS_INTERRUPT_AFTER", "1.5")))
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert "finished" not in output, "too quick to be interrupted"
    assert "KeyboardInterrupt" in errors.splitlines()[-1]
    assert list(temporary.iterdir()) == []


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
from regulars import OutputError, read_purchases
from pathlib import Path
try:
    read_purchases(sys.argv[1], workspace=Path(sys.argv[3]))
except OutputError as error:
    print("OutputError:", error)
"""


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8"])
def test_a_full_disk_is_said_in_plain_words(encoding: str, tmp_path: Path) -> None:
    # a limit on the size of files fails a write the way a full disk does
    row = "".join(f"{n};05.01.2024 10:00:00;{n},50;Товар {n}\n" for n in range(100_000))
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма;Товар\n" + row, encoding)
    place = tmp_path / "w"
    run = subprocess.run(
        [sys.executable, "-c", FULL, path, "300000", place], capture_output=True, text=True, check=False
    )
    assert run.stdout.startswith("OutputError: "), run.stderr
    assert list(place.iterdir()) == []
