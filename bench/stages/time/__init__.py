"""The stage `time`: agree, then clock."""
