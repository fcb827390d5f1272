"""Reads the package's imports from its source, without importing it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "django_goffline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported name: which module says it, where, and what it means."""

    module: str
    line: int
    #: The module that is named: of ours down to the file, of others their full dotted name.
    target: str
    #: The name taken from it, or empty for ``import x``.
    name: str
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A source file of the package."""

    name: str
    path: Path
    source: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether it is an ``__init__``."""
        return self.path.name == "__init__.py"


@cache
def modules() -> dict[str, Module]:
    """Every module of the package but migrations, by dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "migrations" in parts:
            continue
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        source = path.read_text()
        found[name] = Module(name=name, path=path, source=source, tree=ast.parse(source))
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of the package."""
    return tuple(found for module in modules().values() for found in _imports_of(module))


def _imports_of(module: Module) -> Iterator[Import]:
    hidden = {
        id(inner)
        for outer in ast.walk(module.tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(module.tree):
        inside = id(node) in hidden
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(
                    module=module.name, line=node.lineno, target=alias.name, name="", hidden=inside
                )
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                is_module = deeper in modules()
                yield Import(
                    module=module.name,
                    line=node.lineno,
                    target=deeper if is_module else base,
                    name="" if is_module else alias.name,
                    hidden=inside,
                )


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (1 if module.is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def is_ours(target: str) -> bool:
    """Whether a dotted name lies in the package."""
    return target == PACKAGE or target.startswith(f"{PACKAGE}.")


def home(target: str, name: str) -> str:
    """The module that defines ``name``, followed through the re-exports of packages."""
    module = modules().get(target)
    if module is None or not name or not module.is_package:
        return target
    for found in _imports_of(module):
        if found.name == name and is_ours(found.target):
            return home(found.target, name)
    return target


def graph() -> dict[str, set[str]]:
    """Who imports whom, within the package, as written at the top of files."""
    edges: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        if is_ours(found.target) and found.target in edges and not found.hidden:
            edges[found.module].add(found.target)
    return edges


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one module, and self-imports (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(edges[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = []
            while True:
                component.append(stack.pop())
                if component[-1] == node:
                    break
            if len(component) > 1 or node in edges[node]:
                found.append(sorted(component))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def comments(module: Module) -> dict[int, str]:
    """Comments by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(module.source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
