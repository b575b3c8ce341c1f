"""Where the outside world's data comes from: one module per provider, all of one shape."""
