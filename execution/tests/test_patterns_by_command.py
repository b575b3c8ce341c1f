"""Every pattern of agents on the command line, with the demo: it answers, and says what its result rests on."""

import pytest
from django.core.management import call_command

PATTERNS = (
    "portfolio_macro_overview", "macro_trend_monitor", "portfolio_scenario_analysis", "macro_cycles_overview",
    "portfolio_cycle_risk", "cycle_deleveraging_scenarios", "corporate_actions_upcoming", "news_impact_analysis",
    "portfolio_tax_report", "portfolio_in_words",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_answers_on_the_command_line(demo, capsys, pattern):
    with demo.role("job"):
        call_command("execute", pattern, "--portfolio", "public")

    printed = capsys.readouterr().out
    assert "Ties out to" in printed
    assert pattern in printed
    assert "Traceback" not in printed
