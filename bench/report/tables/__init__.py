"""One file a table, found by its name: nothing is registered anywhere.

A table's module has `STAGES` (whose rows it reads) and `make(frame) -> Table`; one without data is
not written.
"""
