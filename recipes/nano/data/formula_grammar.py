"""Formulas made by a grammar of four levels: from `3x+2=11` to integrals in fractions, matrices and cases.

    (source, level) -> formula(...) -> Formula: pieces to draw (LaTeX text, or a Block of cells) and marks: what its parts are

Letters that look like others on paper (l, o, O, the Greek nu and upsilon) are not used.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from recipes.nano.data.formula_latex import normalise

LETTERS = "abcdefghkmnpqrstuwxyz"
CAPITALS = "ABCDEFGHKLMNPQRSTUVWXYZ"
GREEK = (
    *(
        r"\alpha",
        r"\beta",
        r"\gamma",
        r"\delta",
        r"\varepsilon",
        r"\zeta",
        r"\eta",
        r"\theta",
        r"\lambda",
        r"\mu",
        r"\xi",
        r"\pi",
        r"\rho",
    ),
    *(
        r"\sigma",
        r"\tau",
        r"\varphi",
        r"\chi",
        r"\psi",
        r"\omega",
        r"\Gamma",
        r"\Delta",
        r"\Theta",
        r"\Lambda",
        r"\Phi",
        r"\Psi",
        r"\Omega",
    ),
)
FUNCTIONS = (r"\sin", r"\cos", r"\tan", r"\ln", r"\log", r"\exp", r"\cot", r"\arctan")
RELATIONS = ("=", "=", "=", "=", r"\leq", r"\geq", "<", ">", r"\neq", r"\approx")


@dataclass(frozen=True)
class Block:
    """Cells in rows between tall brackets; kind: an environment of LaTeX."""

    kind: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def latex(self) -> str:
        """The environment."""
        return rf"\begin{{{self.kind}}}" + r"\\".join("&".join(row) for row in self.rows) + rf"\end{{{self.kind}}}"


@dataclass(frozen=True)
class Formula:
    """A formula. marks: normalised LaTeX of parts worth asking about: left, right, numerator, denominator, lower, upper, under_root."""

    pieces: tuple[str | Block, ...]
    level: int
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """LaTeX as it was written, in any spelling."""
        return " ".join(piece if isinstance(piece, str) else piece.latex for piece in self.pieces)

    @property
    def latex(self) -> str:
        """LaTeX as answers have it."""
        return normalise(self.source)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its matrices and cases."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Block))


def formula(source: random.Random, level: int) -> Formula:
    """A formula of a level from 1 (school sums) to 4 (matrices, cases, nested operators)."""
    return _Maker(source, level).formula()


@dataclass
class _Maker:
    """Draws one formula; `depth` left keeps fractions and roots from nesting without end."""

    source: random.Random
    level: int

    def formula(self) -> Formula:
        """The whole."""
        forms: dict[int, tuple[Callable[[], Formula], ...]] = {
            1: (self.equation, self.equation, self.fraction),
            2: (self.equation, self.equation, self.fraction, self.root, self.definition),
            3: (self.equation, self.operator, self.operator, self.derivative, self.fraction, self.limit),
            4: (self.matrix, self.matrix, self.cases, self.operator, self.equation, self.determinant),
        }
        return self.source.choice(forms[self.level])()

    def equation(self) -> Formula:
        """Two sides."""
        left, right, relation = self.sum(self.level), self.sum(self.level - 1), self.source.choice(RELATIONS)
        marks = {"left": normalise(left), "right": normalise(right)} if relation == "=" else {}
        return Formula((f"{left} {relation} {right}",), self.level, marks)

    def definition(self) -> Formula:
        """f(x) = ..."""
        name, of = self.source.choice("fghFG"), self.variable()
        right = self.sum(self.level)
        return Formula((f"{name}({of}) = {right}",), self.level, {"left": normalise(f"{name}({of})"), "right": normalise(right)})

    def fraction(self) -> Formula:
        """Something equals a fraction."""
        name, top, bottom = self.letter(), self.sum(self.level - 1), self.sum(self.level - 1)
        over = self.source.choice((r"\frac", r"\dfrac"))
        marks = {"numerator": normalise(top), "denominator": normalise(bottom), "left": name}
        return Formula((f"{name} = {over}{{{top}}}{{{bottom}}}",), self.level, marks)

    def root(self) -> Formula:
        """Something equals a root."""
        inner, degree = self.sum(1), self.source.choice(("", "", "[3]", "[n]"))
        return Formula((rf"{self.letter()} = \sqrt{degree}{{{inner}}}",), self.level, {"under_root": normalise(inner)})

    def operator(self) -> Formula:
        """A sum, product or integral with limits."""
        kind = self.source.choice((r"\sum", r"\sum", r"\prod", r"\int", r"\int"))
        if kind == r"\int":
            of = self.source.choice("xtsu")
            low, high = self.source.choice(
                (("0", "1"), ("0", r"\infty"), ("a", "b"), ("0", r"\pi"), (r"-\infty", r"\infty"), ("1", "e"), ("0", "T"))
            )
            body = self.term(2, variable=of)
            text = rf"\int{self.script('_', low)}{self.script('^', high)} {body} \, d{of}"
            marks = {"lower": normalise(low), "upper": normalise(high), "integral": "yes"}
        else:
            index = self.source.choice("ijkn")
            low, high = (
                f"{index}={self.source.choice('01123')}",
                self.source.choice(("n", "N", "m", r"\infty", "10", "100", "n-1", "2n")),
            )
            text = rf"{kind}_{{{low}}}{self.script('^', high)} {self.term(2, variable=index)}"
            marks = {"lower": normalise(low), "upper": normalise(high), "sum" if kind == r"\sum" else "product": "yes"}
        if self.source.random() < 0.6:
            right = self.sum(1 if self.level < 4 else 2)
            return Formula((f"{text} = {right}",), self.level, {**marks, "right": normalise(right)})
        return Formula((f"{self.letter()} = {text}",), self.level, marks)

    def derivative(self) -> Formula:
        """An ordinary or partial derivative."""
        d, of, by = self.source.choice(("d", r"\partial")), self.source.choice("fuyzw"), self.source.choice("xts")
        order = self.source.choice(("", "", "^2", "^{2}"))
        text = rf"\frac{{{d}{order} {of}}}{{{d} {by}{order}}}"
        right = self.sum(2)
        return Formula((f"{text} = {right}",), self.level, {"right": normalise(right), "left": normalise(text)})

    def limit(self) -> Formula:
        """A limit."""
        of, end = self.source.choice("xnth"), self.source.choice(("0", r"\infty", "1", "a", "0^{+}"))
        body = self.source.choice((self.quotient(1), self.term(2, variable=of)))
        right = self.source.choice(("0", "1", "e", r"\infty", self.number(), r"\frac{1}{2}"))
        return Formula((rf"\lim_{{{of} \to {end}}} {body} = {right}",), self.level, {"right": normalise(right)})

    def matrix(self) -> Formula:
        """A named matrix."""
        rows, columns = self.source.choice(((2, 2), (2, 2), (3, 3), (2, 3), (3, 2), (3, 1), (2, 1), (1, 3)))
        name = self.source.choice("ABCMPQRX")
        kind = self.source.choice(("pmatrix", "bmatrix"))
        return Formula((f"{name} =", Block(kind, self.cells(rows, columns))), 4)

    def determinant(self) -> Formula:
        """A determinant with its value."""
        size = self.source.choice((2, 2, 3))
        return Formula((Block("vmatrix", self.cells(size, size)), f"= {self.sum(1)}"), 4)

    def cases(self) -> Formula:
        """A function by cases."""
        of, border = self.source.choice("xtn"), self.source.choice(("0", "1", "a"))
        conditions = [rf"{of} < {border}", rf"{of} \geq {border}"]
        if self.source.random() < 0.35:
            conditions = [rf"{of} < {border}", rf"{of} = {border}", rf"{of} > {border}"]
        rows = tuple((self.term(2, variable=of), condition) for condition in conditions)
        return Formula((f"{self.source.choice('fgh')}({of}) =", Block("cases", rows)), 4)

    def cells(self, rows: int, columns: int) -> tuple[tuple[str, ...], ...]:
        """Numbers, letters with indices, or letters."""
        kind = self.source.choice(("numbers", "numbers", "indices", "letters", "mixed"))
        name = self.source.choice("abcmx")
        makers: dict[str, Callable[[int, int], str]] = {
            "numbers": lambda i, k: str(self.source.randint(-9, -1) if self.source.random() < 0.2 else self.source.randint(0, 12)),
            "indices": lambda i, k: f"{name}_{{{i + 1}{k + 1}}}",
            "letters": lambda i, k: self.letter(),
            "mixed": lambda i, k: self.source.choice(
                (self.number(), self.letter(), self.power(), rf"{self.source.choice(FUNCTIONS[:2])} \theta")
            ),
        }
        return tuple(tuple(makers[kind](i, k) for k in range(columns)) for i in range(rows))

    def sum(self, level: int, *, variable: str = "") -> str:
        """One to three terms."""
        count = self.source.choice((1, 2, 2, 3)) if level > 0 else self.source.choice((1, 1, 2))
        text = ("-" if self.source.random() < 0.08 else "") + self.term(level, variable=variable)
        for _ in range(count - 1):
            text += self.source.choice((" + ", " - ", "+", "-")) + self.term(max(0, level - 1), variable=variable)
        return text

    def term(self, level: int, *, variable: str = "") -> str:
        """A product of a few simple things, or something taller."""
        letter = variable or self.variable()
        if level <= 0:
            return self.source.choice((self.number(), letter, f"{self.source.randint(2, 9)}{letter}"))
        flat = (
            lambda: f"{self.source.randint(2, 15)}{self.power(letter)}",
            lambda: self.power(letter),
            lambda: f"{letter}{self.other(letter)}",
            lambda: f"{self.source.randint(2, 9)}({letter} {self.source.choice('+-')} {self.source.randint(1, 20)})",
        )
        if level == 1:
            return self.source.choice((*flat, lambda: self.number()))()
        tall = (
            lambda: self.quotient(level - 1, variable=letter),
            lambda: rf"\sqrt{{{self.sum(0, variable=letter)}}}",
            lambda: rf"{self.source.choice(FUNCTIONS)} {self.source.choice((letter, '2' + letter, f'({letter}+1)'))}",
            lambda: rf"e^{{{self.source.choice(('', '-', '2', 'i'))}{letter}}}",
            lambda: f"{self.source.choice(GREEK)} {self.indexed()}",
            lambda: rf"\left( {self.quotient(0, variable=letter)} \right){self.script('^', self.source.choice('23n'))}",
            lambda: rf"{self.accent()} \cdot {self.accent()}",
        )
        deep = (lambda: rf"\binom{{n}}{{{self.source.choice('krm')}}}", lambda: rf"\left| {self.sum(1, variable=letter)} \right|")
        text: str = self.source.choice((*flat, *tall, *tall, *(deep if level > 2 else ())))()
        return text

    def quotient(self, level: int, *, variable: str = "") -> str:
        """A fraction."""
        top, bottom = self.sum(level - 1, variable=variable), self.sum(level - 1, variable=variable)
        return rf"\frac{{{top}}}{{{bottom}}}"

    def power(self, base: str = "") -> str:
        """A letter to a power, or alone."""
        return (base or self.letter()) + self.source.choice(
            ("", self.script("^", self.source.choice(("2", "2", "3", "4", "n", "10", "-1", "n+1"))))
        )

    def indexed(self) -> str:
        """A letter with an index, at times with a power too."""
        name, index = self.source.choice(LETTERS), self.source.choice(("1", "2", "i", "n", "k", "0", "ij", "n+1", r"\max"))
        power = self.script("^", "2") if self.source.random() < 0.3 else ""
        return f"{name}{self.script('_', index)}{power}"

    def accent(self) -> str:
        """A vector or another letter with a mark."""
        mark = self.source.choice((r"\vec", r"\hat", r"\bar", r"\mathbf"))
        return f"{mark}{{{self.source.choice('abpqruwx')}}}"

    def script(self, mark: str, text: str) -> str:
        """A script with braces, or without where one token allows it."""
        # KaTeX wants braces around a function's name.
        bare = len(text) == 1 or (text.startswith("\\") and text[1:].isalpha() and text != r"\max")
        return f"{mark}{text} " if bare and self.source.random() < 0.5 else f"{mark}{{{text}}}"

    def number(self) -> str:
        """A whole number, at times a decimal."""
        return f"{self.source.uniform(0.1, 30):.1f}" if self.source.random() < 0.15 else str(self.source.randint(1, 99))

    def letter(self) -> str:
        """Any letter of the alphabet."""
        return self.source.choice(LETTERS if self.source.random() < 0.75 else CAPITALS)

    def variable(self) -> str:
        """A letter that stands for a quantity; Greek from the second level on."""
        if self.level > 1 and self.source.random() < 0.25:
            return self.source.choice(GREEK) + " "
        return self.source.choice("xxyzabnt") if self.source.random() < 0.7 else self.letter()

    def other(self, letter: str) -> str:
        """Another letter, so that no product repeats one."""
        return self.source.choice([one for one in LETTERS if one != letter.strip()])
