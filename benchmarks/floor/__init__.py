"""The least that a token-authenticated answer out of PostgreSQL can cost with the same parts."""
