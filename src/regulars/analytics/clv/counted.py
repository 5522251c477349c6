"""A customer base as counted unique tuples: what every purchase model is fitted on."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Above this the packed sorting key could overflow 64 bits: 2**20 days are 2,870 years.
_WHOLE_LIMIT = 2**20


def floats(values: ArrayLike) -> Floats:
    """`values` as an array of float64."""
    return np.asarray(values, dtype=np.float64)


def checked_tuples(frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three columns as float64 arrays of one shape; `ValueError` when they contradict each other."""
    x, t_x, t = np.broadcast_arrays(floats(frequency), floats(last_purchase_age), floats(age))
    if not all(np.isfinite(column).all() for column in (x, t_x, t)):
        raise ValueError("frequency, last_purchase_age and age must be finite numbers")
    if (x < 0).any() or (x != np.floor(x)).any():
        raise ValueError("frequency must be a whole number of repeat purchases, 0 or more")
    if (t_x < 0).any() or (t_x > t).any():
        raise ValueError("last_purchase_age must lie between 0 and age")
    if ((x == 0) != (t_x == 0)).any():
        raise ValueError("last_purchase_age must be 0 for one-time buyers and above 0 for the rest")
    return x, t_x, t


def _check_unit(unit_days: float) -> None:
    if not (np.isfinite(unit_days) and unit_days > 0):
        raise ValueError("unit_days must be above 0")


def _sorted_order(columns: tuple[Floats, ...]) -> NDArray[np.intp]:
    """The order that brings equal rows together; one packed integer sorts six times faster than three columns."""
    packable = all(c.size == 0 or (c.max() < _WHOLE_LIMIT and (c == np.floor(c)).all()) for c in columns)
    if not packable:
        return np.lexsort(columns)
    key = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        key = key * _WHOLE_LIMIT + column.astype(np.int64)
    return np.argsort(key)


def _group_starts(columns: tuple[Floats, ...]) -> NDArray[np.intp]:
    """Where a new distinct row begins in sorted columns."""
    if columns[0].size == 0:
        return np.zeros(0, dtype=np.intp)
    changed = np.ones(columns[0].size, dtype=bool)
    changed[1:] = False
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def _sums(values: Floats, starts: NDArray[np.intp]) -> Floats:
    return np.add.reduceat(values, starts) if starts.size else np.zeros(0)


@dataclass(frozen=True, eq=False)
class Counted:
    """Counted unique tuples: one element is one distinct (frequency, last_purchase_age, age) with its customers.

    Fitting cost depends on how many distinct tuples there are, not on how many customers.

    - `frequency` (x): repeat purchase days, that is purchase days minus one; a whole number.
    - `last_purchase_age` (t_x): units from the first purchase day to the last one; 0 exactly when x is 0.
    - `age` (T): units from the first purchase day to the end of observation. Customers whose first purchase
      is on that very day have age 0: they are kept and counted; their likelihood is exactly 1 under every
      model here, so they do not move any estimate.
    - `customers`: how many customers have the tuple (above 0; need not be whole).
    - `unit_days`: days in one unit of time, 7.0 for weeks. Ages are exact: days / unit_days, never rounded.
    - `sum_log_gaps`: for MBG/CNBD-k only: the natural logarithms of the gaps between purchase days, in units,
      summed over all gaps of all customers of the tuple; None when unknown.

    Raises `ValueError` for columns of different lengths, missing or negative values, a frequency that is not
    whole, t_x > T, or t_x that contradicts x.
    """

    frequency: Floats
    last_purchase_age: Floats
    age: Floats
    customers: Floats
    unit_days: float = 7.0
    sum_log_gaps: Floats | None = None

    def __post_init__(self) -> None:
        _check_unit(self.unit_days)
        columns = [self.frequency, self.last_purchase_age, self.age, self.customers]
        if self.sum_log_gaps is not None:
            columns.append(self.sum_log_gaps)
        if any(column.shape != (self.frequency.size,) for column in columns):
            raise ValueError("the columns must be one-dimensional and of one length")
        checked_tuples(*columns[:3])
        if not np.isfinite(self.customers).all() or (self.customers <= 0).any():
            raise ValueError("customers must be a number above 0")
        if self.sum_log_gaps is not None and not np.isfinite(self.sum_log_gaps).all():
            raise ValueError("sum_log_gaps must be finite: gaps between purchase days are above 0")

    @classmethod
    def from_days(
        cls,
        frequency: ArrayLike,
        last_purchase_age_days: ArrayLike,
        age_days: ArrayLike,
        customers: ArrayLike | None = None,
        *,
        unit_days: float = 7.0,
        sum_log_gaps: ArrayLike | None = None,
    ) -> Self:
        """Count equal rows and turn days into units.

        One input row is one customer, or `customers` of them. `sum_log_gaps` holds, per row, the natural
        logarithms of the gaps in days, summed over the gaps of all customers of that row (0 for one-timers).
        Missing values, contradictions and the errors they raise are those of the class.

        >>> base = Counted.from_days([0, 1, 0], [0, 7, 0], [70, 70, 70])
        >>> base.frequency.tolist(), base.last_purchase_age.tolist(), base.customers.tolist()
        ([0.0, 1.0], [0.0, 1.0], [2.0, 1.0])
        """
        _check_unit(unit_days)
        columns = checked_tuples(frequency, last_purchase_age_days, age_days)
        rows = columns[0].size
        counts = np.ones(rows) if customers is None else floats(customers)
        gaps = None if sum_log_gaps is None else floats(sum_log_gaps)
        if any(column.shape != (rows,) for column in (*columns, counts, *([] if gaps is None else [gaps]))):
            raise ValueError("the columns must be one-dimensional and of one length")
        order = _sorted_order(columns)
        x, t_x, t = (column[order] for column in columns)
        starts = _group_starts((x, t_x, t))
        n = _sums(counts[order], starts)
        if gaps is not None:
            gaps = _sums(gaps[order], starts) - n * x[starts] * np.log(unit_days)
        return cls(x[starts], t_x[starts] / unit_days, t[starts] / unit_days, n, unit_days, gaps)

    @property
    def n_customers(self) -> int:
        """How many customers there are in all."""
        return round(float(self.customers.sum()))

    @property
    def repeaters(self) -> int:
        """How many customers bought on more than one day."""
        return round(float(self.customers[self.frequency > 0].sum()))

    @property
    def purchases(self) -> float:
        """How many repeat purchase days there are in all."""
        return float(self.customers @ self.frequency)

    def in_units(self, scale: float) -> "Counted":
        """The same base with time measured in units `scale` times longer."""
        gaps = self.sum_log_gaps
        if gaps is not None:
            gaps = gaps - self.customers * self.frequency * np.log(scale)
        return Counted(
            self.frequency,
            self.last_purchase_age / scale,
            self.age / scale,
            self.customers,
            self.unit_days * scale,
            gaps,
        )

    def coarse(self, cells: int) -> "Counted":
        """The same base with ages averaged inside `cells` x `cells` boxes: a cheap stand-in for a first search.

        Frequencies stay exact. Estimates from it are starting points, never results.
        """
        width = max(float(self.age.max(initial=0.0)), np.finfo(float).tiny) / cells
        boxes = (self.frequency, np.floor(self.last_purchase_age / width), np.floor(self.age / width))
        order = _sorted_order(boxes)
        starts = _group_starts(tuple(box[order] for box in boxes))
        n = _sums(self.customers[order], starts)

        def mean(column: Floats) -> Floats:
            return _sums((self.customers * column)[order], starts) / n

        t_x, t = mean(self.last_purchase_age), mean(self.age)
        gaps = None if self.sum_log_gaps is None else _sums(self.sum_log_gaps[order], starts)
        # Averages of t_x = T can differ in the last bit.
        return Counted(self.frequency[order][starts], np.minimum(t_x, t), t, n, self.unit_days, gaps)
