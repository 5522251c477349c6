"""Many comparisons: textbook values, and what must hold of any p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from regulars.analytics.corrections import q_values, shrink, two_sided


def test_the_fifteen_p_values_of_benjamini_and_hochberg_1995_section_4() -> None:
    small = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p = np.array([*small, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000])
    assert int((q_values(p) <= 0.05).sum()) == 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_it_is_what_scipy_computes(p: list[float]) -> None:
    assert q_values(np.array(p)) == pytest.approx(stats.false_discovery_control(p))


def test_what_could_not_be_tested_is_no_comparison() -> None:
    found = q_values(np.array([np.nan, 0.01, np.nan]))
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == pytest.approx(0.01)


def test_z_of_1_96_is_five_percent() -> None:
    assert two_sided(np.array([1.959964, -1.959964])) == pytest.approx([0.05, 0.05], abs=1e-6)


def test_noise_is_shrunk_to_nothing_and_large_effects_are_kept() -> None:
    noise, _variances = shrink(np.array([0.5, -0.5, 0.2]), np.ones(3))
    assert (noise == 0).all()
    large, variances = shrink(np.array([10.0, -10.0, 9.0]), np.ones(3))
    assert (np.abs(large) > 8.5).all()
    assert (variances < 1).all()
