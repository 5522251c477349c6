"""Static charts: Vega-Lite marks on a canvas of our own, drawn by vl-convert into SVG that the page colours."""

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick
from regulars.report.charts.columns import month_columns, month_ticks
from regulars.report.charts.curves import Curve, Mark, curves
from regulars.report.charts.funnel import Dot, funnel
from regulars.report.charts.histogram import histogram
from regulars.report.charts.periods import Next, period_columns

__all__ = [
    "NARROW",
    "WIDE",
    "Canvas",
    "Curve",
    "Dot",
    "Mark",
    "Next",
    "Size",
    "Tick",
    "curves",
    "funnel",
    "histogram",
    "month_columns",
    "month_ticks",
    "period_columns",
]
