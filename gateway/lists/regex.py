"""Regular expressions of lists, in a dialect that can be matched in linear time.

Supported: literals, `.`, classes (also POSIX `[:digit:]`), groups, `|`, `* + ? {m,n}` (lazy forms mean the same),
anchors, `\\d \\w \\s` and escapes. Look-around, back references and `\\b` need backtracking and are refused. The
result is a program for gateway.lists.automaton (Thompson, CACM 1968: one state per position, never a stack).
"""

from __future__ import annotations

from typing import Final, TypeAlias

MAX_LENGTH: Final = 512
MAX_NODES: Final = 512
_MAX_DEPTH: Final = 16
_MAX_REPEAT: Final = 255

Chars: TypeAlias = frozenset[str]
Tree: TypeAlias = tuple[object, ...]

_ALL: Final = frozenset(map(chr, range(128)))
_DIGITS: Final = frozenset("0123456789")
_LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_UPPER: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD: Final = _DIGITS | _LOWER | _UPPER | {"_"}
_SPACE: Final = frozenset(" \t\n\r\f\v")
_ESCAPED_CLASSES: Final = {"d": _DIGITS, "D": _ALL - _DIGITS, "w": _WORD, "W": _ALL - _WORD} | {
    "s": _SPACE,
    "S": _ALL - _SPACE,
}
_ESCAPED_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_POSIX: Final = {
    "alnum": _DIGITS | _LOWER | _UPPER,
    "alpha": _LOWER | _UPPER,
    "digit": _DIGITS,
    "lower": _LOWER | _UPPER,
    "upper": _LOWER | _UPPER,
    "xdigit": _DIGITS | frozenset("abcdefABCDEF"),
    "space": _SPACE,
    "blank": frozenset(" \t"),
    "punct": frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
}


class Unsupported(ValueError):
    """The expression is wrong, too large, or needs backtracking; the message is a sentence."""


class _Reader:
    """Recursive descent over one expression to a tree of tuples."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise Unsupported("Its regular expression ends too early.")
        self.at += 1
        return char

    def accept(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def alternatives(self) -> Tree:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unsupported("Its regular expression nests too deeply.")
        branches = [self.sequence()]
        while self.accept("|"):
            branches.append(self.sequence())
        self.depth -= 1
        return branches[0] if len(branches) == 1 else ("any", *branches)

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom()))
        return ("all", *parts)

    def repeated(self, tree: Tree) -> Tree:
        while True:
            low, high = self.quantifier()
            if low is None:
                return tree
            tree = ("times", tree, low, high)
            if self.accept("+"):
                raise Unsupported("Its regular expression has a possessive quantifier.")
            self.accept("?")

    def quantifier(self) -> tuple[int | None, int | None]:
        if self.accept("*"):
            return 0, None
        if self.accept("+"):
            return 1, None
        if self.accept("?"):
            return 0, 1
        if self.peek() != "{":
            return None, None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not (_is_number(low) and (not high or _is_number(high))):
            return None, None
        self.at = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
            raise Unsupported("Its regular expression repeats too often.")
        return least, most

    def atom(self) -> Tree:
        char = self.take()
        if char == "(":
            if self.accept("?") and not self.accept(":"):
                raise Unsupported("Its regular expression looks around or sets flags.")
            tree = self.alternatives()
            if not self.accept(")"):
                raise Unsupported("Its regular expression has an unbalanced bracket.")
            return tree
        if char == "[":
            return ("char", self.char_class())
        if char == ".":
            return ("char", _ALL)
        if char in "^$":
            return ("start",) if char == "^" else ("end",)
        if char == "\\":
            return ("char", self.escaped())
        if char in "*+?":
            raise Unsupported("Its regular expression repeats nothing.")
        return ("char", _either_case(char))

    def escaped(self) -> Chars:
        char = self.take()
        if char in _ESCAPED_CLASSES:
            return _ESCAPED_CLASSES[char]
        if char in _ESCAPED_CONTROLS:
            return frozenset(_ESCAPED_CONTROLS[char])
        if char == "x":
            digits = self.take() + self.take()
            try:
                return _either_case(chr(int(digits, 16)))
            except ValueError:
                raise Unsupported("Its regular expression has a wrong escape.") from None
        if char.isalnum():
            raise Unsupported("Its regular expression has a back reference or an unknown escape.")
        return frozenset(char)

    def char_class(self) -> Chars:
        negated = self.accept("^")
        chars: set[str] = set()
        first = True
        while first or self.peek() != "]":
            first = False
            low = self.class_item()
            high = self.text[self.at + 1 : self.at + 2]
            if len(low) == 1 and self.peek() == "-" and high not in ("", "]"):
                self.at += 1
                top = self.class_item()
                if len(top) != 1 or min(top) < min(low):
                    raise Unsupported("Its regular expression has a wrong range.")
                for code in range(ord(min(low)), min(ord(min(top)), 127) + 1):
                    chars |= _either_case(chr(code))
            else:
                for char in low:
                    chars |= _either_case(char)
        self.at += 1
        return _ALL - chars if negated else frozenset(chars)

    def class_item(self) -> Chars:
        if self.accept("[:"):
            end = self.text.find(":]", self.at)
            name = self.text[self.at : end] if end > 0 else ""
            if name not in _POSIX:
                raise Unsupported("Its regular expression has an unknown character class.")
            self.at = end + 2
            return _POSIX[name]
        char = self.take()
        return self.escaped() if char == "\\" else frozenset(char)


def _is_number(text: str) -> bool:
    return 0 < len(text) <= 4 and text.isascii() and text.isdigit()


def _either_case(char: str) -> Chars:
    return frozenset((char.lower(), char.upper())) if char.isascii() else frozenset(char)


def parse_regex(text: str) -> Tree:
    """The tree of an expression: ("char", set), ("start",), ("end",), ("all", …), ("any", …), ("times", t, m, n).

    Raises Unsupported.
    """
    if len(text) > MAX_LENGTH:
        raise Unsupported(f"Its regular expression is longer than {MAX_LENGTH} characters.")
    reader = _Reader(text.removeprefix("(?i)"))
    tree = reader.alternatives()
    if reader.peek():
        raise Unsupported("Its regular expression has an unbalanced bracket.")
    return tree
