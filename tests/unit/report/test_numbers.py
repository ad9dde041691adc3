"""Numbers and intervals as text."""

import pytest

from batch_race.report.numbers import bracket, interval, number


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (999.4, "999"), (1234.5, "1,234"), (-2000, "-2,000")]
)
def test_a_number_has_three_digits_or_all_before_the_point(value, text):
    assert number(value) == text


def test_an_unknown_end_of_an_interval_is_an_ellipsis():
    assert interval(1, 2) == " [1, 2]"
    assert interval(None, None) == " […, …]"
    assert interval(1, None, "95 %") == " [1, …; 95 %]"


def test_a_bracket_of_equal_texts_is_one_number():
    assert bracket(1.0001, 1.0002) == "1"
    assert bracket(1.04, 1.06) == "1.04–1.06"
