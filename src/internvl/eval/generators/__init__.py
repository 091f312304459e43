"""The generators: `engine` (our models, batched), `remote` (an OpenAI-compatible service), `replay` (a file), `fake` (for tests)."""
