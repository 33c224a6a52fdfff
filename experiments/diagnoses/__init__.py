"""Whether `diagnose` finds what was planted, and in maps of libraries what is stated of them."""
