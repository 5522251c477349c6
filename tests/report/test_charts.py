import datetime as dt
import re

import pytest

from regulars.report import charts
from regulars.report.charts import NARROW, WIDE, Canvas, Curve, Tick
from regulars.report.charts.canvas import nice_ticks
from regulars.report.charts.columns import month_ticks

MONTHS = [dt.date(2024 + i // 12, i % 12 + 1, 1) for i in range(30)]


@pytest.mark.parametrize("highest", [0, 1e-9, 1, 7, 53, 417, 999, 1e15, 9.2e18])
def test_ticks_are_few_and_reach_the_highest_value(highest: float) -> None:
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert 2 <= len(ticks) <= 7


def test_a_phone_gets_fewer_month_labels_than_a_desk_and_each_year_is_named() -> None:
    wide, narrow = month_ticks(MONTHS, WIDE), month_ticks(MONTHS, NARROW)
    assert len(narrow) < len(wide) <= 14
    assert sum("2025" in tick.label for tick in wide) == 1


def test_whatever_a_label_says_stays_text() -> None:
    evil = '</text><script>alert(1)</script>" onload="x'
    canvas = Canvas(WIDE, (0, 1), (0, 1), [Tick(0, evil)], [Tick(1, "datum['x']")])
    canvas.text((0.5, 0.5), evil)
    drawing = canvas.draw(evil)
    assert "<script" not in drawing
    assert re.search(r'aria-label="[^"]*&lt;script&gt;', drawing)
    assert drawing.count("&lt;script&gt;") == 3
    assert "datum['x']" in drawing


def test_a_drawing_has_no_ids_fonts_or_links_of_its_own() -> None:
    wide, narrow = charts.month_columns(
        MONTHS, [("accent", [5.0] * 30), ("quiet", [1.0] * 30)], label=str, description="x", unfinished=True
    )
    for drawing in (wide, narrow):
        assert not re.search(r" id=|font-family|xlink:href|url\(|http://(?!www\.w3\.org)", drawing)
        assert 'fill="var(--accent)"' in drawing


def test_a_curve_without_a_single_point_is_still_a_drawing() -> None:
    wide, _narrow = charts.curves(
        [Curve("accent", [(0.0, None), (1.0, None)])], x_ticks=lambda _size: [], y_label=str, description="nothing"
    )
    assert wide.startswith("<svg")


def test_a_label_beyond_the_data_is_left_out() -> None:
    wide, _narrow = charts.curves(
        [Curve("accent", [(0.0, 1.0), (19.0, 2.0)])],
        x_ticks=lambda _size: [Tick(n, f"month {n}") for n in (0, 12, 24)],
        y_label=str,
        description="x",
    )
    assert "month 12" in wide
    assert "month 24" not in wide


def test_a_break_in_a_curve_is_not_bridged() -> None:
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, None), (3.0, 2.0), (4.0, 1.0)]
    wide, _narrow = charts.curves([Curve("accent", points)], x_ticks=lambda _size: [], y_label=str, description="x")
    assert wide.count('stroke="var(--accent)"') == 2
