"""Tensors in, tensors out: InternViT, the projector, the decoder, and InternVL made of the three. No files, flags or tokenizers."""
