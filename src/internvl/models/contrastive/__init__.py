"""InternVL 1.0: pictures and texts as vectors of one space (InternVL-C, InternVL-G), and captions."""
