"""What an audit costs per million lines, from one million to many: the slope must be at most linear."""

from bench.audits import audit
from bench.history import history_file

MILLIONS = (1, 10, 50)
MOST_MILLIONS = (200,)  # takes an hour and 10 GB of disk: only on demand


def rows(*, full: bool) -> list[tuple[str, str]]:
    """What was measured, as pairs of label and figures."""
    found, before = [], None
    for millions in MILLIONS + (MOST_MILLIONS if full else ()):
        ours = audit(history_file(millions * 1_000_000))
        each = ours.seconds / millions
        slope = "" if before is None else f"; {each / before:.2f} of the row above"
        figures = f"{ours.seconds:.1f} s, {each:.2f} s per million{slope}; {ours.peak_mib:,.0f} MiB at most"
        found.append((f"{millions} M lines", figures))
        before = each
    return found
