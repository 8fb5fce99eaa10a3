"""The jobs in plain Python: python plain.py JOB SHAPE IN OUT. The Beam and Presidio scripts build on it."""

import calendar
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Json = dict[str, Any]

SCRUB = re.compile(r"https?://[^ \t\r\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+")
MONTHS = {name: f"{n:02d}" for n, name in enumerate(calendar.month_abbr)}
MEDIA = {"3": "photo", "7": "video", "16": "animated_gif"}
EVERYWHERE = {"XX", "XY"}


def scrubbed(text: str) -> str:
    """The text without links, e-mail addresses and handles."""
    return SCRUB.sub("", text)


def rounded(count: int | None) -> int | None:
    """Two significant digits, halves up."""
    if count is None or count < 100:
        return count
    unit = 10 ** (math.floor(math.log10(count)) - 1)
    return (count + unit // 2) // unit * unit


def v1_visible(post: Json) -> bool:
    """Public: neither author nor original protected, not withheld everywhere."""
    original = post.get("retweeted_status") or post
    protected = post["user"].get("protected") or original["user"].get("protected")
    withheld = post.get("withheld_copyright") or EVERYWHERE & set(post.get("withheld_in_countries") or ())
    return not (protected or withheld)


def v1_row(post: Json, scrub: Callable[[str], str] | None) -> Json:
    """The flat row of a v1.1 post; text only if there is a way to scrub it."""
    full = post.get("retweeted_status") or post
    long = full.get("extended_tweet") or full
    at, entities = post["created_at"], long["entities"]
    row = {
        "hour": f"{at[26:]}-{MONTHS[at[4:7]]}-{at[8:10]}T{at[11:13]}:00Z", "lang": post.get("lang"),
        "hashtags": [tag["text"] for tag in entities["hashtags"]],
        "cashtags": [tag["text"] for tag in entities["symbols"]],
        "reposts": rounded(post.get("retweet_count")), "likes": rounded(post.get("favorite_count")),
        "replies": rounded(post.get("reply_count")), "quotes": rounded(post.get("quote_count")),
        "is_repost": "retweeted_status" in post, "is_quote": bool(post.get("is_quote_status")),
        "is_reply": post["in_reply_to_status_id"] is not None,
        "media": sorted({item["type"] for item in long.get("extended_entities", {}).get("media", ())}),
        "client": post["source"].partition(">")[2].removesuffix("</a>"),
    }  # fmt: skip
    if scrub:
        row["text"] = scrub(long.get("full_text") or long["text"])
    return row


def v1_stored(post: Json) -> Json:
    """The payload without the quote of a protected post."""
    if post.get("quoted_status", {}).get("user", {}).get("protected"):
        del post["quoted_status"]
        post.pop("quoted_status_permalink", None)
    return post


def v2_original(post: Json) -> Json | None:
    """The reference to what is reposted, which holds the post itself where it was flattened."""
    return next((found for found in post.get("referenced_tweets", ()) if found["type"] == "retweeted"), None)


def v2_visible(post: Json) -> bool:
    """Public as far as the post says."""
    authors, withheld = (
        (post.get("author"), (v2_original(post) or {}).get("author")),
        post.get("withheld", {}),
    )
    if any(author and author.get("protected") for author in authors):
        return False
    return not (withheld.get("copyright") or EVERYWHERE & set(withheld.get("country_codes", ())))


def v2_row(post: Json, scrub: Callable[[str], str] | None) -> Json:
    """The flat row of a v2 post, bare or flattened."""
    original, own, metrics = v2_original(post), post.get("entities", {}), post["public_metrics"]
    nested = (original or {}).get("entities", {})
    kinds = {found["type"] for found in post.get("referenced_tweets", ())}
    keys = post.get("attachments", {}).get("media_keys", ())
    row = {
        "hour": post["created_at"][:13] + ":00Z", "lang": post.get("lang"),
        "hashtags": [tag["tag"] for tag in nested.get("hashtags") or own.get("hashtags", ())],
        "cashtags": [tag["tag"] for tag in nested.get("cashtags") or own.get("cashtags", ())],
        "reposts": rounded(metrics["retweet_count"]), "likes": rounded(metrics["like_count"]),
        "replies": rounded(metrics["reply_count"]), "quotes": rounded(metrics["quote_count"]),
        "is_repost": original is not None, "is_quote": "quoted" in kinds, "is_reply": "replied_to" in kinds,
        "media": sorted({MEDIA[key.partition("_")[0]] for key in keys}),
        "client": post.get("source"),
    }  # fmt: skip
    if scrub:
        row["text"] = scrub((original or {}).get("text") or post["text"])
    return row


def v2_stored(post: Json) -> Json:
    """The payload without X's inferences, collection data and protected references."""
    for name in ("context_annotations", "__twarc"):
        post.pop(name, None)
    post.get("entities", {}).pop("annotations", None)
    if references := post.get("referenced_tweets"):
        public = (found for found in references if not found.get("author", {}).get("protected"))
        post["referenced_tweets"] = [v2_stored(found) for found in public]
    return post


VISIBLE, ROW, STORED = (
    {"v1": v1_visible, "v2": v2_visible}, {"v1": v1_row, "v2": v2_row}, {"v1": v1_stored, "v2": v2_stored},
)  # fmt: skip


def handler(job: str, shape: str, scrub: Callable[[str], str] = scrubbed) -> Callable[[bytes | str], Iterator[str]]:
    """The function from a line to its lines of output (none if the post is not public)."""
    visible, row, stored = VISIBLE[shape], ROW[shape], STORED[shape]
    done: Callable[[Json], str] = {
        "ids": lambda post: str(post["id"]),
        "rows": lambda post: json.dumps(row(post, None), ensure_ascii=False),
        "rows_text": lambda post: json.dumps(row(post, scrub), ensure_ascii=False),
        "store": lambda post: json.dumps(stored(post), ensure_ascii=False),
    }[job]

    def handle(line: bytes | str) -> Iterator[str]:
        if visible(post := json.loads(line)):
            yield done(post)

    return handle


def run(job: str, shape: str, source: str, out: str, scrub: Callable[[str], str] = scrubbed) -> None:
    """One file after the other, line by line."""
    handle = handler(job, shape, scrub)
    with open(source, "rb") as lines, open(out, "w", encoding="utf-8") as to:
        done: Iterable[str] = (found for line in lines for found in handle(line))
        to.writelines(found + "\n" for found in (dict.fromkeys(done) if job == "ids" else done))


if __name__ == "__main__":
    run(*sys.argv[1:])
