"""Economic series against their own past, and what they say together."""
