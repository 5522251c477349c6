"""The command line as a user meets it: results, messages, exit codes; nothing half-written."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from regulars.cli import main
from regulars.cli.console import progress_bar
from regulars.cli.stopping import Stopped, exit_code_of_stop, orderly_end
from regulars.core.errors import RegularsError
from regulars.demo import generate_shop, write_shop

CDNOW_UNTIL = "1997-09-30"


def regulars(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "regulars", *arguments],
        cwd=cwd,
        env={**os.environ, "REGULARS_LANG": "en", "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Russian coffee chain, as its till exports it."""
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    return write_shop(generate_shop("coffee", seed=3, language="ru", customers=500), path, style="russian")


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def few(tmp_path: Path) -> str:
    """So little that most analyses say so: for what does not look at the results."""
    path = tmp_path / "few.csv"
    path.write_text("customer,date,amount\nAnna,2026-01-05,500\nBoris,2026-02-06,500\n")
    return path.name


def test_an_audit_without_out_makes_a_dated_folder_and_prints_its_path(few: str, tmp_path: Path) -> None:
    done = regulars("audit", few, "--lang", "ru", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (one for one in tmp_path.iterdir() if one.name != few)
    assert folder.name.startswith("regulars-20")
    assert {"report.html", "audit.json", "customers.parquet"} <= files_in(folder)
    assert str(folder.name) in done.stdout
    assert 'lang="ru"' in (folder / "report.html").read_text()


def test_every_output_goes_where_it_was_asked_for(few: str, tmp_path: Path) -> None:
    done = regulars(
        "audit", few, "--out", "r.html", "--json", "a.json", "--customers-out", "c.parquet", "--xlsx", "b.xlsx",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"r.html", "a.json", "c.parquet", "b.xlsx"} <= files_in(tmp_path)
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["base"]["customers"] == pq.read_metadata(tmp_path / "c.parquet").num_rows
    assert sum(document["lifecycle"]["states"].values()) == document["base"]["customers"]


@pytest.fixture(scope="module")
def whole(sales: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of one audit, and the JSON that it printed; `--xlsx` stands before the input file."""
    folder = tmp_path_factory.mktemp("whole")
    done = regulars(
        "audit", "--out", "r.html", "--json", "-", "--margin", "40%", "--budget", "1 000,50", "--contact-cost", "10",
        "--xlsx", str(sales), cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_json_on_standard_output_is_nothing_but_json(whole: tuple[Path, dict[str, Any]]) -> None:
    assert whole[1]["currency"] == "RUB"


def test_xlsx_before_an_input_file_does_not_swallow_it(whole: tuple[Path, dict[str, Any]]) -> None:
    assert (whole[0] / "r.xlsx").exists()


def test_an_input_file_is_never_overwritten(sales: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.csv"
    copy.write_bytes(sales.read_bytes())
    done = regulars("audit", "mine.csv", "--out", "r.html", "--customers-out", "mine.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.csv" in done.stderr
    assert copy.read_bytes() == sales.read_bytes()


def test_as_of_leaves_out_what_came_later(sales: Path, whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    day = whole[1]["as_of"][:4] + "-01-31"
    done = regulars("audit", str(sales), "--as-of", day, "--out", "b.html", "--json", "-", cwd=tmp_path)
    early = json.loads(done.stdout)
    assert early["as_of"] == day
    assert early["base"]["receipts"] < whole[1]["base"]["receipts"]


def test_a_budget_says_whom_it_reaches(whole: tuple[Path, dict[str, Any]]) -> None:
    items = whole[1]["opportunities"]
    reached = [item["within_budget"] for item in items]
    assert 0 < sum(reached) <= 100
    assert all(count <= item["customers"] for count, item in zip(reached, items, strict=True))
    profits = [item["profit"] for item in items]
    assert profits == sorted(profits, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["audit", "x.csv", "--shared", "folder"], "--engine"),
        (["audit", "x.csv", "--engine", "foo"], "foo"),
        (["audience", "c.parquet", "--for", "google", "--out", "a.csv"], "--list"),
        (["audience", "c.parquet", "--list", "abc:A", "--for", "pigeons", "--out", "a.csv"], "--for"),
    ],
)
def test_a_wrong_option_is_called_as_it_is_typed(arguments: list[str], named: str, tmp_path: Path) -> None:
    done = regulars(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr and "Traceback" not in done.stderr
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("option", [["--budget", "100"], ["--contact-cost", "5"], ["--budget", "-3"]])
def test_half_a_budget_is_explained(option: list[str], sales: Path, tmp_path: Path) -> None:
    done = regulars("audit", str(sales), *option, cwd=tmp_path)
    assert done.returncode == 2
    assert option[0] in done.stderr and "Traceback" not in done.stderr
    assert files_in(tmp_path) == set()


def test_inspect_names_every_column_and_writes_nothing(sales: Path, tmp_path: Path) -> None:
    done = regulars("inspect", str(sales), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "customer_id" in done.stdout
    assert "purchased_at" in done.stdout
    assert files_in(tmp_path) == set()


def test_clv_prints_parameters_in_the_papers_order(cdnow_csv: Path, tmp_path: Path) -> None:
    done = regulars("clv", str(cdnow_csv), "--model", "bg_nbd", "--until", CDNOW_UNTIL, "--json", "-", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert list(found["parameters"]) == ["r", "alpha", "a", "b"]
    assert found["parameters"]["alpha"] == pytest.approx(4.414, abs=0.0005)
    assert found["log_likelihood"] == pytest.approx(-9582.4, abs=0.05)
    assert (found["customers"], found["unit"]) == (2357, "week")


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("mbg_nbd", (0.525, 6.183, 0.891, 1.614)), ("pareto_nbd", (0.553, 10.578, 0.606, 11.669)),
     ("gamma_gamma", (6.25, 3.74, 15.44))],
)  # fmt: skip
def test_clv_reproduces_the_published_figures(
    cdnow_csv: Path, tmp_path: Path, model: str, parameters: tuple[float, ...]
) -> None:
    done = regulars("clv", str(cdnow_csv), "--model", model, "--until", CDNOW_UNTIL, "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = tuple(json.loads(done.stdout)["parameters"].values())
    digits = 0.005 if model == "gamma_gamma" else 0.0006
    assert found == pytest.approx(parameters, abs=digits)


@pytest.fixture(scope="module")
def cdnow_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CDNOW sample of Fader, Hardie & Lee (2005) as a file with headings."""
    origin = find_spec("lifetimes").origin  # found, not imported: only its data are wanted
    source = Path(origin).parent / "datasets" / "CDNOW_sample.txt"
    rows = [line.split() for line in source.read_text().splitlines() if line.strip()]
    lines = [f"{row[1]},{row[2][:4]}-{row[2][4:6]}-{row[2][6:]},{row[4]}" for row in rows if row[0].isdigit()]
    path = tmp_path_factory.mktemp("cdnow") / "cdnow.csv"
    path.write_text("customer_id,date,amount\n" + "\n".join(lines) + "\n")
    return path


BAD = {
    "no such file": (None, ["audit", "missing.csv"], "missing.csv"),
    "no files": (None, ["audit"], "regulars audit sales.xlsx"),
    "empty": (b"", ["audit", "bad.csv"], "empty"),
    "header only": (b"customer,date,amount\n", ["audit", "bad.csv"], "headings and no rows"),
    "one customer": (
        b"customer,date,amount\nAnna,2026-01-01,5\nAnna,2026-02-01,5\n", ["audit", "bad.csv"],
        "one customer, Anna: there is nobody to compare with",
    ),
    "one day": (
        b"customer,date,amount\nAnna,2026-01-01,5\nBoris,2026-01-01,5\n", ["audit", "bad.csv"], "one day, Jan 1, 2026",
    ),
    "binary": (bytes(range(256)) * 50, ["audit", "bad.csv"], "bad.csv"),
    "unknown encoding": (
        "客户,日期,金额\n客,2026-01-01,5\n人,2026-01-02,5\n".encode("gb18030"), ["audit", "bad.csv"],
        "If its letters look wrong, save the file as UTF-8",
    ),
    "two candidates": (
        "Клиент;Покупатель;Дата;Сумма\na;b;01.01.2026;5\nc;d;02.01.2026;5\n".encode(), ["audit", "bad.csv"],
        '--map customer_id="Клиент" or --map customer_id="Покупатель"',
    ),
    "dates that contradict each other": (
        b"customer,date,amount\n1,13/01/2026,5\n2,01/13/2026,5\n", ["audit", "bad.csv"],
        "13/01/2026 can only be day first, 01/13/2026 can only be month first",
    ),
    "a folder without files": (b"x,y\n", ["audit", "empty folder"], "empty folder holds no CSV"),
    "dates ahead only": (
        b"customer,date,amount\n1,2099-01-01,5\n2,2099-01-02,5\n", ["audit", "bad.csv"], "the date is in the future",
    ),
    "no amount": (b"customer,date,colour\n1,2026-01-01,red\n2,2026-01-02,blue\n", ["audit", "bad.csv"], "--map amount"),
    "no heading known": (
        b"a,b,c\nx1,2026-01-01,5\ny2,2026-01-02,6\n", ["audit", "bad.csv"], '--map customer_id="a"',
    ),
    "unknown role": (b"customer,date,amount\n1,2026-01-01,5\n", ["audit", "bad.csv", "--map", "who=customer"], "who"),
    "amounts are text": (
        b"customer,date,amount\n1,2026-01-01,five\n2,2026-01-02,six\n", ["audit", "bad.csv"], "'five'",
    ),
    "future as-of text": (b"customer,date,amount\n1,2026-01-01,5\n", ["audit", "bad.csv", "--as-of", "soon"], "soon"),
    "as-of before all": (
        b"customer,date,amount\n1,2026-01-01,5\n", ["audit", "bad.csv", "--as-of", "2020-01-01"], "2020",
    ),
    "unknown currency": (b"customer,date,amount\n1,2026-01-01,5\n", ["audit", "bad.csv", "--currency", "XQZ"], "XQZ"),
    "unknown option": (None, ["audit", "--colour"], "--colour"),
    "unknown command": (None, ["audti"], "audti"),
    "unknown model": (None, ["clv", "x.csv", "--model", "arima"], "mbg_nbd"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_bad_input_is_explained_and_nothing_is_written(
    case: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, arguments, named = BAD[case]
    if content is not None:
        (tmp_path / "bad.csv").write_bytes(content)
    (tmp_path / "empty folder").mkdir()
    before = files_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGULARS_LANG", language)
    with pytest.raises(SystemExit) as done:
        main(arguments)
    said = capsys.readouterr().err
    assert done.value.code == 2, said
    assert named in said or language == "ru"
    assert said.strip()
    assert "Traceback" not in said
    assert {name for name in files_in(tmp_path) - before if not name.endswith("rejects.csv")} == set()


def test_dates_written_in_two_ways_are_read_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customer,date,amount\nAnna,2026-01-05,500\nBoris,06.02.2026,500\n")
    done = regulars("audit", "a.csv", "--out", "r.html", "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "written in another way than the rest of its column" in done.stderr
    document = json.loads(done.stdout)
    assert document["as_of"] == "2026-02-06"
    assert document["lifecycle"]["auc"] is None
    assert document["skipped"]


def test_when_one_result_cannot_be_written_none_is(few: str, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("old")
    done = regulars(
        "audit", few, "--out", "r.html", "--json", "new/a.json", "--customers-out", "/dev/full", "--xlsx",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "No space left for /dev/full" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"r.html", few}
    assert (tmp_path / "r.html").read_text() == "old"


def test_names_that_look_like_formulas_and_html_stay_text(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    rows = [f"\"=cmd|' /C calc'!A{n % 3}\",2026-0{1 + n % 9}-11,100" for n in range(60)]
    rows += [f"<script>alert({n % 4})</script>,2026-0{1 + n % 9}-12,100" for n in range(60)]
    (tmp_path / "x.csv").write_text("customer,date,amount\n" + "\n".join(rows) + "\n")
    done = regulars("audit", "x.csv", "--out", "r.html", "--xlsx", "b.xlsx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<script>alert" not in (tmp_path / "r.html").read_text()
    cells = [cell for sheet in load_workbook(tmp_path / "b.xlsx") for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)


def big_file(folder: Path) -> Path:
    """Enough to work on for some seconds."""
    rows = (f"{n % 5000},2026-0{1 + n % 9}-1{n % 10},{n % 100}.50" for n in range(1_500_000))
    path = folder / "big.csv"
    path.write_text("customer,date,amount\n" + "\n".join(rows) + "\n")
    return path


def stop_at_work(folder: Path, sign: signal.Signals, *, later: float = 0.0) -> tuple[int, str]:
    """Start an audit in `folder`, send it a signal once its reading has begun: exit code and messages."""
    process = subprocess.Popen(
        [sys.executable, "-m", "regulars", "audit", "big.csv", "--out", "r.html"],
        cwd=folder,
        env={**os.environ, "REGULARS_LANG": "en", "TMPDIR": str(folder), "REGULARS_TRACEBACK": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(folder.glob("regulars-*")):  # the folder of intermediate files
        assert process.poll() is None, "the work was over before it could be interrupted"
        time.sleep(0.05)
    time.sleep(later)
    process.send_signal(sign)
    _out, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.mark.parametrize(
    ("sign", "code", "later"),
    [
        (signal.SIGINT, 130, 0.0),
        (signal.SIGTERM, 143, 0.0),
        (signal.SIGTERM, 143, 2.0),  # amid the queries of the engine
        (signal.SIGHUP, 129, 1.0),
    ],
)
def test_a_request_to_end_leaves_nothing_half_written(
    sign: signal.Signals, code: int, later: float, tmp_path: Path
) -> None:
    big_file(tmp_path)
    found, errors = stop_at_work(tmp_path, sign, later=later)
    assert (found, "Traceback" in errors) == (code, False), errors
    assert "Nothing half-written" in errors
    assert files_in(tmp_path) == {"big.csv"}
    assert list(tmp_path.glob("regulars-*")) == []


@pytest.mark.parametrize(("sign", "expected"), [(signal.SIGTERM, Stopped), (signal.SIGINT, KeyboardInterrupt)])
def test_a_request_to_end_that_was_swallowed_is_raised_at_the_next_step(
    sign: signal.Signals, expected: type[BaseException]
) -> None:
    # tests that run beside each other have handlers of their own; a command begins with Python's
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _swallow_and_go_on(sign, expected)
    finally:
        signal.signal(signal.SIGINT, before)


def _swallow_and_go_on(sign: signal.Signals, expected: type[BaseException]) -> None:
    with orderly_end(), progress_bar() as bar:
        with contextlib.suppress(BaseException):  # as who takes a broken-off query for a failed one
            signal.raise_signal(sign)
        with pytest.raises(expected):
            bar.step("reading", None, None)
    with progress_bar() as bar:
        bar.step("reading", None, None)  # the next work is not concerned


def test_a_query_broken_off_by_a_request_to_end_is_no_defect() -> None:
    """The engine says only `Query interrupted`; the reason is the cause of its error."""
    engine_error = RuntimeError("Query interrupted")
    engine_error.__cause__ = Stopped(signal.SIGTERM)
    wrapped = RegularsError("cannot be read")
    wrapped.__context__ = engine_error
    assert exit_code_of_stop(wrapped) == 143
    assert exit_code_of_stop(RuntimeError("a defect")) is None


def test_help_speaks_both_languages(tmp_path: Path) -> None:
    russian = regulars("audit", "--help", cwd=tmp_path, REGULARS_LANG="ru").stdout
    english = regulars("audit", "--help", cwd=tmp_path).stdout
    assert "Options" in english
    assert "Options" not in russian
    assert "--customers-out" in russian
