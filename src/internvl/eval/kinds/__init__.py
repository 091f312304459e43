"""What benchmarks of one kind share: questions with short answers, with a letter, with yes or no.

A kind reads the published files, lays out the prompt and scores; a benchmark in `tasks/` is a small file of facts about one of them.
"""
