"""What the methods of several estimates share, in words."""

CONVENTION = "A number of the method itself, the same for every portfolio: {}."
REGRESSION = (
    "Ordinary least squares with intercept of {} on the changes of all factors that the pack has a series of, over the last 252"
    " sessions that are known of all of them; at least 60."
)
