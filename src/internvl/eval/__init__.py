"""Evaluation: benchmark files -> samples -> answers of any generator -> scores that say how they were made.

    task.samples(root) -> Sample -> Generator -> Answer -> task.score -> Scored (one JSON line) -> task.aggregate -> Result

One benchmark a file in `tasks/`, one loop for all of them in `runner`, metrics as plain functions in `metrics/`.
"""
