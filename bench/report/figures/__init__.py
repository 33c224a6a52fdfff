"""One file a figure, found by its name: nothing is registered anywhere.

A figure's module has `TITLE`, `STAGES` (whose rows it reads) and `draw(frame)`, which yields
(file stem, sheet of charts) and nothing where the rows permit nothing.
"""
