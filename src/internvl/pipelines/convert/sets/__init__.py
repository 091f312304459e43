"""One data set a file: which published files it reads, and how a row of them becomes a conversation."""
