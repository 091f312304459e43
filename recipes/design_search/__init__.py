"""The search for a small InternViT under a budget of parameters, by contrastive learning as the proxy task (InternVL 1.0, 3.2)."""
