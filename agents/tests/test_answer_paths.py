"""Which paths of a result a template may name: those that are in the answer."""

from agents import contract, registry
from portfolio.performance.measures import FIGURE_OF_KEY
from portfolio.performance.metric import Metric


def test_what_is_handed_on_is_no_path_of_the_answer():
    nav = registry.get("portfolio.historical_nav").data_type

    paths = set(contract.field_types(nav))

    assert {"dates", "values", "gaps"} <= paths
    assert not {"life", "whole", "risk_free", "benchmark", "factor_levels", "securities"} & paths


def test_a_record_declares_its_head_and_a_metric_for_every_figure():
    record = registry.get("metrics.compute").data_type

    paths = contract.paths(record)

    assert {name for name, declared in paths.items() if declared is Metric} == set(FIGURE_OF_KEY)
    assert contract.type_at(record, ["twr_1y", "value"]) == contract.type_at(Metric, ["value"])
    assert paths["benchmark"] == str | None
