"""Weights of 8 and 4 bits: what a quantised layer is, and how a model becomes one of such layers."""
