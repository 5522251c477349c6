"""Jobs to be done: products that people put together, or buy one after the other, for one purpose."""

from collections import defaultdict
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from regulars.analytics.baskets import BoughtTogether
from regulars.analytics.findings import Found
from regulars.analytics.sequences import BoughtInSequence
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

CLOSEST = 2  # partners of each product that count
LARGEST = 8
SMALLEST = 3
STRONG = 1.5  # times chance, at the lower end

Links = dict[str, list[tuple[float, str]]]


@dataclass(frozen=True, repr=False)
class Jobs(Found):
    """Groups of products that serve one job: `groups` has `job_no` (from 1, the closest first) and `product`."""

    count: int
    groups: ir.Table


def jobs(together: BoughtTogether | None, in_sequence: BoughtInSequence | None) -> Jobs:
    """Group products by their closest connections.

    Two products are linked when each is among the other's two closest partners: by the lower end of `times` of a
    reliable pair (1.5 or more); a reliable sequence links its two products in any case. Groups are what hangs together
    by links, three to eight products; larger ones say nothing and are left out. No test of their own: each link has
    passed one. `NotEnoughData` when there are neither pairs nor sequences to build on.
    """
    if together is None and in_sequence is None:
        raise NotEnoughData(_("Jobs are seen from what is bought together or in sequence, and neither could be told."))
    groups = sorted(_groups(together, in_sequence), key=lambda group: (-len(group), sorted(group)))
    rows = [
        {"job_no": number, "product": product}
        for number, group in enumerate(groups, start=1)
        for product in sorted(group)
    ]
    schema = pa.schema([("job_no", pa.int64()), ("product", pa.string())])
    return Jobs((), (), len(groups), ibis.memtable(pa.Table.from_pylist(rows, schema)))


def _groups(together: BoughtTogether | None, in_sequence: BoughtInSequence | None) -> list[set[str]]:
    links: dict[str, set[str]] = defaultdict(set)
    for first, second in [*_mutual(together), *_sequences(in_sequence)]:
        links[first].add(second)
        links[second].add(first)
    left, groups = set(links), []
    while left:
        group, edge = set(), [min(left)]
        while edge:
            product = edge.pop()
            if product not in group:
                group.add(product)
                edge.extend(links[product] - group)
        left -= group
        groups.append(group)
    return [group for group in groups if SMALLEST <= len(group) <= LARGEST]


def _mutual(together: BoughtTogether | None) -> list[tuple[str, str]]:
    if together is None:
        return []
    pairs = together.pairs.filter(together.pairs.low >= STRONG).select("first", "second", "low")
    partners: Links = defaultdict(list)
    rows = pairs.to_pyarrow().to_pylist()
    for row in rows:
        partners[row["first"]].append((-row["low"], row["second"]))
        partners[row["second"]].append((-row["low"], row["first"]))
    closest = {product: {name for _low, name in sorted(found)[:CLOSEST]} for product, found in partners.items()}
    return [
        (row["first"], row["second"])
        for row in rows
        if row["second"] in closest[row["first"]] and row["first"] in closest[row["second"]]
    ]


def _sequences(in_sequence: BoughtInSequence | None) -> list[tuple[str, str]]:
    if in_sequence is None:
        return []
    rows = in_sequence.sequences.select("first", "second").to_pyarrow().to_pylist()
    return [(row["first"], row["second"]) for row in rows]
