"""Reading the YAML of settings: plain data, each key once, ``${VARIABLES}`` filled in, lines known.

Truth values are ``true`` and ``false`` only, as in YAML 1.2, so that ``lang: [no]`` is Norwegian. Tags and
merge keys are refused. A variable may fill all or part of a value, never a key; without quotes it is read as
if its text stood there, so that ``max_rejects: ${SHARE}`` is a number. ``${file:/PATH}`` is filled in with what
the file holds. ``$${`` stands for ``${`` itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from xsieve.pipelines.settings_errors import Location, Mistake, SettingsError, dotted
from xsieve.pipelines.settings_secrets import PLACE, expected, look_up

LIMIT = 1_000_000  # bytes; settings are written by hand
_DEEPEST = 20  # levels; settings have five
_MOST = 50_000  # values, those behind aliases counted each time

# Braces mean something in YAML; while it is read, variables stand between private-use characters instead.
_WRITTEN = re.compile(rf"\$(?:(\$\{{)|\{{({PLACE})\}})")
_VARIABLE = re.compile(f"\ue000(?:(\ue001)|({PLACE})\ue001)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_KEY = re.compile(r"[!-~]([ -~]{0,98}[!-~])?")
_SCALARS = {"int": "a number", "float": "a number", "bool": "true or false", "timestamp": "a date"}


class _Loader(yaml.SafeLoader):
    """Knows numbers, dates, nothing, and the truth values of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag.endswith((":int", ":float", ":null", ":timestamp"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TRUTH = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))


@dataclass
class Document:
    """What a settings file holds: plain data (None where it was mistaken), the line of each dotted path."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict[str, int])
    written: dict[str, str] = field(default_factory=dict[str, str])  # filled in -> with its ${NAME}
    variables: dict[str, str] = field(default_factory=dict[str, str])  # dotted path -> with its ${NAME}
    mistakes: list[Mistake] = field(default_factory=list[Mistake])

    def line_of(self, path: str) -> int | None:
        """The line of that path, or of the closest group of keys around it."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path)


def text_of(path: str | Path) -> str:
    """The text of a file, as far as it may be long. Raises SettingsError."""
    try:
        with Path(path).open("rb") as file:
            return file.read(LIMIT + 1).decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError([Mistake("", "there is no such file")]) from None
    except UnicodeDecodeError:
        raise SettingsError([Mistake("", "is not UTF-8 text")]) from None
    except (OSError, ValueError):
        raise SettingsError([Mistake("", "cannot be read; expected a file that may be read")]) from None


def read(text: str, env: Mapping[str, str]) -> Document:
    """The document in ``text``, with the mistakes in it. Raises SettingsError where it is no YAML."""
    if len(text.encode(errors="replace")) > LIMIT:
        raise SettingsError([Mistake("", f"is larger than {LIMIT:,} bytes; expected a file written by hand")])
    builder = _Builder(text, env)
    if builder.root is None:
        raise SettingsError([Mistake("", "is empty; expected policy, input and outputs")])
    builder.document.data = builder.build(builder.root, ())
    return builder.document


class _Builder:
    """Makes plain data of YAML nodes."""

    def __init__(self, text: str, env: Mapping[str, str]) -> None:
        self.env = env
        self.document = Document()
        self.built = 0
        try:
            self.loader = _Loader(_WRITTEN.sub(lambda found: f"\ue000{found[2] or ''}\ue001", text))
            self.root = self.loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise SettingsError([Mistake("", f"this is not YAML: {error.problem}", mark and mark.line + 1)]) from None
        except yaml.reader.ReaderError:
            found = yaml.reader.Reader.NON_PRINTABLE.search(text)
            line = text.count("\n", 0, found.start()) + 1 if found else None
            raise SettingsError([Mistake("", "holds a character that YAML does not allow", line)]) from None
        except RecursionError:
            raise SettingsError([Mistake("", "is nested too deeply")]) from None
        except (ValueError, OverflowError):  # the escape of a character that does not exist
            raise SettingsError([Mistake("", "holds an escape sequence of no character")]) from None

    def mistake(self, at: Location, node: yaml.Node, message: str) -> None:
        self.document.mistakes.append(Mistake(dotted(at), message, node.start_mark.line + 1))

    def build(self, node: yaml.Node, at: Location) -> Any:
        """The value of a node; None where there is a mistake, which then is in the list."""
        self.built += 1
        if self.built > _MOST or len(at) > _DEEPEST:
            raise SettingsError([Mistake("", "holds too many values or levels", node.start_mark.line + 1)])
        self.document.lines[dotted(at)] = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, at)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            return self.mistake(at, node, "has a YAML tag; expected none")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, at)
        return [self.build(item, (*at, number)) for number, item in enumerate(node.value)]

    def mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or not _KEY.fullmatch(key.value):
                self.mistake(at, key, "holds a key that is no name; expected letters, digits, _ and -")
                continue
            here = (*at, key.value)
            if key.value in found:
                first = self.document.line_of(dotted(here))
                self.mistake(here, key, f"is there twice; expected it once, as in line {first}")
                continue
            found[key.value] = self.build(value, here)
            self.document.lines[dotted(here)] = key.start_mark.line + 1
        return found

    def scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        plain = node.style is None
        if node.tag != self.loader.resolve(yaml.ScalarNode, node.value, (plain, not plain)):
            return self.mistake(at, node, "has a YAML tag; expected none")
        text = self.filled_in(node, at)
        if text is None:
            return None
        if _UNPRINTABLE.search(text):
            return self.mistake(at, node, "holds control characters; expected printable text")
        tag = self.loader.resolve(yaml.ScalarNode, text, (plain, not plain))
        name = tag.rpartition(":")[2]
        if name == "null":
            return self.mistake(at, node, "is empty; give it a value or leave the key out")
        if name == "str":
            return text
        try:
            return self.loader.construct_object(yaml.ScalarNode(tag, text))
        except (ValueError, OverflowError):
            return self.mistake(at, node, f"looks like {_SCALARS[name]}, but is none")

    def filled_in(self, node: yaml.ScalarNode, at: Location) -> str | None:
        """The text of a value with its variables filled in; None where one of them is missing."""
        places = dict.fromkeys(found[2] for found in _VARIABLE.finditer(node.value) if found[2])
        values = {place: look_up(place, self.env) for place in places}
        missing = [place for place, value in values.items() if value is None]
        for place in missing:
            self.mistake(at, node, expected(place))
        if "${" in node.value:
            missing.append("")
            self.mistake(at, node, "has a ${ that begins no ${NAME} and no ${file:/PATH}; write $${ for ${ itself")
        if missing:
            return None
        text = _VARIABLE.sub(lambda found: values[found[2]] or "" if found[2] else "${", node.value)
        if places:
            written = _VARIABLE.sub(lambda found: f"${{{found[2]}}}" if found[2] else "${", node.value)
            self.document.written[text] = self.document.variables[dotted(at)] = written
        return text
