"""An explanation on the terminal: each term stands below what it is part of."""

from execution.terminal import explained

ABOUT = {
    "ledger_commit_hash": "d6b0f73b345b",
    "pricing_pack_id": "PP_2013-03-01_ECB_EUR_r1",
    "pattern_id": "portfolio_overview",
    "pattern_version": "1.6.0",
}


def test_a_term_that_is_explained_elsewhere_keeps_its_place():
    quantity = {"name": "quantity", "value": "687", "unit": "units", "path": "/valued_positions/positions/0/quantity"}
    price = {"name": "price", "value": "430.47", "unit": "USD"}
    document = {"what": "Value", "name": "value", "value": "295732.89", "unit": "USD", "metadata": ABOUT}

    lines = list(explained.lines({**document, "terms": [quantity, price]}))

    assert lines[-2:] == [
        "  quantity 687 units \N{RIGHTWARDS ARROW} /valued_positions/positions/0/quantity",
        "  price 430.47 USD",
    ]


def test_a_name_from_others_is_put_on_one_line():
    document = {"what": "Value\x1b[2J", "name": "value", "value": "1", "unit": "USD", "metadata": ABOUT}

    assert next(explained.lines(document)) == "Value [2J: 1 USD"
