"""One trainer for every stage: what learns, how fast, on what, and how a run survives."""
