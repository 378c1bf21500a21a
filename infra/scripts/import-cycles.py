#!/usr/bin/env python3
"""Reports import cycles between the files of one crate; exits with 1 if there is one that is not allowed.

An edge leads from a file to the file that declares the module it names in `use` or in a path that begins with `crate::`,
`super::` or `self::`. Edges between a module and its own submodules are ignored: they belong together. Comments and
strings are not read.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Cycles that stay, by crate: the modules of one cycle, each set with its reason.
ALLOWED = {
    # The application state holds the authenticator and the caches, which need the state's clock and keyring.
    "shared/access": [{"app_state", "app_state::requests", "authenticator", "caller", "credential", "caches"}],
    # The endpoint dispatches to the consumers, which declare their responses with its types.
    "shared/events": [{"consumers", "endpoint"}],
}

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|r(#+)".*?"\1|r"[^"]*"|"(?:\\.|[^"\\])*"', re.S)
PATH = re.compile(r"\b((?:crate|super|self)(?:::\w+)*)(::\{)?")
TOKEN = re.compile(r"\w+|::|[{},;*]")


def modules(source):
    """Returns the path of each module that has a file of its own, and its text without comments and strings."""
    found = {}
    for file in source.rglob("*.rs"):
        parts = list(file.relative_to(source).with_suffix("").parts)
        if parts[-1] == "mod" or parts in (["lib"], ["main"]):
            parts.pop()
        text = COMMENT_OR_STRING.sub('""', file.read_text())
        found[tuple(parts)] = found.get(tuple(parts), "") + text.split("#[cfg(test)]\nmod tests {")[0]
    return found


def expand(text, start, prefix):
    """Yields every path in the braces that open before `start`."""
    stack, path = [prefix], list(prefix)
    for token in TOKEN.finditer(text, start):
        word = token.group()
        if word == "{":
            stack.append(list(path))
        elif word in "},":
            yield path
            if word == "}":
                stack.pop()
                if not stack:
                    return
            path = list(stack[-1] if stack else [])
        elif word not in ("::", "*", ";", "as", "self"):
            path = path + [word]


def imports(text, here, known):
    """Yields the modules that a file names."""
    for match in PATH.finditer(text):
        parts = match.group(1).split("::")
        base = [] if parts[0] == "crate" else list(here)
        while parts and parts[0] == "super":
            base, parts = base[:-1], parts[1:]
        base += [part for part in parts if part not in ("crate", "self")]
        for path in expand(text, match.end(), base) if match.group(2) else [base]:
            while path and tuple(path) not in known:
                path = path[:-1]
            yield tuple(path)


def cycles(graph):
    """Returns the strongly connected components with more than one module."""
    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for target in graph[todo.pop()] - seen:
                seen.add(target)
                todo.append(target)
        return seen

    reached = {module: reach(module) for module in graph}
    groups = {frozenset(m for m in reached[module] if module in reached[m]) for module in graph if module in reached[module]}
    return sorted(sorted("::".join(m) or "lib" for m in group) for group in groups)


def main():
    failed = False
    for manifest in sorted([*ROOT.glob("shared/*/Cargo.toml"), *ROOT.glob("functions/*/Cargo.toml")]):
        crate = manifest.parent.relative_to(ROOT).as_posix()
        known = modules(manifest.parent / "src")
        kin = lambda a, b: a[: len(b)] == b or b[: len(a)] == a
        graph = {here: {m for m in imports(text, here, known) if not kin(m, here)} for here, text in known.items()}
        for cycle in cycles(graph):
            if not any(set(cycle) <= group for group in ALLOWED.get(crate, [])):
                failed = True
                print(f"{crate}: import cycle: {', '.join(cycle)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
