"""internvl-nano: a very small InternVL, trained from nothing on rendered pictures, on one CPU core.

    lexicon -> scene -> draw -> questions -> sample -> batches -> train -> export -> evaluate
    words      what      pixels  what is      ids,      resumable   loop     checkpoint  table, JSON
    colours    is where  boxes   asked        labels    by step              folder

Run `python -m recipes.nano.train`, then `python -m recipes.nano.evaluate`, from the root of the repository.
"""
