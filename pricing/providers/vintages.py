"""Series of which each figure has the day on which it became known: FRED's vintages, and what of an answer is new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pricing.archive.contents import ArchiveReading
from pricing.models import Series
from pricing.providers import fred
from pricing.providers.conversation import Conversation
from pricing.providers.fields import UnusableRow

FIRST_DAY = date(1800, 1, 1)
VINTAGE_YEARS = 5
"""FRED tells at most 2,000 vintages at once; a daily series has some 250 a year. Vintages begin in the nineties."""


def ask_fred(conversation: Conversation) -> None:
    """Every vintage of each series, so that a figure enters on the day it was published."""
    series_rows = {row.id: row for row in conversation.reading.series}
    sources = dict(Series.objects.values_list("id", "source"))
    for series in conversation.only or sorted(
        series for series, source in sources.items() if source == fred.PROVIDER.code
    ):
        if sources.get(series, fred.PROVIDER.code) != fred.PROVIDER.code:
            conversation.questions += 1
            conversation.fail(series, "observations", f"its source is {sources[series]}")
            continue
        if series not in series_rows:
            described = conversation.ask(series, "terms", fred.fetch_series, series)
            if described is None:
                continue
            conversation.refuse(described.refused, series)
            if not described.rows:
                continue
        earlier_values = known_values(conversation.reading, series)
        since = conversation.outcome.first if earlier_values else fred.FIRST_VINTAGE
        answers = []
        for begin, end in _windows(since, conversation.outcome.last):
            answer = conversation.ask(
                series,
                f"vintages from {begin}",
                fred.fetch_observations,
                series,
                first=FIRST_DAY,
                last=conversation.outcome.last,
                known_from=begin,
                known_to=end,
            )
            if answer is None:
                break  # a later vintage without the ones before would be dated too late
            answers.append(answer)
        else:
            if series not in series_rows:
                (row,) = described.rows  # type: ignore[union-attr]
                copyright = conversation.ask(series, "copyright", fred.fetch_copyright, series)
                if copyright is not None and copyright.rows:
                    conversation.outcome.copyrights[series] = copyright.rows[0].tag
                conversation.rows["macro_series.csv"].append(
                    {
                        "id": row.id,
                        "title": row.title,
                        "unit": row.unit,
                        "frequency": row.frequency,
                        "source": row.source,
                    }
                )
            for answer in answers:
                conversation.refuse(answer.refused, series)
            take_observations(conversation, series, earlier_values, [row for answer in answers for row in answer.rows])


def _windows(since: date, last: date) -> Iterator[tuple[date, date]]:
    begin = since
    while begin <= last:
        year = max(begin.year, 1995) + VINTAGE_YEARS
        end = date(year, 1, 1) - timedelta(days=1)
        yield begin, min(end, last)
        begin = end + timedelta(days=1)


def known_values(reading: ArchiveReading, series: str) -> dict[date, list[tuple[date, Decimal]]]:
    """By observation date, rising by the day it was known: what the loaded folder says. Where it does not say when, nothing."""
    by_date: dict[date, list[tuple[date, Decimal]]] = {}
    observations = reading.observations
    codes = [code for code, row in enumerate(reading.series) if row.id == series]
    for code in codes:
        for row in (observations.series == code).nonzero()[0].tolist():
            known_at = observations.known_at[row].item()
            if known_at is not None:
                by_date.setdefault(observations.date[row].item(), []).append(
                    (known_at, Decimal(observations.value[row].decode()))
                )
    return by_date


def take_observations(
    conversation: Conversation,
    series: str,
    earlier_values: Mapping[date, Sequence[tuple[date, Decimal]]],
    rows: Sequence[Any],
) -> None:
    """Add the figures that are new. An answer repeats the value in force on the first day that was asked for: that is not new."""
    values_of = {day: list(values) for day, values in earlier_values.items()}
    for row in sorted(rows, key=lambda row: (row.observation_date, row.realtime_start)):
        if row.value is None:
            conversation.outcome.missing += 1
            continue
        if row.realtime_start < row.observation_date:
            rule = f"lies before the observation, {row.observation_date}"
            refused_row = UnusableRow(
                row.source, "observation", "", str(row.observation_date), "realtime_start", f"{row.value:f}", rule
            )
            conversation.refuse([refused_row], series)
            continue
        of_day = values_of.setdefault(row.observation_date, [])
        before = [value for known_at, value in of_day if known_at <= row.realtime_start]
        if before and before[-1] == row.value:
            continue
        of_day.append((row.realtime_start, row.value))
        of_day.sort()
        conversation.rows["macro.csv"].append(
            {
                "date": row.observation_date.isoformat(),
                "series_id": series,
                "value": format(row.value, "f"),
                "source": row.source,
                "known_at": row.realtime_start.isoformat(),
                "vintage": row.realtime_start.isoformat(),
            }
        )
