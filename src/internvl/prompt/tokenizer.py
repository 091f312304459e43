"""The tokenizer of any released InternVL folder: text to ids and back, without remote code.

    folder  --load_tokenizer-->  Tokenizer
    pieces (Trusted | Typed | id)  --encode-->  ids  --decode / stream-->  text

Ids are equal to those of the class that the release was trained with (transformers 4.37.2, slow classes). One thing is different on
purpose: text that a person typed never becomes a control token.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from internvl.errors import TokenizerError
from internvl.prompt.detokenize import StreamDecoder
from internvl.prompt.pieces import TextPiece, Typed
from internvl.prompt.tokenizer_build import TokenizerParts, build
from internvl.prompt.tokenizer_files import TokenizerFiles


class Tokenizer:
    """Text to ids and back. Safe to share between threads; a stream decoder belongs to one text.

    add_bos, add_eos: whether the released model's prompts begin with bos, end with eos; `encode` adds neither.
    """

    def __init__(self, parts: TokenizerParts, files: TokenizerFiles) -> None:
        self._model, self._added, self._facts = parts.model, parts.added, parts.facts
        self._files = files
        facts = parts.facts
        self.bos_id, self.eos_id, self.pad_id, self.unk_id = facts.bos_id, facts.eos_id, facts.pad_id, facts.unk_id
        self.add_bos, self.add_eos = facts.add_bos, facts.add_eos
        self.special_ids = facts.special_ids
        self.added_tokens: Mapping[str, int] = dict(self._added.ids)
        self.vocab_size = 1 + max((*self._model.vocabulary.values(), *self._added.by_id), default=-1)

    def encode_text(self, text: str) -> list[int]:
        """The ids of plain text. Never an added token's id, whatever the text looks like."""
        return self.encode((Typed(text),))

    def encode(self, pieces: Sequence[TextPiece]) -> list[int]:
        """The ids of a prompt; no bos is added. A leading bos id is left aside when white space at the start is decided."""
        for piece in pieces:
            if isinstance(piece, int) and not 0 <= piece < self.vocab_size:
                raise TokenizerError(f"ids go from 0 to {self.vocab_size - 1}, not {piece}")
        bos = list(pieces[:1]) if pieces and isinstance(pieces[0], int) and pieces[0] == self.bos_id else []
        chunks = self._added.chunks(pieces[len(bos) :], self._model.prepare)
        return [piece for piece in bos if isinstance(piece, int)] + self._model.encode_chunks(chunks)

    def has(self, name: str) -> bool:
        """Whether a token of this name exists, added or of the vocabulary."""
        return name in self.added_tokens or name in self._model.vocabulary

    def token_id(self, name: str) -> int:
        """The id of an added token or of an entry of the vocabulary (in its own spelling, such as `Ġthe` or `▁the`)."""
        if name in self.added_tokens:
            return self.added_tokens[name]
        if name not in self._model.vocabulary:
            raise TokenizerError(
                f"the tokenizer of {self._files.folder} has no token {name!r}; use the tokenizer files of an InternVL release, "
                "or add the token and resize the model's embeddings"
            )
        return self._model.vocabulary[name]

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes an id stands for; an added token stands for its name."""
        if not 0 <= token_id < self.vocab_size:
            raise TokenizerError(f"ids go from 0 to {self.vocab_size - 1}, not {token_id}")
        added = self._added.by_id.get(token_id)
        return added.name.encode("utf-8") if added else self._model.token_bytes(token_id)

    def decode(self, ids: Iterable[int], *, skip_special: bool = True, keep: Collection[int] = frozenset()) -> str:
        """The text of ids. `keep`: added tokens shown although special ones are skipped. Ids beyond the vocabulary say nothing."""
        stream = self.stream(skip_special=skip_special, keep=keep)
        return "".join([stream.push(id) for id in ids]) + stream.finish()

    def stream(self, *, skip_special: bool = True, keep: Collection[int] = frozenset()) -> StreamDecoder:
        """A decoder for ids that come one by one. What it returns, joined, is `decode` of all of them, always."""
        dropped = self.special_ids - frozenset(keep) if skip_special else frozenset[int]()
        bare = {id: self._added.by_id[id].name for id in keep if skip_special and id in self._added.by_id}
        decoder = self._model.decoder(bare=bare, shows_special=not skip_special)
        return StreamDecoder(decoder, dropped=dropped, clean_up=self._facts.clean_up)

    def to_files(self, folder: Path) -> None:
        """Write the tokenizer files as they were read, so that the folder loads to an equal tokenizer."""
        self._files.write(Path(folder))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder. Raises TokenizerError that names the file at fault and what to do."""
    files = TokenizerFiles(Path(folder))
    return Tokenizer(build(files), files)
