"""A condition for each change, further in its direction; none where nothing changed."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from portfolio.macro import alert_presets
from portfolio.macro.trends import Shift, TrendShifts

SINCE = date(2012, 3, 2)
FIGURES = st.floats(-5, 5).filter(lambda each: abs(each) > 1e-3)


@given(st.sampled_from(["indicator", "exposure"]), FIGURES, FIGURES)
def test_the_threshold_lies_beyond_where_it_is_in_the_direction_of_the_change(kind, value, change):
    shift = Shift(kind, "CPIAUCSL", "Consumer prices", "3.01 percent", "1.68 percent", SINCE, change, value, change)

    (preset,) = alert_presets.suggest(TrendShifts(52, (shift,))).suggestions

    threshold = float(preset.threshold.replace("−", "-"))
    assert preset.operator == (">" if change > 0 else "<")
    assert threshold >= value - 0.005 if change > 0 else threshold <= value + 0.005
    assert (preset.current_value, preset.change) == (value, change)
    assert "2012-03-02" in preset.reason


def test_a_regime_is_watched_for_its_end():
    shift = Shift("regime", "regime", "Regime", "Mid expansion", "Late expansion", SINCE, None)

    (preset,) = alert_presets.suggest(TrendShifts(52, (shift,))).suggestions

    assert (preset.operator, preset.threshold) == ("!=", "Late expansion")
    assert preset.trigger_description == "when it is no longer Late expansion"


def test_without_a_change_there_is_nothing_to_watch_and_it_says_so():
    found = alert_presets.suggest(TrendShifts(52, ()))

    assert (found.suggestions, found.status, found.reason) == ((), "unavailable", "no_shift")
