"""YAML as scenarios have it: nothing in it is executed, nothing stands twice, and nothing grows without bound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from cosim.scenario.errors import ScenarioError, shown
from cosim.telling import in_a_line

_WHOLE_NUMBER, _NUMBER, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "merge"))
_WORD: str = yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
"""010 is 8 in YAML 1.1, and 10 in 1.2."""
_MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000
"""With aliases written out: nine lines can mean a billion."""
_DEEPEST = 32


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml's is quicker, if there
    """Writes what ``_Loader`` reads back as it was."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if key_node.tag == _MERGE:
            continue
        if key_node.tag == _WHOLE_NUMBER:  # such as a rank: a word, as it has to be in JSON
            key_node.tag = _WORD
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise ScenarioError(f"{_line(key_node)}: {shown(key)} cannot be a key, only a word can")
        if key in seen:
            raise ScenarioError(f"{_line(key_node)}: {key if key.isprintable() else repr(key)} is given twice")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
for _side in (_Loader, _Dumper):  # YAML 1.2 reads 2e-3 as a number, PyYAML's 1.1 as text
    _side.add_implicit_resolver(_NUMBER, re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))


def read_file(path: Path) -> Any:
    """What is in a YAML file.

    Raises:
        ScenarioError: it is not there, or as ``read_text``.
    """
    try:
        with path.open("rb") as file:  # perhaps a pipe, or /dev/zero
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ScenarioError(f"larger than {_MOST_BYTES} bytes, which no scenario is")
        return read_text(content.decode("utf-8-sig"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a name that no file can have
        raise ScenarioError(_one_line(error)) from error


def read_text(text: str) -> Any:
    """``text`` as a value of a scenario file.

    Raises:
        ScenarioError: it is no YAML, has a key twice or a number that can be read in two ways, or is too deep or large.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _require_bounds(node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise ScenarioError(f"nested deeper than {_DEEPEST} levels, which no scenario is") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: a date such as 2020-13-45
        raise ScenarioError(_one_line(error)) from error
    except (LookupError, AttributeError, TypeError) as error:  # of PyYAML, such as for !!bool maybe
        raise ScenarioError(f"a value is not what its tag (!!) says: {_one_line(error)}") from error


def write_text(tree: Any) -> str:
    """YAML that reads back as ``tree``."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _require_bounds(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values ``node`` has with all aliases written out, and how many levels, if these are not too many.

    Nodes that are ``known`` need no second look; those under way stand there as beyond all bounds.
    """
    if id(node) not in known:
        _read_as_anybody_would(node)
        known[id(node)] = (1, _DEEPEST)
        sizes = [_require_bounds(below, known) for below in _children(node)]
        known[id(node)] = 1 + sum(size for size, _ in sizes), 1 + max((levels for _, levels in sizes), default=0)
    values, levels = known[id(node)]
    if levels > _DEEPEST:
        raise ScenarioError(f"{_line(node)}: nested deeper than {_DEEPEST} levels, which no scenario is")
    if values > _MOST_VALUES:
        raise ScenarioError(f"{_line(node)}: more than {_MOST_VALUES} values, once its aliases (*) are written out")
    return values, levels


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [below for pair in node.value for below in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _read_as_anybody_would(node: yaml.Node) -> None:
    """As YAML 1.2 does: 10:50:10 is a word, not a number to the base of sixty. Octal numbers nobody expects."""
    if node.tag in (_WHOLE_NUMBER, _NUMBER) and ":" in node.value:
        node.tag = _WORD
    if node.tag == _WHOLE_NUMBER and _OCTAL.fullmatch(node.value):
        raise ScenarioError(
            f"{_line(node)}: {node.value} is another number in YAML 1.1 than in 1.2; write it without the leading "
            "zero, or in quotes if it is a word"
        )


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _one_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return in_a_line(error)
