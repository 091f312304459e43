"""The embedded model: its sizes, its vocabulary, and the stages that train it."""
