"""Cases after what users of portfolio trackers report, each with the right values, worked out by hand.

The files are in `files`, the market in `market` (computed) and `woods` (told day by day).
"""
