"""Two audits side by side: who moved from which state to which."""

import json
from dataclasses import dataclass
from pathlib import Path

from regulars.analytics.lifecycle import STATES
from regulars.analytics.purchases import connect
from regulars.insights.models import AuditRun
from regulars.insights.results import CUSTOMERS, folder_of

NOBODY = "none"  # the customer was not known yet, or is not known any more
MOST_MOVERS = 20_000


@dataclass(frozen=True)
class Flows:
    """`counts[before][after]` customers; `NOBODY` before is who came in between, after: who was merged or erased."""

    counts: dict[str, dict[str, int]]

    @property
    def rows(self) -> list[str]:
        """The states before that anybody was in."""
        return [state for state in (*STATES, NOBODY) if self.counts.get(state)]

    @property
    def gone(self) -> bool:
        """Whether anybody is not known any more."""
        return any(NOBODY in after for after in self.counts.values())

    def count(self, before: str, after: str) -> int:
        """How many went this way."""
        return self.counts.get(before, {}).get(after, 0)


def flows(older: AuditRun, newer: AuditRun) -> Flows | None:
    """Counted once and remembered beside the newer audit; None where one of the tables is no longer kept."""
    if not older.folder or not newer.folder:
        return None
    memory = folder_of(newer) / f"flows-{older.pk}.json"
    if memory.exists():
        return Flows(json.loads(memory.read_text()))
    tables = folder_of(older) / CUSTOMERS, folder_of(newer) / CUSTOMERS
    if not all(table.exists() for table in tables):
        return None
    found = Flows(_counted(*tables))
    memory.write_text(json.dumps(found.counts))
    return found


def movers(older: AuditRun, newer: AuditRun, before: str, after: str) -> list[int]:
    """Who went this way, those who spent most; at most `MOST_MOVERS`. Nobody where a table is no longer kept."""
    tables = [folder_of(run) / CUSTOMERS for run in (older, newer)]
    if not older.folder or not newer.folder or not all(table.exists() for table in tables):
        return []
    engine = connect(memory_limit="1GB")
    then, now = (engine.read_parquet(str(table)) for table in tables)
    now = now.filter(now.state == after).select("customer_id", "amount")
    then = then.select("customer_id", "state")
    pairs = now.left_join(then, "customer_id")
    pairs = pairs.filter(pairs.state.fill_null(NOBODY) == before).order_by([pairs.amount.desc(), pairs.customer_id])
    return [int(key) for key in pairs.limit(MOST_MOVERS).customer_id.to_pyarrow().to_pylist() if key.isdigit()]


def _counted(older: Path, newer: Path) -> dict[str, dict[str, int]]:
    engine = connect(memory_limit="1GB")
    before, after = (engine.read_parquet(str(table)).select("customer_id", "state") for table in (older, newer))
    pairs = after.outer_join(before, "customer_id")
    rows = pairs.group_by(before=pairs.state_right.fill_null(NOBODY), after=pairs.state.fill_null(NOBODY)).aggregate(
        people=pairs.count()
    )
    counts: dict[str, dict[str, int]] = {}
    for row in rows.to_pyarrow().to_pylist():
        counts.setdefault(row["before"], {})[row["after"]] = row["people"]
    return counts
