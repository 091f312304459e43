"""Translation of captions and conversations by a language model behind an OpenAI-compatible address.

Item -> its texts -> Translator (prompt, cache, service, checks) -> texts put back -> source and translation side by side, or a Drop
"""
