"""internvl-dual-nano: a small InternVL-C that knows emoji, stamps and drawings by their names in 25 languages."""
