"""Returns, risk, attribution, factors and lots: pure functions of arrays and frozen values. No Django, clock or log."""
