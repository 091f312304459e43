"""The data generator: pictures with questions and true answers, every sample from a seed."""
