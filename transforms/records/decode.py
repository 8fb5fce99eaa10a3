"""Decoding: a batch of lines into records of one form, in three tiers.

First the whole batch at once, by the form of the shape of its first line; a form accepts exactly the payloads of its own
shape. Where that fails, line by line, each by its own shape. Where a line fails, field by field: a mistyped leaf costs that
leaf, a mistyped value that decides who may see the record costs the record. Errors of the decoder quote what they read, so
none is kept, chained or shown: what goes on is a reason of our own.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple, NoReturn, get_args

import msgspec
from msgspec import UNSET, Raw, Struct

from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.forms import ABSENT, NULL, Empty, Never, Nothing, attribute_of
from xsieve.transforms.records.shapes import UNKNOWN, Shape, recognise
from xsieve.transforms.records.signs import Sign, holds_signs, listener, loud_within

BLANKS = b" \t\r"
OPEN, CLOSE = b"{}"
MAX_CLEAN_DEEP = 100
JSON_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError)


class Refused(Exception):  # noqa: N818 not an error of the program: one payload is refused
    """A payload that cannot be handled. Holds the reason and the name of its shape, never its content."""

    def __init__(self, reason: Reason, shape: str = UNKNOWN.name) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.shape = shape


Line = tuple[int, int]  # where a line lies in its batch: start and end


class Group(NamedTuple):
    """Payloads of one shape, in the order of their lines, with the signs heard while they were decoded."""

    shape: Shape
    payloads: list[Any]
    lines: list[Line]
    loud: list[Sign]
    leaves: int = 0  # mistyped leaves left out
    checked: bool = False  # for repeated keys
    lost: tuple[Line, ...] = ()  # the lines of records of a page that could not be handled


class Codec:
    """The decoder of one shape's form."""

    def __init__(self, shape: Shape, form: type[Struct], deciding: Collection[str] = ()) -> None:
        """``deciding``: the keys that lead to what says who may see a record."""
        self.deciding = deciding
        self.loud: list[Sign] = []
        self.shape = shape
        self.form = form
        self._hook = listener(self.loud)
        fields = msgspec.structs.fields(form)
        self._markers = [field.name for field in fields if field.required and field.type is Raw]
        decoder = msgspec.json.Decoder(form, dec_hook=self._hook)
        self.one: Callable[[bytes], Any] = decoder.decode
        self.many: Callable[[bytes], list[Any]] = decoder.decode_lines

    def all_whole(self, payloads: list[Any]) -> bool:
        """Whether each has what its shape requires and the form cannot: markers other than null, one of several keys."""
        for key in self._markers:
            if NULL in map(attrgetter(key), payloads):
                return False
        for choice in self.shape.choices:
            lacking = payloads
            for key in map(attribute_of, choice):
                values = map(attrgetter(key), lacking)
                lacking = [p for p, value in zip(lacking, values, strict=True) if value is UNSET or value is ABSENT]
                if not lacking:
                    break
            else:
                return False
        return True

    def field_by_field(self, line: bytes) -> tuple[Any, int, int]:
        """The payload without its mistyped leaves, how many there were, and how many records of a page were lost. Raises Refused."""
        refuse_repeated_keys(line)
        cleaner = _Cleaner(self._hook, self.deciding, self.form, self.shape.posts)
        try:
            record = cleaner.clean(Raw(line), self.form, MAX_CLEAN_DEEP)
        except JSON_ERRORS:
            raise Refused(Reason.MISTYPED) from None
        return record, cleaner.leaves, cleaner.lost


def lines_of(batch: bytes) -> tuple[list[Line], bool]:
    """Where the lines of a batch lie, blank ones left out; and whether each looks like one JSON object to the byte."""
    found: list[Line] = []
    whole, start, size, find = True, 0, len(batch), batch.find
    while start < size:
        end = find(b"\n", start)
        if end < 0:
            end = size
        if batch[start] == OPEN and batch[end - 1] == CLOSE and end > start:
            found.append((start, end))
        elif line := batch[start:end].strip(BLANKS):
            whole = whole and batch[start] == OPEN and line[-1] == CLOSE
            found.append((start, end))
        start = end + 1
    return found, whole


def decode(
    batch: bytes,
    lines: list[Line],
    whole: bool,
    codecs: Mapping[str, Codec],
    refuse: Callable[[Line, Refused], None],
) -> Iterator[Group]:
    """The payloads of a batch in groups of one shape. ``codecs`` by name of shape; a shape without one comes as bare lines.

    ``lines``, ``whole``: of the batch, by ``lines_of``. Calls ``refuse`` for each payload that cannot be handled.
    """
    if not lines:
        return
    codec = codecs.get(_shape_of(batch[slice(*lines[0])]).name)
    if whole and codec and codec.shape.in_bulk:
        payloads = _at_once(codec, batch, len(lines))
        if payloads is not None:
            yield Group(codec.shape, payloads, lines, codec.loud.copy())
            return
    yield from _by_line(batch, lines, codecs, refuse)


def _shape_of(line: bytes) -> Shape:
    try:
        return recognise(line)
    except JSON_ERRORS:
        return UNKNOWN


def _at_once(codec: Codec, lines: bytes, count: int) -> list[Any] | None:
    """All payloads of the lines, or None unless each line is one payload of the codec's shape."""
    codec.loud.clear()
    try:
        payloads = codec.many(lines)
    except JSON_ERRORS:
        return None
    # decode_lines also takes several documents on a line and documents of several lines; each line here begins with { and
    # ends with }, between which JSON has no line break outside of an object, so equal numbers mean one document a line
    return payloads if len(payloads) == count and codec.all_whole(payloads) else None


def _by_line(
    batch: bytes, lines: Iterable[Line], codecs: Mapping[str, Codec], refuse: Callable[[Line, Refused], None]
) -> Iterator[Group]:
    groups: dict[str, Group] = {}
    last: Codec | None = None
    for place in lines:
        line = batch[slice(*place)]
        try:
            found = _as_before(line, last) or decode_line(line, codecs)
        except Refused as refused:
            refuse(place, refused)
            continue
        shape, payload, loud, leaves, lost = found
        last = codecs.get(shape.name) if shape.in_bulk else last
        group = groups.get(shape.name) or Group(shape, [], [], [])
        group.payloads.append(payload)
        group.lines.append(place)
        group.loud.extend(loud)
        if leaves or lost:
            group = group._replace(leaves=group.leaves + leaves, lost=group.lost + (place,) * lost)
        groups[shape.name] = group
    yield from groups.values()


# shape, record (None where the shape has no codec), loud signs, mistyped leaves left out, records of a page lost
Decoded = tuple[Shape, Any, list[Sign], int, int]


def _as_before(line: bytes, codec: Codec | None) -> Decoded | None:
    """The payload if it is of the same shape as one before: a form accepts its own shape only, so there is no need to look."""
    if codec is None:
        return None
    codec.loud.clear()
    try:
        payload = codec.one(line)
    except JSON_ERRORS:
        return None
    return (codec.shape, payload, codec.loud.copy(), 0, 0) if codec.all_whole([payload]) else None


def decode_line(line: bytes, codecs: Mapping[str, Codec]) -> Decoded:
    """One payload by itself. Raises Refused."""
    try:
        shape = recognise(line)
    except JSON_ERRORS as error:
        raise Refused(_why(error, line)) from None
    if shape is UNKNOWN:
        refuse_repeated_keys(line)
        raise Refused(Reason.UNKNOWN_SHAPE)
    codec = codecs.get(shape.name)
    if codec is None:
        return shape, None, [], 0, 0
    codec.loud.clear()
    try:
        return shape, codec.one(line), codec.loud.copy(), 0, 0
    except JSON_ERRORS:
        codec.loud.clear()
        try:
            payload, leaves, lost = codec.field_by_field(line)
        except Refused as refused:
            raise Refused(refused.reason, shape.name) from None
        return shape, payload, loud_within(payload), leaves, lost


def _why(error: BaseException, line: bytes) -> Reason:
    """A reason of our own for a decoder's error, whose text may quote the payload."""
    if isinstance(error, RecursionError):
        return Reason.TOO_DEEP
    if isinstance(error, UnicodeError) or not _is_utf8(line):
        return Reason.NOT_UTF8
    return Reason.NOT_JSON


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def refuse_repeated_keys(line: bytes) -> None:
    """Raises Refused if an object in the line repeats a key (decoders let the last one win), or if it is not JSON at all."""

    def unique(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise Refused(Reason.REPEATED_KEY)

    def constant(_: str) -> NoReturn:
        raise Refused(Reason.NOT_JSON)

    try:
        json.loads(line, object_pairs_hook=unique, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise Refused(_why(error, line)) from None


class _Cleaner:
    """Fills a form from a line, leaf by leaf, leaving out the leaves that have the wrong type."""

    def __init__(
        self, hook: Callable[[type, Any], Any], deciding: Collection[str], root: type[Struct], contents: Collection[str]
    ) -> None:
        """``contents``: the keys of the root under which the records of a page lie; one that cannot be handled costs no other."""
        self._hook = hook
        self._root, self._contents = root, contents
        self.lost = 0
        self._deciding = deciding
        self.leaves = 0

    def clean(self, raw: Raw, form: Any, depth: int) -> Any:
        """The value as ``form``. Raises one of JSON_ERRORS where nothing of it fits, Refused where a deciding value is mistyped."""
        if depth == 0:
            raise RecursionError
        try:
            return msgspec.json.decode(raw, type=form, dec_hook=self._hook)
        except JSON_ERRORS:
            pass
        options = get_args(form) or (form,)
        for option in options:
            if isinstance(option, type) and issubclass(option, Sign):
                raise Refused(Reason.MISTYPED)
            if option is Never:
                raise Refused(Reason.UNKNOWN_SHAPE)
        first = bytes(raw).lstrip()[:1]
        if first == b"{":
            for option in options:
                if isinstance(option, type) and issubclass(option, Struct) and option not in (Empty, Nothing):
                    return self._object(raw, option, depth)
        if first == b"[":
            items = list_item(form)
            if items is not None:
                return self._list(raw, items, depth)
        raise TypeError

    def _object(self, raw: Raw, form: type[Struct], depth: int) -> Any:
        keys = msgspec.json.decode(raw, type=dict[str, Raw])
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(form):
            value = keys.get(field.encode_name)
            if value is None:
                if field.required:
                    raise Refused(Reason.MISTYPED)
                continue
            try:
                if form is self._root and field.encode_name in self._contents:
                    values[field.name] = self._records(value, field.type, depth - 1)
                else:
                    values[field.name] = self.clean(value, field.type, depth - 1)
            except JSON_ERRORS:
                if field.required or field.encode_name in self._deciding:
                    raise Refused(Reason.MISTYPED) from None
                self.leaves += 1
        return form(**values)

    def _records(self, raw: Raw, form: Any, depth: int) -> Any:
        item = list_item(form)
        if item is None or bytes(raw).lstrip()[:1] != b"[":
            return self.clean(raw, form, depth)
        kept: list[Any] = []
        for value in msgspec.json.decode(raw, type=list[Raw]):
            try:
                kept.append(self.clean(value, item, depth - 1))
            except (Refused, *JSON_ERRORS):
                self.lost += 1
        return kept

    def _list(self, raw: Raw, item: Any, depth: int) -> list[Any]:
        kept: list[Any] = []
        for value in msgspec.json.decode(raw, type=list[Raw]):
            try:
                kept.append(self.clean(value, item, depth - 1))
            except JSON_ERRORS:
                if holds_signs(item):
                    raise Refused(Reason.MISTYPED) from None
                self.leaves += 1
        return kept


def list_item(form: Any) -> Any:
    """The type of a list's items, where ``form`` is a list or allows one; else None."""
    for option in (form, *get_args(form)):
        if getattr(option, "__origin__", None) is list:
            return get_args(option)[0]
    return None
