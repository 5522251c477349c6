"""What an audit costs per million lines, from one million to many: the slope must be at most linear."""

from collections.abc import Iterable

from bench.audits import Audited


def rows(audits: Iterable[Audited]) -> list[tuple[str, str]]:
    """The cost of each, as pairs of label and figures; smaller ones first."""
    found, before = [], None
    for one in audits:
        millions = one.lines // 1_000_000
        each = one.process.seconds / millions
        slope = "" if before is None else f"; {each / before:.2f} of the row above"
        seconds, peak = one.process.seconds, one.process.peak_mib
        found.append(
            (f"{millions} M lines", f"{seconds:.1f} s, {each:.2f} s per million{slope}; {peak:,.0f} MiB at most")
        )
        before = each
    return found
