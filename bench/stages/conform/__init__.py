"""Conformance: what every library computes, on probes of which every number is known."""
