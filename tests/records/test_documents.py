"""Framing: whatever way documents are arranged in a text, each comes out whole, once, and on one line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xsieve.transforms.records.documents import Framer, is_lines, unfold, unfold_lines

CORPORA = Path(__file__).resolve().parents[2].parent / "shared" / "corpora"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", '\\"', "}", "{", "[{", "\n{", "},\n{", "null", "شكرا 😀", "\u2028", '{"id": 1}']
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=5)
STYLES = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 4, "\t"]),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]),
        "ensure_ascii": st.booleans(),
    }
)


def lines_of(text: bytes, step: int = 1 << 20) -> list[bytes]:
    """The lines of a text that is fed to a framer ``step`` bytes at a time, without blank ones."""
    framer = Framer()
    framed = b"".join(framer.feed(text[at : at + step]) for at in range(0, len(text), step))
    return [line.strip() for line in framed.split(b"\n") if line.strip()]


def in_one_array(documents: list[object], **style: object) -> str:
    return json.dumps(documents, **style)


def as_elements_on_lines(documents: list[object], **style: object) -> str:
    return "[\n" + ",\n".join(json.dumps(document, **style) for document in documents) + "\n]\n"


def one_after_another(documents: list[object], **style: object) -> str:
    return "\n".join(json.dumps(document, **style) for document in documents)


def without_anything_between(documents: list[object], **style: object) -> str:
    return "".join(json.dumps(document, **style) for document in documents)


def in_two_arrays(documents: list[object], **style: object) -> str:
    return json.dumps(documents[:2], **style) + json.dumps(documents[2:], **style)


@pytest.mark.parametrize(
    "arrange",
    [in_one_array, as_elements_on_lines, one_after_another, without_anything_between, in_two_arrays],
)
@given(documents=DOCUMENTS, style=STYLES, step=st.integers(1, 40), crlf=st.booleans())
@settings(max_examples=60, deadline=None)
def test_documents_come_out_unchanged_and_in_order_however_they_are_arranged_and_cut(
    arrange, documents, style, step, crlf
):
    """Pretty-printed, minified, in arrays, touching one another; fed in chunks of any size."""
    text = arrange(documents, **style).replace("\n", "\r\n" if crlf else "\n").encode()
    assert [json.loads(line) for line in lines_of(text, step)] == documents


@given(documents=DOCUMENTS, style=STYLES)
def test_each_document_keeps_its_place_in_bytes(documents, style):
    """A line begins at the offset at which its document lies in the text."""
    text = in_one_array(documents, **style).encode()
    framed = Framer().feed(text)
    assert len(framed) == len(text)
    for line in filter(None, framed.split(b"\n")):
        at = framed.index(line)
        assert text[at : at + len(line)].replace(b"\n", b" ") == line


@given(text=st.text(alphabet='{}[]",: \n\\anul1', max_size=60), step=st.integers(1, 9))
@settings(max_examples=400, deadline=None)
def test_how_a_text_is_cut_into_chunks_makes_no_difference_even_if_it_is_not_json(text, step):
    """Braces, quotes, breaks and backslashes in any order give the same lines at once and in parts."""
    assert lines_of(text.encode(), step) == lines_of(text.encode())


@given(text=st.text(alphabet='{}[]",: \n\\anul1', max_size=60))
@settings(max_examples=400)
def test_nothing_of_a_text_is_lost_but_separators(text):
    """All bytes other than blanks, commas, brackets and the letters of null come out, in their order."""
    separators = b" \n,[]nul"
    kept = b"".join(lines_of(text.encode())).translate(None, separators)
    assert kept == text.encode().translate(None, separators)


def test_a_heading_between_documents_costs_one_line_and_the_documents_around_it_are_kept():
    """Sample files have headings between their pretty-printed payloads."""
    text = b'{\n  "id": 1\n}\nClassic post, extended [mode]\n{\n  "id": 2\n}\n'
    assert lines_of(text) == [b'{   "id": 1 }', b"Classic post, extended [mode]", b'{   "id": 2 }']


def test_an_archive_export_gives_its_items_and_one_line_that_is_no_document():
    """The files of an archive export begin like a program."""
    text = b'window.YTD.tweets.part0 = [\n  {\n    "tweet" : {\n      "id" : "7"\n    }\n  },\n  { }\n]'
    assert [line.split() for line in lines_of(text)] == [
        [b"window.YTD.tweets.part0", b"=", b"["],
        [b"{", b'"tweet"', b":", b"{", b'"id"', b":", b'"7"', b"}", b"}"],
        [b"{", b"}"],
    ]


def test_a_guard_against_script_inclusion_costs_one_line():
    """Some servers put a guard before their JSON."""
    assert lines_of(b')]}\'\n{"id": 1}') == [b")]}'", b'{"id": 1}']


def test_nulls_in_an_array_are_no_documents():
    """Tools write null for what they did not get."""
    assert lines_of(b'[null, {"id": 1}, null,null, {"id": 2},\nnull]') == [b'{"id": 1}', b'{"id": 2}']


def test_a_document_that_was_cut_off_does_not_take_the_next_ones_with_it():
    """A tool was stopped while it wrote, and started again; inside of a string or not."""
    for stump in (
        b'{\n  "user": {\n    "name": "Mar',
        b'{\n  "user": {\n    "ids": [1',
        b'{\n  "user": {\n    "id": 1',
    ):
        text = b'{\n  "id": 1\n}\n' + stump + b'\n{\n  "id": 2\n}\n{"id": 3}\n'
        for step in (1, 7, len(text)):
            first, cut, *rest = lines_of(text, step)
            assert (first, rest) == (b'{   "id": 1 }', [b'{   "id": 2 }', b'{"id": 3}'])
            assert cut.startswith(b'{   "user": {')


def test_what_shares_its_line_with_half_a_document_is_no_document_of_its_own():
    """The nested post of a payload that lost its begin must not pass for a payload: who saw it is gone."""
    text = b'"protected": true}, "quoted_status": {"id": 1,\n"text": "t"}, "place": {}}\n{"id": 2}\n'
    assert lines_of(text) == [
        b'"protected": true}, "quoted_status": {"id": 1, "text": "t"}, "place": {}}',
        b'{"id": 2}',
    ]


def test_a_closing_brace_too_many_spoils_its_line_only():
    """Excess braces are not counted against what follows."""
    assert lines_of(b'{"id": 1}}}\n{"id": 2}\n}}{"id": 3}\n{"id": 4}') == [
        b'{"id": 1}}}',
        b'{"id": 2}',
        b'}}{"id": 3}',
        b'{"id": 4}',
    ]


def test_a_text_that_ends_inside_a_document_is_known_to_be_unfinished():
    """Whether the last document is whole is seen at the end."""
    framer = Framer()
    framer.feed(b'[{"id": 1}, {"a": {"b": 1}')
    assert framer.unfinished
    framer.feed(b"}")
    assert not framer.unfinished


def test_nesting_of_any_depth_is_framed():
    """A hundred thousand objects inside one another are one line."""
    deep = b'{"a":\n' * 100_000 + b"1" + b"}" * 100_000
    assert [len(line) for line in lines_of(deep + b"\n{}", 1 << 16)] == [len(deep), 2]


@pytest.mark.parametrize(
    ("head", "yes"),
    [
        (b'{"id": 1}\n{"id": 2}\n{"id":', True),
        (b'\r\n{"id": 1}\r\n\r\n{"id": 2}\r\n', True),
        (b'{"cut": "o\n{"id": 2}\n{"id": 3}\n', True),
        (b'{"cut":\n{"id": 2}\n{"id": 3}\n', True),
        (b'{"id": 1}\n{"cut": 2,\n{"id": 3}', True),
        (b'{"cut": [\n{"id": 2}', True),
        (b"[1, 2, 3]\n", True),
        (b"id,text\n1,abc\nlunch,2\n", True),
        (b"", True),
        (b'{\n  "id": 1\n}\n', False),
        (b'[\n{"id": 1},\n{"id": 2}\n]', False),
        (b'[{"id": 1},{"id": 2}]', False),
        (b'[{"id": 1}, {"id', False),
        (b'[{"id": ', False),
        (b'{\n  "data": [\n  {"id": 1}\n  ],\n "includes', False),
        (b'{"data":\n{"id": 2}\n}', False),
        (b"[\n]\n", False),
        (b'{"id": 1}{"id": 2}', False),
        (b'Heading\n{\n"id": 1}', False),
    ],
)
def test_a_text_is_line_delimited_where_framing_makes_no_document_that_is_no_line(head, yes):
    """The head of a file tells which of the two it is."""
    assert is_lines(head) is yes


def test_a_line_that_holds_an_array_is_unfolded_and_keeps_its_places():
    """Each element on a line of its own, at its offset."""
    assert unfold(b'[{"id": 1}, {"id": [2]}]\n') == b'\n{"id": 1}\n\n{"id": [2]}\n\n'
    assert unfold(b"[]\n").strip() == unfold(b"[null, null]").strip() == b""
    assert unfold_lines(b'{"a":1}\n[{"a":2},{"a":3}]\n{"a":[{}]}\n') == b'{"a":1}\n\n{"a":2}\n{"a":3}\n\n{"a":[{}]}\n'


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": [{}]}\n',
        b"[1, 2, 3]\n",
        b'[{"a": 1}, {"b":\n',
        b"[[1]]\n",
        b"[[",
        b'[{"a": 1}], "b": {}}',
        b"",
        b"\n",
    ],
)
def test_other_lines_are_left_as_they_are(line):
    """Objects, arrays without objects, and arrays that were cut off are for the sieve to judge."""
    assert unfold(line) == line
    assert unfold_lines(line) == line


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora of real payloads are not here")
@pytest.mark.parametrize("arrange", [in_one_array, one_after_another, without_anything_between])
@pytest.mark.parametrize("indent", [None, 2])
def test_real_payloads_come_out_unchanged(arrange, indent):
    """Every payload of every shape, as tools save them."""
    for path in sorted(CORPORA.glob("*/*.jsonl")):
        payloads = [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
        objects = [payload for payload in payloads if isinstance(payload, dict)]
        text = arrange(objects, indent=indent).encode()
        same = [json.loads(line) for line in lines_of(text, 100_000)] == objects
        assert same, path.parent.name  # and nothing of what is in them
