"""Parquet: read where it lies, lazily, whatever its size. Files with the same columns are one table."""

from collections.abc import Sequence

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.dialect import name_columns
from regulars.ingest.engine import Engine, path_literal
from regulars.ingest.sources import SourceFile
from regulars.ingest.table import Facts, RawTable, cell

_SAMPLE_ROWS = 1000
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")


def open_parquet(engine: Engine, sources: Sequence[SourceFile]) -> list[RawTable]:
    """One table for each set of equal columns among the files."""
    groups: dict[tuple[tuple[str, str], ...], list[SourceFile]] = {}
    for source in sources:
        groups.setdefault(_schema(engine, source), []).append(source)
    return [_table(engine, schema, members) for schema, members in groups.items()]


def _schema(engine: Engine, source: SourceFile) -> tuple[tuple[str, str], ...]:
    try:
        rows = engine.rows(f"DESCRIBE SELECT * FROM {_scan([source])}", source.label)
    except FileProblem as error:
        raise FileProblem(
            _("{file} is damaged or is no Parquet file. Copy or export it again.").format(file=source.label)
        ) from error
    return tuple((str(name), str(kind)) for name, kind, *_rest in rows)


def _scan(sources: Sequence[SourceFile], options: str = "") -> str:
    paths = ", ".join(path_literal(source.path) for source in sources)
    return f"read_parquet([{paths}], hive_partitioning=false{options})"


def _table(engine: Engine, schema: Sequence[tuple[str, str]], members: Sequence[SourceFile]) -> RawTable:
    source = members[0]
    if not schema:
        raise FileProblem(_("{file} has no columns.").format(file=source.label))
    names = [cell(position) for position in range(len(schema))]
    scan = _scan(members, ", file_row_number=true, filename=true")
    relation = f"SELECT {', '.join(names)}, line + 1 AS line, file FROM {scan} AS t({', '.join(names)}, line, file)"
    texts = ", ".join(f"{name}::VARCHAR" for name in names)
    rows = engine.rows(f"SELECT {texts} FROM ({relation}) LIMIT {_SAMPLE_ROWS}", source.label)
    return RawTable(
        source,
        name_columns([heading for heading, _kind in schema], len(schema)),
        relation,
        rows,
        Facts(format="Parquet"),
        types={position: kind for position, (_heading, kind) in enumerate(schema)},
        members=tuple(members),
    )


def is_nested(kind: str) -> bool:
    """Whether a column holds lists, records or raw bytes, which no role can use."""
    return kind.endswith("]") or kind.startswith(_NESTED)
