"""Who may come in: how often it may be tried, what a try may cost, the second factor, and what a log-out ends."""
