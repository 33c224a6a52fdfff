"""Whether `diagnose` finds what was planted, or what gives the same maps."""
