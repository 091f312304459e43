"""Pictures and clips, from files to tiles: `image` opens, `tiling` plans, `pixels` cuts, `video` picks stills.

    file, bytes, array --image--> RGB picture --tiling--> grid --pixels--> tiles float32[T, 3, S, S]
    clip --video--> RGB stills, each then treated as a picture

Pillow and PyAV are used here and nowhere else in the package.
"""
