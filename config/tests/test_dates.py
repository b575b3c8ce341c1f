from datetime import date

import pytest

from config import dates


def test_a_day_is_written_as_year_month_day():
    assert dates.parse("2013-03-01") == date(2013, 3, 1)


@pytest.mark.parametrize(
    "text", ["20130301", "2013-3-1", "2013-02-30", "2013-W09-5", "2013-03-01T00:00", "", "２013-03-01"]
)
def test_no_other_form_is_a_date(text):
    with pytest.raises(ValueError, match=r"not a date|out of range"):
        dates.parse(text)
