"""What the embedded model can do, measured by one command: python -m recipes.nano.measure --model internvl-nano --out runs/measure."""
