"""A portfolio overview on a terminal."""
