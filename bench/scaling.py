"""What an audit costs per million lines, from one million to many: the slope must be at most linear.

Counted in seconds of a core: other work on the machine hardly changes them, and a run over many lines is a long one.
"""

from collections.abc import Iterable

from bench.audits import Audited


def rows(audits: Iterable[Audited]) -> list[tuple[str, str]]:
    """The cost of each, as pairs of label and figures; smaller ones first."""
    found, before = [], None
    for one in audits:
        millions = one.lines // 1_000_000
        each = one.process.cpu_seconds / millions
        slope = "" if before is None else f"; {each / before:.2f} of the row above"
        cpu, peak = one.process.cpu_seconds, one.process.peak_mib
        found.append((f"{millions} M lines", f"{cpu:.0f} s, {each:.2f} s per million{slope}; {peak:,.0f} MiB at most"))
        before = each
    return found
