"""The application at the size it is made for: an import, the nightly work, pages and the interface, in one run.

python -m bench application                       20 million lines, a million customers: an hour, 25 GB of disk
python -m bench application --lines 1000000       a small one: minutes
"""

from bench.application.installation import installed
from bench.history import DATA, history_file


def rows(lines: int) -> list[tuple[str, str]]:
    """Everything that is measured of the application, as pairs of label and figures."""
    source = history_file(lines)
    with installed(DATA / f"application-{lines}") as installation:
        from bench.application.measured import rows_of  # noqa: PLC0415 - models can be imported from here on

        return rows_of(installation, source, lines)
