"""The family of failures that we expect."""


class TieoutError(Exception):
    """Something we expect can go wrong did. Members carry data, never HTTP: execution.web.problems holds the one table."""
