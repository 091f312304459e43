"""The kinds of input files: one file each for lines, lists, Parquet, tar shards and folders of pictures."""
