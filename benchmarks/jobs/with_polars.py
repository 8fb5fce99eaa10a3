"""The jobs in polars: python with_polars.py JOB SHAPE IN OUT THREADS.

Lazy, on the streaming engine, only the declared columns decoded. `store` takes the schema from the data.
"""

import os
import sys

os.environ["POLARS_MAX_THREADS"] = sys.argv[5]

import polars as pl  # (reads the variable when imported)

SCRUB = r"https?://[^ \t\r\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+"
EVERYWHERE = ["XX", "XY"]
TEXT, COUNT, FLAG, col = pl.String, pl.Int64, pl.Boolean, pl.col

PERSON = pl.Struct({"protected": FLAG})
V1_TAGS = pl.Struct({name: pl.List(pl.Struct({"text": TEXT})) for name in ("hashtags", "symbols")})
V1_MEDIA = pl.Struct({"media": pl.List(pl.Struct({"type": TEXT}))})
V1_LONG = pl.Struct({"entities": V1_TAGS, "extended_entities": V1_MEDIA, "full_text": TEXT})
V1_BODY = {
    "text": TEXT,
    "full_text": TEXT,
    "entities": V1_TAGS,
    "extended_entities": V1_MEDIA,
    "extended_tweet": V1_LONG,
}
V1_COUNTS = dict.fromkeys(("retweet_count", "favorite_count", "reply_count", "quote_count"), COUNT)
V1_DECIDING = {"user": PERSON, "withheld_copyright": FLAG, "withheld_in_countries": pl.List(TEXT)}
V1 = {
    "ids": {"id": COUNT, **V1_DECIDING, "retweeted_status": pl.Struct({"user": PERSON})},
    "rows": {"created_at": TEXT, "lang": TEXT, "source": TEXT, **V1_COUNTS, "is_quote_status": FLAG,
             "in_reply_to_status_id": COUNT, **V1_DECIDING, **V1_BODY,
             "retweeted_status": pl.Struct({"user": PERSON, **V1_BODY})},
}  # fmt: skip
V2_TAGS = pl.Struct({name: pl.List(pl.Struct({"tag": TEXT})) for name in ("hashtags", "cashtags")})
V2_COUNTS = pl.Struct(dict.fromkeys(("retweet_count", "like_count", "reply_count", "quote_count"), COUNT))
V2_REFERENCE = pl.Struct({"type": TEXT, "author": PERSON, "entities": V2_TAGS, "text": TEXT})
V2_WITHHELD = pl.Struct({"copyright": FLAG, "country_codes": pl.List(TEXT)})
V2 = {
    "ids": {"id": TEXT, "author": PERSON, "withheld": V2_WITHHELD,
            "referenced_tweets": pl.List(pl.Struct({"type": TEXT, "author": PERSON}))},
    "rows": {"created_at": TEXT, "lang": TEXT, "source": TEXT, "text": TEXT, "entities": V2_TAGS,
             "author": PERSON, "public_metrics": V2_COUNTS, "withheld": V2_WITHHELD,
             "attachments": pl.Struct({"media_keys": pl.List(TEXT)}),
             "referenced_tweets": pl.List(V2_REFERENCE)},
}  # fmt: skip


def at(path: str) -> pl.Expr:
    """A column or a field of nested ones: ``a.b.c``."""
    column, *fields = path.split(".")
    expression = col(column)
    for field in fields:
        expression = expression.struct.field(field)
    return expression


def rounded(path: str) -> pl.Expr:
    """Two significant digits."""
    count = at(path)
    return pl.when(count < 100).then(count).otherwise(count.cast(pl.Float64).round_sig_figs(2).cast(COUNT))


def not_protected(path: str) -> pl.Expr:
    """Not known to be protected."""
    return at(path).fill_null(False).not_()


def not_everywhere(path: str) -> pl.Expr:
    """Withheld, if at all, in some countries only."""
    return at(path).list.set_intersection(EVERYWHERE).list.len().fill_null(0) == 0


def original() -> pl.Expr:
    """The reference of a v2 repost."""
    reposted = pl.element().filter(pl.element().struct.field("type") == "retweeted")
    return col("referenced_tweets").list.eval(reposted).list.first()


def v1_visible() -> list[pl.Expr]:
    """Public v1.1 posts."""
    return [
        not_protected("user.protected"), not_protected("retweeted_status.user.protected"),
        at("withheld_copyright").fill_null(False).not_(), not_everywhere("withheld_in_countries"),
    ]  # fmt: skip


def v2_visible() -> list[pl.Expr]:
    """Public v2 posts."""
    return [
        not_protected("author.protected"),
        original().struct.field("author").struct.field("protected").fill_null(False).not_(),
        at("withheld.copyright").fill_null(False).not_(), not_everywhere("withheld.country_codes"),
    ]  # fmt: skip


def v1_rows() -> list[pl.Expr]:
    """The columns of a row of a v1.1 post."""

    def first(path: str) -> pl.Expr:
        return pl.coalesce(
            at(place + path)
            for place in ("retweeted_status.extended_tweet.", "retweeted_status.", "extended_tweet.", "")
        )

    def names(path: str, field: str) -> pl.Expr:
        return first(path).list.eval(pl.element().struct.field(field))

    hour = col("created_at").str.to_datetime("%a %b %d %H:%M:%S +0000 %Y").dt.strftime("%Y-%m-%dT%H:00Z")
    full = ("retweeted_status.extended_tweet.full_text", "retweeted_status.full_text",
            "retweeted_status.text", "extended_tweet.full_text", "full_text", "text")  # fmt: skip
    return [
        hour.alias("hour"), col("lang"), names("entities.hashtags", "text").alias("hashtags"),
        names("entities.symbols", "text").alias("cashtags"), rounded("retweet_count").alias("reposts"),
        rounded("favorite_count").alias("likes"), rounded("reply_count").alias("replies"),
        rounded("quote_count").alias("quotes"), col("retweeted_status").is_not_null().alias("is_repost"),
        col("is_quote_status").fill_null(False).alias("is_quote"),
        col("in_reply_to_status_id").is_not_null().alias("is_reply"),
        names("extended_entities.media", "type").list.unique().alias("media"),
        col("source").str.extract(">([^<]*)<").alias("client"),
        pl.coalesce(map(at, full)).str.replace_all(SCRUB, "").alias("text"),
    ]  # fmt: skip


def v2_rows() -> list[pl.Expr]:
    """The columns of a row of a v2 post."""
    nested, kinds = original(), col("referenced_tweets").list.eval(pl.element().struct.field("type"))

    def tags(name: str) -> pl.Expr:
        own = pl.coalesce(nested.struct.field("entities").struct.field(name), at("entities." + name))
        return own.list.eval(pl.element().struct.field("tag")).alias(name)

    kind = pl.element().str.split("_").list.first().replace_strict({"3": "photo", "7": "video", "16": "animated_gif"})
    return [
        (col("created_at").str.slice(0, 13) + ":00Z").alias("hour"), col("lang"),
        tags("hashtags"), tags("cashtags"),
        rounded("public_metrics.retweet_count").alias("reposts"),
        rounded("public_metrics.like_count").alias("likes"),
        rounded("public_metrics.reply_count").alias("replies"),
        rounded("public_metrics.quote_count").alias("quotes"),
        kinds.list.contains("retweeted").fill_null(False).alias("is_repost"),
        kinds.list.contains("quoted").fill_null(False).alias("is_quote"),
        kinds.list.contains("replied_to").fill_null(False).alias("is_reply"),
        at("attachments.media_keys").list.eval(kind).list.unique().alias("media"),
        col("source").alias("client"),
        pl.coalesce(nested.struct.field("text"), col("text")).str.replace_all(SCRUB, "").alias("text"),
    ]  # fmt: skip


def without(kind: pl.DataType, names: set[str]) -> list[str]:
    """The fields of a struct type less some."""
    return [field.name for field in kind.fields if field.name not in names]


def stored(posts: pl.LazyFrame, shape: str) -> pl.LazyFrame:
    """All columns less what must not pass; fields to remove are removed by name."""
    schema = posts.collect_schema()
    if shape == "v1":
        quote = pl.when(not_protected("quoted_status.user.protected"))
        return posts.with_columns(quote.then(name).alias(name) for name in ("quoted_status", "quoted_status_permalink"))
    entities = [at("entities." + name) for name in without(schema["entities"], {"annotations"})]
    nested = schema["referenced_tweets"].inner
    kept = without(nested, {"context_annotations", "entities"})
    inner = without(dict(nested)["entities"], {"annotations"})
    found = pl.element().struct.field
    public = found("author").struct.field("protected").fill_null(False).not_()
    reference = pl.struct(*map(found, kept), pl.struct(found("entities").struct.field(inner)).alias("entities")).filter(
        public
    )
    return posts.with_columns(
        pl.struct(entities).alias("entities"), col("referenced_tweets").list.eval(reference)
    ).drop("context_annotations", "__twarc", strict=False)  # fmt: skip


def main(job: str, shape: str, source: str, out: str) -> None:
    """Run one job of one shape."""
    visible = v1_visible() if shape == "v1" else v2_visible()
    schemas = V1 if shape == "v1" else V2
    if job == "store":
        posts = stored(pl.scan_ndjson(source, infer_schema_length=20_000).filter(visible), shape)
        return posts.sink_ndjson(out)
    posts = pl.scan_ndjson(source, schema=schemas["ids" if job == "ids" else "rows"]).filter(visible)
    if job == "ids":
        return posts.select("id").unique().sink_csv(out, include_header=False)
    columns = v1_rows() if shape == "v1" else v2_rows()
    return posts.select(columns if job == "rows_text" else columns[:-1]).sink_ndjson(out)


if __name__ == "__main__":
    main(*sys.argv[1:5])
