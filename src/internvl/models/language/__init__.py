"""One decoder for every language model of the family: Qwen2, Qwen3, InternLM2, InternLM3, Llama, Yi and Phi-3."""
