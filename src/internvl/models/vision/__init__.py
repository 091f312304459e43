"""InternViT: patches in, one vector a patch out."""
