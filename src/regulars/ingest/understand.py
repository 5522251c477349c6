"""A table whose columns have roles, and how its values are written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.content import Content, profile
from regulars.ingest.encoding import GUESSED
from regulars.ingest.engine import Engine
from regulars.ingest.guess import Assignment, assign
from regulars.ingest.parquet_files import is_nested
from regulars.ingest.table import RawTable


@dataclass(frozen=True)
class Understood:
    """One table with the roles of its columns."""

    table: RawTable
    contents: tuple[Content, ...]
    assignment: Assignment

    def heading_of(self, role: str) -> str:
        """What stands above the column that plays the role."""
        return self.table.headings[self.assignment.roles[role]]

    def check(self) -> None:
        """`ColumnProblem` with everything that must be settled before the table can be read."""
        if self.assignment.problems:
            lines = [f"{self.table.label}: {problem}" for problem in self.assignment.problems]
            if self.table.facts.encoding in GUESSED:
                lines.append(
                    _("The text was read as {encoding}. If its letters look wrong, save the file as UTF-8.").format(
                        encoding=self.table.facts.encoding
                    )
                )
            raise ColumnProblem("\n".join(lines))


def understand(engine: Engine, table: RawTable, mapping: Mapping[str, str]) -> Understood:
    """Look at the cells, then give the roles."""
    contents = tuple(
        replace(content, filled=0) if is_nested(table.type_of(position)) else content
        for position, content in enumerate(profile(engine, table))
    )
    assignment = assign(table.headings, contents, mapping)
    for role, column in assignment.roles.items():
        if is_nested(table.type_of(column)):
            assignment.problems.append(
                _("Column “{column}” holds lists or records, not values: it cannot be the {role}.").format(
                    column=table.headings[column], role=role
                )
            )
    return Understood(table, contents, assignment)
