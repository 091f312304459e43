"""The small networks behind `watermark` and `aesthetic` of `internvl data clean`: made labels on real pictures, one CPU core.

    pictures -> canvas -> marks | faults -> pieces -> train -> fold -> weights in the package -> measure -> cards

    python -m recipes.scorers.train --model watermark && python -m recipes.scorers.measure --model watermark

Every step can be stopped at any moment and goes on where it was.
"""
