from argparse import ArgumentParser
from datetime import date

import pytest

from config import dates
from config.command import day_argument


def test_a_day_is_written_as_year_month_day():
    assert dates.parse("2013-03-01") == date(2013, 3, 1)


@pytest.mark.parametrize(
    "text", ["20130301", "2013-3-1", "2013-02-30", "2013-W09-5", "2013-03-01T00:00", "", "２013-03-01"]
)
def test_no_other_form_is_a_date(text):
    with pytest.raises(ValueError, match=r"not a date|no date of the calendar"):
        dates.parse(text)


def test_an_option_that_is_no_day_is_refused_in_words(capsys):
    parser = ArgumentParser()
    parser.add_argument("--date", type=day_argument)

    with pytest.raises(SystemExit):
        parser.parse_args(["--date", "20130301"])

    assert "argument --date: '20130301' is not a date written as YYYY-MM-DD" in capsys.readouterr().err
