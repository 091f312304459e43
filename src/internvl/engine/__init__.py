"""What answers: sampling, caches, the generation loop, and the objects users hold."""
