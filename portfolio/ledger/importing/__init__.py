"""Data from elsewhere as rows of one shape, and rows as the text of a ledger. One module a format; `formats` knows them all.

Pure: bytes in, values out. Nothing here knows a database, a repository or a clock.
"""
