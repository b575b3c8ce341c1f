"""A number of things in words: 1 finding, 1,234 findings."""


def number_of(count: int, noun: str) -> str:
    """The count with its noun, which is given in the singular, as English has it of one and of others."""
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """By the rule: entry is entries, day is days, loss is losses."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
