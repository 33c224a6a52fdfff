"""Which networks can be imported: those that people use, from each exporter, in every column."""
