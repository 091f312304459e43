"""Scores of pictures for cleaning: a watermark over them, how well they are made, whether they are unsafe.

    encoded picture --open_image--> RGB --one small network each--> number of 0 to 1 in a column

The networks of `watermark` and `aesthetic` are trained by recipes/scorers and ship with the package; `unsafe` is another package's.
"""
