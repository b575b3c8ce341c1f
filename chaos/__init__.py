"""Attacks that anyone can run against their own service: each prints what it counted, and ends with 1 where a promise broke."""
