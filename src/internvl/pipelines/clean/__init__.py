"""Cleaning image-text pairs: scores as columns, duplicates over the whole run, thresholds as a file, a report of what went and why.

    inputs --operators--> units with scores --duplicates--> groups --rules--> kept or reasons --> shards, ledger, report

Scores know nothing of thresholds: another set of rules needs no new scoring.
"""
