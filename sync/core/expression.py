"""A small language for a field's value: attributes, literals and eight functions. No loops, no names of ours, no eval.

    first(mail, userPrincipalName)          join(" ", givenName, surname)         lower(before(mail, "@"))

Reading and evaluating take time linear in the length of the text and of the values: every function looks at each
character a fixed number of times, makes at most a few times `VALUE_LIMIT` of them, and is cut to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from sync.core.attributes import MANAGER, TEXT_LIMIT, is_attribute, text_of
from sync.core.text import clean

LENGTH_LIMIT, NODE_LIMIT, DEPTH_LIMIT, VALUE_LIMIT = 500, 40, 8, TEXT_LIMIT
_TOKEN = re.compile(r'\s+|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>"(?:[^"\\]|\\["\\])*")|(?P<mark>[(),])')


class BadExpression(ValueError):
    """It cannot be read; the message tells an admin where and why."""


@dataclass(frozen=True)
class Expression:
    """A node: an attribute, a literal, or a function of other nodes."""

    attribute: str = ""
    literal: str = ""
    function: str = ""
    arguments: tuple[Expression, ...] = ()

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Every attribute that is named in it."""
        own = frozenset({self.attribute} if self.attribute else ())
        return own.union(*(argument.attributes for argument in self.arguments))

    def __str__(self) -> str:
        """The text that reads as this expression."""
        if self.function:
            return f"{self.function}({', '.join(map(str, self.arguments))})"
        escaped = self.literal.replace("\\", "\\\\").replace('"', '\\"')
        return self.attribute or f'"{escaped}"'


def _first(*texts: str) -> str:
    return next((text for text in texts if text), "")


def _join(separator: str, *texts: str) -> str:
    return separator.join(text for text in texts if text)


def _before(text: str, separator: str) -> str:
    return text.partition(separator)[0] if separator else text


def _after(text: str, separator: str) -> str:
    return text.partition(separator)[2] if separator else ""


def _replace(text: str, old: str, new: str) -> str:
    most = VALUE_LIMIT // max(len(new), 1) + 1  # as many as can be seen in what is left after the cut
    return text.replace(old, new, most) if old else text


MANY = NODE_LIMIT
FUNCTIONS: Mapping[str, tuple[Callable[..., str], int, int]] = {  # name -> what it does, fewest and most arguments
    "first": (_first, 1, MANY),
    "join": (_join, 2, MANY),
    "lower": (str.lower, 1, 1),
    "upper": (str.upper, 1, 1),
    "trim": (str.strip, 1, 1),
    "before": (_before, 2, 2),
    "after": (_after, 2, 2),
    "replace": (_replace, 3, 3),
}


def evaluate(expression: Expression, source: Mapping[str, Any]) -> str:
    """The value for a person's properties: one line of at most 256 characters, empty where there is none."""
    return clean(_value(expression, source))


def _value(expression: Expression, source: Mapping[str, Any]) -> str:
    if expression.attribute:
        return text_of(source, expression.attribute)
    if not expression.function:
        return expression.literal
    values = [_value(argument, source) for argument in expression.arguments]
    return FUNCTIONS[expression.function][0](*values)[:VALUE_LIMIT]


def parse(text: str) -> Expression:
    """Read an expression. Raises BadExpression."""
    if len(text) > LENGTH_LIMIT:
        raise BadExpression(f"An expression has at most {LENGTH_LIMIT} characters.")
    reader = _Reader(text)
    expression = reader.node(1)
    if reader.mark or reader.word or reader.quoted is not None:
        reader.fail("nothing more was expected")
    return expression


class _Reader:
    """One token ahead: `word`, `quoted` or `mark`; all empty at the end."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._nodes = text, self._split(text), 0
        self.word, self.mark, self.at = "", "", 0
        self.quoted: str | None = None
        self.step()

    def _split(self, text: str) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                self.at = at
                quoted = text[at] == '"'
                self.fail(r'a text ends with ", and has \" and \\ inside' if quoted else "this cannot be read")
            at = token.end()
            if token.lastgroup:
                yield token

    def step(self) -> None:
        """On to the next token."""
        token = next(self._tokens, None)
        self.word = (token and token["name"]) or ""
        self.quoted = token["text"] if token else None
        self.mark = (token and token["mark"]) or ""
        self.at = token.start() if token else len(self._text)

    def fail(self, why: str) -> NoReturn:
        """Say where."""
        raise BadExpression(f"At character {self.at + 1}: {why}.")

    def node(self, depth: int) -> Expression:
        """One expression."""
        self._nodes += 1
        if depth > DEPTH_LIMIT or self._nodes > NODE_LIMIT:
            self.fail(f"too complex (at most {NODE_LIMIT} parts, {DEPTH_LIMIT} deep)")
        if self.quoted is not None:
            literal = re.sub(r"\\(.)", r"\1", self.quoted[1:-1])
            self.step()
            return Expression(literal=literal)
        name, at = self.word, self.at
        if not name:
            self.fail('an attribute, a function or a "text" was expected')
        self.step()
        if self.mark == "(":
            return self._call(name, at, depth)
        if not (is_attribute(name) or name == MANAGER):
            self.at = at
            self.fail(f"there is no attribute {name}")
        return Expression(attribute=name)

    def _call(self, name: str, at: int, depth: int) -> Expression:
        if name not in FUNCTIONS:
            self.at = at
            self.fail(f"there is no function {name}; there are {', '.join(sorted(FUNCTIONS))}")
        self.step()
        arguments = [self.node(depth + 1)]
        while self.mark == ",":
            self.step()
            arguments.append(self.node(depth + 1))
        if self.mark != ")":
            self.fail("a comma or a closing bracket was expected")
        self.step()
        _, fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            self.at = at
            wanted = str(fewest) if fewest == most else f"{fewest} or more"
            self.fail(f"{name} takes {wanted} values")
        return Expression(function=name, arguments=tuple(arguments))
