"""From records on disk to batches in memory, deterministically, with everything that was left out in a ledger."""
