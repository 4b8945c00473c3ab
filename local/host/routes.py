"""Route templates as ASP.NET Core reads them, as far as Functions use them.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-template-reference
"""

import re
from dataclasses import dataclass

from local.host.settings import HostError

_GUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_CONSTRAINTS = {
    "guid": rf"(?:{_GUID}|\{{{_GUID}\}}|\({_GUID}\)|[0-9a-f]{{32}})",
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "bool": r"(?:true|false)",
    "alpha": r"[a-z]+",
}
_LENGTH = re.compile(r"(length|minlength|maxlength)\((\d+)(?:,(\d+))?\)")
_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}?=]+(?:\{[^{}]*\})?)*)(\?)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One compiled template."""

    template: str
    pattern: re.Pattern[str]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of `path` (no leading slash), those that are absent left out; None when it does not match."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: value for name, value in found.groupdict().items() if value}


def compile_route(template: str) -> Route:
    """Compile a template such as `x/{id:guid}/{*path}`. Raises HostError when it uses what is not served here."""
    parts = [part for part in template.strip("/").split("/") if part]
    pattern = ""
    for index, part in enumerate(parts):
        piece, optional = _segment(part, template, last=index == len(parts) - 1)
        slash = "/" if index else ""
        pattern += f"(?:{slash}{piece})?" if optional else slash + piece
    return Route(template, re.compile(pattern + "/?", re.IGNORECASE))


def _segment(part: str, template: str, *, last: bool) -> tuple[str, bool]:
    """The pattern of one segment and whether it may be missing together with its slash."""
    whole = _PARAMETER.fullmatch(part)
    if whole is not None:
        stars, name, constraints, question = whole.groups()
        if stars and not last:
            raise HostError(f"route {template!r}: only its last part may catch all")
        if stars:
            return f"(?P<{name}>.*)", True
        return f"(?P<{name}>{_constrained(constraints, template)})", question is not None
    pattern, end = "", 0
    for found in _PARAMETER.finditer(part):
        if found[1] or found[4]:
            raise HostError(f"route {template!r}: {found[0]} must be a part of its own")
        pattern += re.escape(part[end : found.start()])
        pattern += f"(?P<{found[2]}>{_constrained(found[3], template)})"
        end = found.end()
    rest = part[end:]
    if "{" in rest or "}" in rest:
        raise HostError(f"route {template!r}: {part!r} is not served here")
    return pattern + re.escape(rest), False


def _constrained(constraints: str, template: str) -> str:
    names = [name for name in constraints.split(":") if name]
    if not names:
        return "[^/]+"
    ahead = ""
    for name in names:
        length = _LENGTH.fullmatch(name)
        if name in _CONSTRAINTS:
            ahead += f"(?={_CONSTRAINTS[name]}(?:/|$))"
        elif length is not None:
            low = length[2] if length[1] != "maxlength" else "0"
            high = length[3] or (length[2] if length[1] != "minlength" else "")
            ahead += f"(?=[^/]{{{low},{high}}}(?:/|$))"
        else:
            raise HostError(f"route {template!r}: the constraint {name!r} is not served here")
    return ahead + "[^/]+"
