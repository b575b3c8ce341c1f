"""Microseconds of a step that does nothing, in a chain run by langgraph, as JSON; run by the Python of an environment with it."""

import json
import sys
from statistics import median
from time import perf_counter
from typing import TypedDict

from langgraph.graph import END, START, StateGraph

STEPS, RUNS = 50, 40


class State(TypedDict):
    x: int


def main() -> None:
    graph = StateGraph(State)
    for number in range(STEPS):
        graph.add_node(f"s{number}", lambda state: {"x": state["x"] + 1})
        graph.add_edge(f"s{number - 1}" if number else START, f"s{number}")
    graph.add_edge(f"s{STEPS - 1}", END)
    chain, took = graph.compile(), []
    for _ in range(RUNS):
        started = perf_counter()
        answer = chain.invoke({"x": 0}, {"recursion_limit": STEPS + 10})
        took.append(perf_counter() - started)
        if answer["x"] != STEPS:
            raise RuntimeError("the chain does not count its steps")
    json.dump(median(took[1:]) / STEPS * 1e6, sys.stdout)


main()
