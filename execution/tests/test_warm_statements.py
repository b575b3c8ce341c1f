"""What an answer that is stored costs the database: the number of statements of a page, and of the API, is known.

The demo of the tests has no benchmark, which adds two: its components, and the one-month rates.
"""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test import Client

OF_AN_ANSWER = 7
"""Who asks; pattern, portfolio, pack, ledger revision, risk-free series, rights."""
OF_A_FRAME = 4
"""Who asks; patterns, portfolios, pack days."""


def statements(ask: Callable[[], object]) -> list[object]:
    """What is sent while something is asked; not the beginnings and ends of transactions."""
    sent: list[object] = []

    def note(execute, statement, params, many, context):
        sent.append(statement)
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        ask()
    return sent


@pytest.mark.parametrize("pattern", ["portfolio_overview", "performance", "portfolio_holdings"])
def test_the_number_of_statements_of_a_page_whose_answer_is_stored_is_known(demo, pattern):
    owner, address = demo.client("owner"), f"/portfolios/public/{pattern}/"
    owner.get(address)

    sent = statements(lambda: owner.get(address))

    # session and user; who asks, the portfolio that the address names, the pattern whose inputs it may name
    assert len(sent) == 2 + 3 + OF_AN_ANSWER + OF_A_FRAME, "\n".join(map(str, sent))


def test_the_number_of_statements_of_a_stored_answer_of_the_api_is_known(demo):
    question = {"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id)}
    ask = partial(
        Client().post,
        "/v1/execute",
        question,
        content_type="application/json",
        headers={"Authorization": f"Bearer {demo.token('owner')}"},
    )
    ask()

    sent = statements(ask)

    assert len(sent) == 1 + OF_AN_ANSWER, "\n".join(map(str, sent))
