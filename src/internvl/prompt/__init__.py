"""From turns to ids: templates, placeholders, tokenizers."""
