"""What is trained on top of a frozen encoder to find out what it knows: a linear probe, segmentation heads, and their loop."""
