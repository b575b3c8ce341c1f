"""Generated ledgers against a second computation: a made market, operations, the computation, and the comparison."""
