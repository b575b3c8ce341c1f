"""Figures taken apart: what went into each, down to rows of packs and transactions of the ledger. Pure: nothing is read here.

An explanation is made of the very objects that the figure was computed from, by the functions that computed it.
"""
