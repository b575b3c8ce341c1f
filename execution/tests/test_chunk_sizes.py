"""How a job over all portfolios is cut into chunks."""

from execution.night import chunks


def test_a_chunk_ends_with_the_last_portfolio_or_the_last_transaction_that_fits(monkeypatch):
    monkeypatch.setattr(chunks, "MOST_PORTFOLIOS", 3)
    monkeypatch.setattr(chunks, "MOST_TRANSACTIONS", 100)

    assert chunks.split([]) == []
    assert chunks.split([(n, 1) for n in range(7)]) == [[0, 1, 2], [3, 4, 5], [6]]
    assert chunks.split([(1, 60), (2, 40), (3, 1), (4, 500), (5, 0), (6, 100)]) == [[1, 2], [3], [4], [5, 6]]
