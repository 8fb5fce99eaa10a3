"""What the sieve does, said again slowly and obviously, on plain parsed JSON: the measure for the fast one."""

from collections.abc import Iterator
from typing import Any

from xsieve.configs import table
from xsieve.transforms.records.catalog import ANY_KEY, Catalog, Kind

NO_ITEM = object()


def split(cell: str) -> list[str]:
    """All keys of a cell of the table of shapes: ``user text/full_text`` -> user, text, full_text."""
    return cell.replace("/", " ").split()


# ---- shapes


def shape_of(payload: Any) -> str:
    """The first line of the table of shapes that describes a payload; empty if none does."""
    if not isinstance(payload, dict):
        return ""
    for line in table("shapes.tsv"):
        has, lacks = line.cells["has"].split(), line.cells["lacks"].split()
        if all(_one_of(payload, choice.split("/")) for choice in has) and not any(
            _get(payload, key) is not None for key in lacks
        ):
            return line.cells["shape"]
    return ""


def _one_of(payload: dict[str, Any], keys: list[str]) -> bool:
    if len(keys) == 1:
        return _get(payload, keys[0]) is not None
    return any(_get(payload, key, NO_ITEM) is not NO_ITEM for key in keys)


def _get(payload: dict[str, Any], path: str, default: Any = None) -> Any:
    head, _, tail = path.partition(".")
    value = payload.get(head, default)
    if not tail:
        return value
    if isinstance(value, list):
        value = value[0] if value else None
    return _get(value, tail, default) if isinstance(value, dict) else default


# ---- who may see what


def everywhere(countries: Any) -> bool:
    return isinstance(countries, list) and any(code.upper() in ("XX", "XY") for code in countries)


def open_user(user: dict[str, Any] | None) -> bool:
    """Whether nothing in a user says that not everybody may see what it posts."""
    user = user or {}
    withheld = user.get("withheld") or {}
    return not (
        user.get("protected")
        or user.get("suspended")
        or everywhere(user.get("withheld_in_countries"))
        or everywhere(withheld.get("country_codes"))
    )


def open_v1(post: dict[str, Any]) -> bool:
    """Whether nothing in a v1.1 post says that not everybody may see it."""
    scopes = post.get("scopes") or {}
    closed = (
        post.get("withheld_copyright")
        or everywhere(post.get("withheld_in_countries"))
        or scopes.get("followers") is not None
    )
    original = post.get("retweeted_status")
    return not closed and open_user(post.get("user")) and (not original or open_v1(original))


def open_v2(post: dict[str, Any], includes: dict[str, Any]) -> bool:
    """Whether nothing in a v2 post or in what its page includes says that not everybody may see it."""
    withheld, scopes = post.get("withheld") or {}, post.get("scopes") or {}
    closed = (
        withheld.get("copyright")
        or everywhere(withheld.get("country_codes"))
        or post.get("community_id")
        or scopes.get("followers") is not None
    )
    author = post.get("author") or by_id(includes, ("users",), post.get("author_id"))
    return (
        not closed
        and open_user(author)
        and all(open_v2(original, includes) for original in originals_of(post, includes))
    )


def originals_of(post: dict[str, Any], includes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a v2 post repeats, as its page includes it."""
    for reference in listed(post.get("referenced_tweets")) + listed(post.get("referenced_posts")):
        if reference.get("type") in ("retweeted", "reposted"):
            yield by_id(includes, ("tweets", "posts"), reference.get("id")) or reference


def by_id(includes: dict[str, Any], lists: tuple[str, ...], wanted: Any) -> dict[str, Any] | None:
    if wanted is None:
        return None
    return next((item for key in lists for item in listed(includes.get(key)) if item.get("id") == wanted), None)


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; one object as a list of one; nothing for anything else."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict) and item]


def posts_of(shape: str, payload: dict[str, Any]) -> list[tuple[dict[str, Any], bool]]:
    """The posts of a payload, each with whether everybody may see it."""
    includes = payload.get("includes") or {}
    if shape in ("v1_post", "v1_page", "v1_results_page"):
        found = (
            [payload] if shape == "v1_post" else listed(payload.get("statuses" if shape == "v1_page" else "results"))
        )
        return [(post, open_v1(post)) for post in found]
    if shape in ("v2_post", "v2_flat_post", "v2_page"):
        found = listed(payload.get("data")) if shape == "v2_page" else [payload]
        return [(post, open_v2(post, includes if shape == "v2_page" else {})) for post in found]
    if shape in ("activity", "activity_page"):
        return [(post, True) for post in ([payload] if shape == "activity" else listed(payload.get("results")))]
    return []


def is_repost(shape: str, payload: dict[str, Any], post: dict[str, Any]) -> bool:
    """Whether a post repeats another."""
    if shape.startswith("v2"):
        return any(originals_of(post, payload.get("includes") or {} if shape == "v2_page" else {}))
    return bool(post.get("retweeted_status") or (post.get("verb") == "share" and post.get("object")))


def id_of(post: dict[str, Any]) -> str:
    """The id of a post as text; empty if it has none that is a number."""
    found = post.get("id_str") or post.get("id")
    text = str(found).rpartition(":")[2] if isinstance(found, str | int) and found is not True else ""
    return text if text.isascii() and text.isdigit() else ""


# ---- what may be stored


def stored(catalog: Catalog, dropped: frozenset[str], name: str, value: Any) -> Any:
    """An object without the fields that no table knows and those of the dropped classes."""
    fields = catalog.objects[name]
    kept: dict[str, Any] = {}
    for key, held in value.items():
        field = fields.get(key) or fields.get(ANY_KEY)
        if field is not None and field.cls not in dropped:
            kept[key] = _stored_value(catalog, dropped, field.kind, held)
    return kept


def _stored_value(catalog: Catalog, dropped: frozenset[str], kind: Kind, value: Any) -> Any:
    if isinstance(value, dict) and kind.refs:
        return stored(catalog, dropped, kind.refs[0], value)
    if isinstance(value, list) and kind.item:
        return [_stored_value(catalog, dropped, kind.item, item) for item in value]
    return value


# ---- what is asked for as ids


def ids_asked_for(kind: str, shape: str, payload: dict[str, Any]) -> list[str]:
    """The ids of the public posts of a payload, of their authors, or of its DM events."""
    if kind == "post":
        return [found for post, public in posts_of(shape, payload) if public and (found := id_of(post))]
    if kind == "user":
        authors = [author_of(post) for post, public in posts_of(shape, payload) if public]
        users = [user for user in users_of(shape, payload) if open_user(user)]
        return [found for user in authors + users if (found := id_of(user))]
    return [found for event in messages_of(shape, payload) if (found := id_of(event))]


def author_of(post: dict[str, Any]) -> dict[str, Any]:
    author = post.get("user") or post.get("actor") or post.get("author") or {}
    return {"id": post["author_id"]} if post.get("author_id") else author


def users_of(shape: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {"v2_user_page": "data", "v1_users_page": "users"}
    return [payload] if shape in ("v1_user", "v2_user") else listed(payload.get(keys.get(shape, "")))


def messages_of(shape: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {"v2_dm_page": ("data",), "v1_dm_answer": ("event", "events")}.get(shape, ())
    if shape in ("v1_dm_event", "v1_dm_legacy", "v2_dm_event"):
        return [payload]
    return [event for key in keys for event in listed(payload.get(key))]


# ---- what lies where


def records_in(catalog: Catalog, name: str, record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a payload that a table describes, with the name of its description; the payload itself first."""
    yield name, record
    fields = catalog.objects[name]
    for key, value in record.items():
        field = fields.get(key) or fields.get(ANY_KEY)
        if field is not None:
            yield from _records_of(catalog, field.kind, value)


def _records_of(catalog: Catalog, kind: Kind, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and kind.refs:
        yield from records_in(catalog, kind.refs[0], value)
    elif isinstance(value, list) and kind.item:
        for item in value:
            yield from _records_of(catalog, kind.item, item)


def values_in(value: Any) -> Iterator[str]:
    """Every text and number in a value, as text."""
    if isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from values_in(held)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


# ---- what may be handed on


def tells(user: dict[str, Any] | None) -> bool:
    """Whether a user says whether it is protected."""
    return isinstance((user or {}).get("protected"), bool)


def withheld_in(record: dict[str, Any] | None, country: str | None) -> bool:
    """Whether a record is withheld in a country; where none is known, in any."""
    record = record or {}
    codes = record.get("withheld_in_countries") or (record.get("withheld") or {}).get("country_codes") or []
    return bool(codes) if country is None else country in [code.upper() for code in codes]


def chain_of(shape: str, payload: dict[str, Any], post: dict[str, Any]) -> list[dict[str, Any]]:
    """A post and what it repeats, and what that repeats."""
    if shape.startswith("v2"):
        nested = list(originals_of(post, payload.get("includes") or {} if shape == "v2_page" else {}))
    else:
        nested = [post["retweeted_status"]] if post.get("retweeted_status") else []
    return [post, *(one for original in nested for one in chain_of(shape, payload, original))]


def writer_of(shape: str, payload: dict[str, Any], post: dict[str, Any]) -> dict[str, Any] | None:
    """The user who wrote a post, as far as the payload tells."""
    if not shape.startswith("v2"):
        return post.get("user")
    includes = payload.get("includes") or {} if shape == "v2_page" else {}
    return post.get("author") or by_id(includes, ("users",), post.get("author_id"))


def may_be_handed_on(
    shape: str, payload: dict[str, Any], post: dict[str, Any], *, attested: bool, country: str | None
) -> bool:
    """Whether a post that looks public is so for certain, and in the country where it is received."""
    if shape in ("activity", "activity_page"):
        return attested
    for one in chain_of(shape, payload, post):
        writer = writer_of(shape, payload, one)
        if withheld_in(one, country) or withheld_in(writer, country) or not (attested or tells(writer)):
            return False
    return True


# ---- what counts

MERE = {
    "v1.post": {"id", "id_str"},
    "v1.user": {"id", "id_str"},
    "v2.post": {"id", "type"},
    "v2.user": {"id"},
    "v2.mention": {"id", "username", "start", "end", "start_str", "end_str"},
    "activity.activity": {"id"},
    "activity.actor": {"id"},
}
IS_POST = ("v1.post", "v2.post", "activity.activity")


def units_in(catalog: Catalog, name: str, payload: dict[str, Any]) -> set[tuple[int, int]]:
    """The posts (0) and users (1) in a payload of which anything but their id is there."""
    found: set[tuple[int, int]] = set()
    for kind, record in records_in(catalog, name, payload):
        if kind in MERE and any(key not in MERE[kind] and value is not None for key, value in record.items()):
            found.add((0 if kind in IS_POST else 1, int(id_of(record))))
    return found
