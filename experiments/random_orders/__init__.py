"""Whether a random order of pixels gains nothing, on every trained network and with every fill."""
