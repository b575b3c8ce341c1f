"""Generated ledgers against a second computation: a made market, operations, the computation, and the comparison."""

COUNT, SEED, WITHOUT, ONLY = (f"TIEOUT_LEDGERS_{name}" for name in ("COUNT", "SEED", "WITHOUT", "ONLY"))
"""What a run is told by its environment."""
