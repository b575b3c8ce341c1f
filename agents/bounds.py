"""What numbers and days a capability may be asked with: types of arguments, whose bounds the runtime and the linter hold."""

from datetime import date
from typing import Annotated

from agents.contract import Between

Day = Annotated[date, Between(date(1900, 1, 1), date(2199, 12, 31))]
DaysAhead = Annotated[int, Between(1, 3_650)]
HorizonDays = Annotated[int, Between(1, 252)]
LookbackDays = Annotated[int, Between(1, 100_000)]
LookbackWeeks = Annotated[int, Between(1, 5_200)]
LookbackHours = Annotated[int, Between(1, 87_600)]
WindowLength = Annotated[int, Between(1, 100_000)]
"""Observations of a rolling figure."""
RowLimit = Annotated[int, Between(1, 10_000)]
"""How many rows an answer has at most."""
TaxYearNumber = Annotated[int, Between(1900, 2200)]

Amplification = Annotated[float, Between(0.0, 10.0)]
Confidence = Annotated[float, Between(0.5, 0.999)]
CostBp = Annotated[float, Between(0.0, 10_000.0)]
Share = Annotated[float, Between(0.0, 1.0)]
