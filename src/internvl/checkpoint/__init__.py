"""Checkpoints on disk: finding them, reading and writing both layouts, converting between them."""
