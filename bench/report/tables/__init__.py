"""One file a table, found by its name: nothing is registered anywhere.

A table's module has `TITLE`, `STAGES` (whose rows it reads) and `make(frame) -> list of Table`,
which gives nothing where the rows permit nothing.
"""
