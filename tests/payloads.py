"""Invented payloads of every shape, made by walking the field tables from each shape's root.

Each leaf gets what such a field may hold, or what an upstream fault may put there; keys that no table knows stand at every
level. So what is planted stands in every known path and in unknown ones. All of it follows from one ``random.Random``.
"""

import json
import os
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from planting import TAGS, Planted, Planter
from slow_model import shape_of, split

from xsieve.configs import table
from xsieve.transforms.records.catalog import ANY_KEY, Catalog, Field, Kind, load
from xsieve.transforms.records.signs import places

SHAPES: dict[str, Mapping[str, str]] = {line.cells["shape"]: line.cells for line in table("shapes.tsv")}
HEADS = frozenset(key for cells in SHAPES.values() for key in split(cells["has"]) + split(cells["lacks"]))
INVENTED = (
    "authorInfo",
    "rest_id",
    "core",
    "legacy",
    "Screen_Name",
    "UserName2",
    "x_profile",
    "geoEnrich",
    "_raw",
    "новое",
    "",
)
LANGS = ("en", "de", "ja", "ar", "und", "zh-TW", "qme")
CITIES = ("Lyon, France", "São Paulo, Brasil", "京都市", "Lagos")
PLACE_TYPES = ("city", "admin", "country", "neighborhood", "poi")
WORDY = frozenset({"text", "hashtag", "client", "place"})  # classes whose values are words of people
GONE = object()  # no value at all


def examples(number: int) -> int:
    """So many examples, times XSIEVE_EXAMPLES for a long run."""
    return number * int(os.environ.get("XSIEVE_EXAMPLES", "1"))


class Payload(NamedTuple):
    """One payload, the shape it was made for, and what was planted in it."""

    shape: str
    data: Any
    planted: list[Planted]

    def line(self, rng: random.Random | None = None) -> bytes:
        """The payload as JSON, written in one of the ways in which tools write it."""
        rng = rng or random.Random(0)
        separators = rng.choice(((",", ":"), (", ", ": ")))
        return json.dumps(self.data, ensure_ascii=rng.random() < 0.5, separators=separators).encode()


class Mix(NamedTuple):
    """How often what happens in a payload: fields that are there, faults, keys no table knows, signs that close a record."""

    fields: float = 0.5
    faults: float = 0.0
    unknown: float = 0.15
    closed: float = 0.0
    nested: int = 2  # how often an object may stand inside of itself


def payload(rng: random.Random, shape: str, mix: Mix = Mix()) -> Payload:
    """An invented payload of that shape."""
    return Walker(rng, mix).payload(shape)


def batch(rng: random.Random, count: int, mix: Mix = Mix(), shapes: tuple[str, ...] = tuple(SHAPES)) -> list[Payload]:
    """Invented payloads of any of these shapes."""
    return [payload(rng, rng.choice(shapes), mix) for _ in range(count)]


def lines(payloads: list[Payload], rng: random.Random | None = None) -> bytes:
    """Payloads one a line."""
    return b"".join(one.line(rng) + b"\n" for one in payloads)


class Walker:
    """Makes the payloads: objects, lists and leaves as the field tables describe them."""

    def __init__(self, rng: random.Random, mix: Mix) -> None:
        self.rng = rng
        self.mix = mix
        self.plants = Planter(rng)
        self.catalog: Catalog = load()
        self.signs = places(self.catalog)
        self.chance = self.plants.chance
        self._other_names = rng.choice((("tweets", "tweet"), ("posts", "post", "repost")))
        self._later: list[Callable[[], None]] = []
        self._above = ""  # the class of a field further up that holds for all below it

    def payload(self, shape: str) -> Payload:
        cells = SHAPES[shape]
        data = self.object(cells["object"], shape, ())
        for choice in cells["has"].split():
            keys = [key for key in choice.split("/") if self.catalog.trail(cells["object"], key)]
            if keys:
                self._require(data, cells["object"], self.rng.choice(keys), shape)
            else:
                data[choice] = self._unknown(f"{shape}.{choice}")
        for key in split(cells["lacks"]):
            _remove(data, key)
        while (other := shape_of(data)) != shape:  # another shape's line comes before: it must lack one of its keys
            wanted = SHAPES[other]["has"].split() if other else []
            extra = [choice for choice in wanted if choice not in cells["has"].split()]
            assert extra, f"{shape} cannot be told from {other}"
            for key in extra[-1].split("/"):
                if key not in split(cells["has"]):
                    _remove(data, key)
        standing = _values_of(data)  # some of what was made found no room
        self.plants.handles = [handle for handle in self.plants.handles if handle in standing]
        for later in self._later:
            later()
        return Payload(shape, data, self.plants.planted)

    def _require(self, data: dict[str, Any], name: str, path: str, where: str) -> None:
        """Put something into the object (and the first object of its list) that a shape is told by."""
        head, _, tail = path.partition(".")
        field = self.catalog.objects[name][head]
        while data.get(head) in (None, [], {}):
            data[head] = self.value(field, field.kind, f"{where}.{head}", (), sound=True)
        if tail:
            ref = field.kind.leaf.refs[0]
            if not isinstance(data[head], dict) and not (
                isinstance(data[head], list) and isinstance(data[head][0], dict)
            ):
                data[head] = self.object(ref, f"{where}.{head}", (name,))
            items = data[head] if isinstance(data[head], list) else [data[head]]
            for item in (item for item in items if isinstance(item, dict)):
                self._require(item, ref, tail, f"{where}.{head}")

    # ---- objects and values

    def object(self, name: str, where: str, above: tuple[str, ...]) -> dict[str, Any]:
        """An object of the field tables."""
        fields = self.catalog.objects[name]
        made: dict[str, Any] = {}
        for field in fields.values():
            if field.name != ANY_KEY and self.chance(self.mix.fields) and not self._of_other_generation(name, field):
                made[field.name] = self.value(field, field.kind, f"{where}.{field.name}", (*above, name))
        for _ in range(self.rng.randrange(3) if ANY_KEY in fields else 0):
            field = fields[ANY_KEY]
            self.plants.at(f"{where}.*", self._above or field.cls)
            key = self.plants.id("user_id") if field.kind.refs else self.plants.handle()
            made[key] = self.value(field, field.kind, f"{where}.*", (*above, name))
        made = {key: value for key, value in made.items() if value is not GONE}
        _FINISH.get(name, lambda *_: None)(self, made)
        if self.chance(self.mix.unknown) and ANY_KEY not in fields:
            self._add_unknown(made, fields, where)
        if self.chance(0.3):
            made = dict(self.rng.sample(list(made.items()), len(made)))
        return made

    def value(self, field: Field, kind: Kind, where: str, above: tuple[str, ...], *, sound: bool = False) -> Any:
        """What a field holds; GONE where objects would nest too deep."""
        if (field.object, field.name) in self.signs:
            return self._sign(field)
        if not sound and self.chance(self.mix.faults):
            return self._fault(field, where)
        if not sound and self.chance(0.05):
            return None
        options: list[Any] = [*sorted(kind.scalars), *kind.refs, *([kind.item] if kind.item else [])]
        option = self.rng.choice(options)
        if isinstance(option, Kind):
            if not sound and self.chance(0.06):
                return {} if not kind.refs and field.object.startswith("v2.") else []
            if option.refs and any(above.count(ref) >= self.mix.nested for ref in option.refs):
                return GONE
            count = self.rng.choice((1, 1, 2, 3) if sound else (0, 1, 1, 2, 3))
            return [
                v for _ in range(count) if (v := self.value(field, option, where + "[]", above, sound=True)) is not GONE
            ]
        if option not in kind.refs:
            return self.leaf(field, option, where)
        if above.count(option) >= self.mix.nested:
            return GONE
        before = self._above
        self._above = before or (field.cls if field.cls != "part" else "")
        made = self.object(option, where, above)
        self._above = before
        return made

    def leaf(self, field: Field, scalar: str, where: str) -> Any:
        """A scalar such as a field of that class holds."""
        plants = self.plants.at(where, self._above or field.cls)
        if scalar == "bool":
            return self.chance(0.5)
        if scalar == "number":
            return plants.fraction()
        if scalar == "int":
            return self._int(field, plants)
        return _TEXTS.get(field.cls, lambda _, p: p.word())(field, plants)

    def _int(self, field: Field, plants: Planter) -> int:
        if field.cls.endswith("_id"):
            return int(plants.id(field.cls))
        if field.cls == "offset":
            return self.rng.randrange(280)
        return plants.count() if field.cls.endswith("metric") else plants.number()

    def _sign(self, field: Field) -> Any:
        """What says who may see the record."""
        kind = self.signs[field.object, field.name].__name__
        if self.chance(self.mix.closed):
            closing = {
                "Private": [True, "private"][field.object.startswith("v1")],
                "Withheld": ["DE", "XX"],
                "Community": "1590000000000000001",
            }
            return closing.get(kind, True)
        opening = {
            "Private": [False, "public"][field.object.startswith("v1")],
            "Withheld": self.rng.choice(([], ["DE", "FR"], ["IN"])),
        }
        return GONE if kind in ("Followers", "Community") else opening.get(kind, False)

    def _fault(self, field: Field, where: str) -> Any:
        """A value of a wrong type, with something planted in it."""
        plants = self.plants.at(where, self._above or field.cls)
        faults: list[Callable[[], Any]] = [
            lambda: None, dict, list, lambda: True, lambda: [[None]], lambda: float(int(plants.id("user_id"))),
            lambda: int(plants.id("post_id")), lambda: plants.id("user_id"), lambda: [plants.email(), {}],
            lambda: self._unknown_object(where), lambda: [self._unknown_object(where)], lambda: 10**30 + int(plants.id("user_id")),
        ]  # fmt: skip
        if field.cls not in WORDY:  # there no word can be told from another
            faults += [plants.word, plants.handle]
        return self.rng.choice(faults)()

    def _add_unknown(self, made: dict[str, Any], fields: Mapping[str, Field], where: str) -> None:
        """Keys that no table knows, among them some that are ids or handles themselves."""
        plants = self.plants.at(where + ".?", "unknown")
        keys = (
            lambda: self.rng.choice(INVENTED),
            plants.handle,
            lambda: plants.id("user_id"),
            plants.email,
            plants.word,
        )
        for _ in range(self.rng.randrange(1, 3)):
            key = self.rng.choice(keys)()
            if key not in fields and key not in HEADS:
                made[key] = self._unknown(f"{where}.{key}")

    def _unknown(self, where: str) -> Any:
        """Anything: also what looks like X's own objects, under keys that are not where X has them."""
        plants = self.plants.at(where, "unknown")
        scalars = (
            plants.word,
            plants.handle,
            plants.name,
            plants.email,
            plants.phone,
            plants.link,
            plants.text,
            plants.number,
        )
        scalar = self.rng.choice(scalars)
        return self.rng.choice(
            (
                scalar,
                lambda: [scalar(), plants.id("post_id")],
                lambda: float(int(plants.id("user_id"))),
                lambda: self._unknown_object(where),
                lambda: [{plants.handle(): {"x_text": plants.text()}}, None, True],
            )
        )()  # fmt: skip

    def _unknown_object(self, where: str) -> dict[str, Any]:
        plants = self.plants.at(where, "unknown")
        return {
            "x_user": {"x_handle": plants.handle(), "x_id": int(plants.id("user_id"))},
            plants.id("user_id"): plants.text(),
        }

    def _of_other_generation(self, name: str, field: Field) -> bool:
        """v2 names things tweet or post, and no payload does both."""
        if not name.startswith(("v2.", "xaa.")):
            return False
        word = field.name.replace("tweets", "tweet").replace("posts", "post")
        old, new = "tweet" in word or word == "retweet_count", "post" in word
        return new if "tweet" in self._other_names else old


# ---- what fields of each class hold


def _time(field: Field, plants: Planter) -> str:
    if field.name.endswith(("_ms", "timestamp", "_msec")):
        return plants.moment("ms")
    return plants.moment("v1" if field.object.startswith("v1.") else "iso")


def _id(field: Field, plants: Planter) -> str:
    number = plants.id(field.cls)
    if field.object.startswith("activity."):
        return f"{'id:twitter.com' if field.cls == 'user_id' else 'tag:search.twitter.com,2005'}:{number}"
    return f"3_{number}" if field.name == "media_key" else number


def _handle(field: Field, plants: Planter) -> str:
    handle = plants.handle()
    if field.name == "link":
        return f"http://www.twitter.com/{handle}"
    plants.handles.append(handle)
    return handle


def _place(field: Field, plants: Planter) -> str:
    if field.name.endswith("place_type"):
        return plants.rng.choice(PLACE_TYPES)
    if field.name.endswith("country_code"):
        return plants.rng.choice(("FR", "BR", "jp", plants.word()))
    return plants.bio()


def _conversation(field: Field, plants: Planter) -> str:
    first = plants.id("user_id")
    return f"{first}-{plants.id('user_id')}" if field.object == "v2.dm_event" else plants.id("post_id")


def _language(_: Field, plants: Planter) -> str:
    makers = (plants.word, lambda: f"en-{plants.number()}", lambda: f"in-{plants.handle()}")
    return plants.rng.choice(LANGS) if plants.chance(0.9) else plants.rng.choice(makers)()


def _echo(_: Field, plants: Planter) -> str:
    return plants.rng.choice(
        (
            f"User has been suspended: [{plants.handle()}].",
            plants.id("user_id"),
            plants.handle(),
            f"/2/users/{plants.id('user_id')}",
        )
    )


def _query(_: Field, plants: Planter) -> str:
    query = f"has:geo (from:{plants.handle()} OR from:{plants.id('user_id')}) {plants.word()}"
    return plants.rng.choice(
        (query, f"https://api.twitter.com/2/users/{plants.id('user_id')}/tweets?q={plants.handle()}")
    )


def _relation(field: Field, plants: Planter) -> str:
    return plants.rng.choice(("post", "share") if field.name == "verb" else ("retweeted", "quoted", "replied_to"))


_Maker = Callable[[Field, Planter], Any]
_TEXTS: dict[str, _Maker] = {
    **dict.fromkeys(("post_id", "user_id", "media_id", "dm_id", "list_id", "space_id", "other_id", "place_id"), _id),
    **dict.fromkeys(("link", "media_link"), lambda _, p: p.link()),
    **dict.fromkeys(("profile", "words", "exact_place"), lambda _, p: p.bio()),
    **dict.fromkeys(("text", "message"), lambda _, p: p.text()),
    **dict.fromkeys(("account_time", "time", "event"), _time),
    **dict.fromkeys(("collection", "label"), _query),
    "conversation_id": _conversation,
    "handle": _handle,
    "display_name": lambda _, p: p.name(),
    "contact": lambda _, p: p.rng.choice((p.email, p.phone))(),
    "hashtag": lambda _, p: p.rng.choice((*TAGS, p.id("user_id"))),
    "cashtag": lambda _, p: p.rng.choice(("BTC", "BRK.B", p.word())),
    "media_type": lambda _, p: p.rng.choice(("photo", "video", "animated_gif", p.word())),
    "client": lambda _, p: p.client(),
    "language": _language,
    "place": _place,
    "error_echo": _echo,
    "relation": _relation,
    "visibility": lambda _, p: "status",
}


# ---- what must fit together in an object


def _finish_place(_: Walker, place: dict[str, Any]) -> None:
    """A city has the name of a city: from anything but X's list of places it could not be told."""
    for kind, names in (("place_type", ("name", "full_name")), ("twitter_place_type", ("displayName", "name"))):
        if place.get(kind) == "city":
            place.update({name: _.rng.choice(CITIES) for name in names if isinstance(place.get(name), str)})


def _finish_includes(_: Walker, includes: dict[str, Any]) -> None:
    """A page includes nobody twice."""
    for key, items in includes.items():
        if isinstance(items, list):
            known: set[Any] = set()
            identity = "media_key" if key == "media" else "id"
            ids = [item.get(identity) if isinstance(item, dict) else None for item in items]
            includes[key] = [
                item
                for item, one in zip(items, ids, strict=True)
                if not (isinstance(one, str) and (one in known or known.add(one)))
            ]


def _finish_post(walker: Walker, post: dict[str, Any]) -> None:
    """A post repeats one post at most, and refers to one of each kind; a hashtag and a client may be a handle of the payload."""
    for key in ("referenced_tweets", "referenced_posts"):
        if isinstance(post.get(key), list):
            kinds = walker.rng.choice((["retweeted"], ["quoted", "replied_to"], ["replied_to"]))
            pairs = zip(post[key], kinds, strict=False)
            post[key] = [{**item, "type": kind} for item, kind in pairs if isinstance(item, dict)]

    def later() -> None:
        if walker.plants.handles and isinstance(post.get("source"), str) and walker.chance(0.2):
            post["source"] = f"The {walker.rng.choice(walker.plants.handles).title()} Bot"

    walker._later.append(later)


def _finish_hashtag(walker: Walker, hashtag: dict[str, Any]) -> None:
    def later() -> None:
        handles = walker.plants.handles
        if handles and walker.chance(0.3):
            for key in {"text", "tag"} & hashtag.keys():
                hashtag[key] = walker.rng.choice(handles).swapcase()

    walker._later.append(later)


_FINISH: dict[str, Callable[[Walker, dict[str, Any]], None]] = {
    **dict.fromkeys(("v1.place", "v2.place", "v2.geo", "activity.location"), _finish_place),
    "v2.includes": _finish_includes,
    "v1.post": _finish_post,
    "v2.post": _finish_post,
    "v1.hashtag": _finish_hashtag,
    "v2.hashtag": _finish_hashtag,
}


def _values_of(data: Any) -> set[str]:
    """Every text that is a whole value somewhere in a payload."""
    if isinstance(data, dict | list):
        return set().union(*map(_values_of, data.values() if isinstance(data, dict) else data))
    return {data} if isinstance(data, str) else set()


def _remove(data: Any, path: str) -> None:
    head, _, tail = path.partition(".")
    if not isinstance(data, dict):
        return
    if not tail:
        data.pop(head, None)
    elif isinstance(data.get(head), list):
        for item in data[head][:1]:
            _remove(item, tail)
    else:
        _remove(data.get(head), tail)
