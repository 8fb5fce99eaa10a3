"""The jobs on v2 posts in DuckDB: types to create, columns to declare, and a SELECT from `posts`."""

Job = tuple[str, dict[str, str], str]

VISIBLE = """author.protected IS NOT TRUE AND withheld.copyright IS NOT TRUE
  AND NOT everywhere(withheld.country_codes)
  AND NOT coalesce(list_contains(
    [r."type" = 'retweeted' AND r.author.protected FOR r IN referenced_tweets], true), false)"""

WITHHELD = "STRUCT(copyright BOOLEAN, country_codes VARCHAR[])"
DECIDING = {
    "author": "STRUCT(protected BOOLEAN)", "withheld": WITHHELD,
    "referenced_tweets": 'STRUCT("type" VARCHAR, author STRUCT(protected BOOLEAN))[]',
}  # fmt: skip

IDS = ("", {"id": "BIGINT", **DECIDING}, f"SELECT DISTINCT id FROM posts WHERE {VISIBLE}")


def rows(text: bool, handles: bool = False) -> Job:
    """Flattened reposts hold their original (hashtags, cashtags, text); bare ones do not.

    ``handles``: hashtags, cashtags and clients that are the handle of an author or a mentioned account are left out.
    """
    mentions, name = (", mentions STRUCT(username VARCHAR)[]", ", username VARCHAR") if handles else ("", "")
    types = f"CREATE TYPE tags AS STRUCT(hashtags STRUCT(tag VARCHAR)[], cashtags STRUCT(tag VARCHAR)[]{mentions});"
    account = f"STRUCT(protected BOOLEAN{name})"
    full = ', "text" VARCHAR' if text else ""
    metrics = ", ".join(f"{name}_count BIGINT" for name in ("retweet", "like", "reply", "quote"))
    columns = DECIDING | {
        "created_at": "VARCHAR", "lang": "VARCHAR", "source": "VARCHAR", "entities": "tags",
        "public_metrics": f"STRUCT({metrics})", "attachments": "STRUCT(media_keys VARCHAR[])",
        "author": account, "referenced_tweets": f'STRUCT("type" VARCHAR, author {account}, entities tags{full})[]',
    }  # fmt: skip
    if text:
        columns["text"] = "VARCHAR"
    original = "list_filter(referenced_tweets, lambda r: r.\"type\" = 'retweeted')[1]"
    words = ', scrubbed(coalesce(original."text", "text")) AS "text"' if text else ""
    known = """list_transform(
      [author.username] || coalesce([m.username FOR m IN entities.mentions], [])
      || coalesce([r.author.username FOR r IN referenced_tweets], [])
      || coalesce(flatten([[m.username FOR m IN r.entities.mentions] FOR r IN referenced_tweets]), []), lambda h: lower(h))"""

    def less_handles(macro: str, value: str) -> str:
        return f"{macro}({value}, handles)" if handles else value

    hashtags, cashtags = (
        f"[h.tag FOR h IN coalesce(original.entities.{kind}, entities.{kind})]" for kind in ("hashtags", "cashtags")
    )
    select = f"""SELECT
      left(created_at, 13) || ':00Z' AS hour, lang,
      {less_handles("others", hashtags)} AS hashtags, {less_handles("others", cashtags)} AS cashtags,
      rounded(public_metrics.retweet_count) AS reposts, rounded(public_metrics.like_count) AS likes,
      rounded(public_metrics.reply_count) AS replies, rounded(public_metrics.quote_count) AS quotes,
      original IS NOT NULL AS is_repost, coalesce(list_contains(kinds, 'quoted'), false) AS is_quote,
      coalesce(list_contains(kinds, 'replied_to'), false) AS is_reply,
      list_distinct([CASE split_part(k, '_', 1) WHEN '3' THEN 'photo' WHEN '7' THEN 'video'
                     ELSE 'animated_gif' END FOR k IN attachments.media_keys]) AS media,
      {less_handles("other", "source")} AS client{words}
      FROM (SELECT *, {original} AS original, [r."type" FOR r IN referenced_tweets] AS kinds{f", {known} AS handles" if handles else ""}
            FROM posts WHERE {VISIBLE})"""
    return types, columns, select


STORE_TYPES = """
CREATE TYPE tag AS STRUCT("start" BIGINT, "end" BIGINT, tag VARCHAR);
CREATE TYPE found AS STRUCT(hashtags tag[], cashtags tag[],
  mentions STRUCT("start" BIGINT, "end" BIGINT, username VARCHAR, id VARCHAR)[],
  urls STRUCT("start" BIGINT, "end" BIGINT, url VARCHAR, expanded_url VARCHAR, display_url VARCHAR,
              status BIGINT, title VARCHAR, unwound_url VARCHAR)[]);
CREATE TYPE account AS STRUCT(id VARCHAR, username VARCHAR, "name" VARCHAR, description VARCHAR,
  verified BOOLEAN, protected BOOLEAN, "location" VARCHAR, url VARCHAR, profile_image_url VARCHAR,
  created_at VARCHAR, public_metrics STRUCT(followers_count BIGINT, following_count BIGINT,
                                            tweet_count BIGINT, listed_count BIGINT));
CREATE TYPE metrics AS STRUCT(retweet_count BIGINT, reply_count BIGINT, like_count BIGINT,
  quote_count BIGINT, bookmark_count BIGINT, impression_count BIGINT);
CREATE TYPE editing AS STRUCT(edits_remaining BIGINT, is_edit_eligible BOOLEAN, editable_until VARCHAR);
CREATE TYPE simple AS STRUCT("type" VARCHAR, id VARCHAR);
"""

POST = {
    "id": "VARCHAR", "created_at": "VARCHAR", "text": "VARCHAR", "author_id": "VARCHAR",
    "conversation_id": "VARCHAR", "edit_history_tweet_ids": "VARCHAR[]", "edit_controls": "editing",
    "public_metrics": "metrics", "possibly_sensitive": "BOOLEAN", "reply_settings": "VARCHAR",
    "source": "VARCHAR", "lang": "VARCHAR", "in_reply_to_user_id": "VARCHAR", "entities": "found",
    "attachments": "STRUCT(media_keys VARCHAR[])", "geo": "STRUCT(place_id VARCHAR)", "withheld": WITHHELD,
    "author": "account",
}  # fmt: skip
NESTED = ", ".join(f'"{name}" {kind}' for name, kind in POST.items())

STORE = (
    f'{STORE_TYPES} CREATE TYPE reference AS STRUCT("type" VARCHAR, referenced_tweets simple[], {NESTED});',
    POST | {"referenced_tweets": "reference[]"},
    f"""SELECT * REPLACE (
      list_filter(referenced_tweets, lambda r: r.author.protected IS NOT TRUE) AS referenced_tweets)
      FROM posts WHERE {VISIBLE}""",
)

# By removal from whole lines: what nobody named passes.
REMOVING = """
CREATE MACRO less(j) AS
  json_merge_patch(j, '{"context_annotations": null, "entities": {"annotations": null}, "__twarc": null}');
CREATE MACRO hidden(j) AS coalesce(json_extract_string(j, '$.author.protected'), '') = 'true';"""
REMOVED = """
SELECT CASE WHEN json_exists(json, '$.author') AND json_exists(json, '$.referenced_tweets')
       THEN less(json_merge_patch(json, json_object('referenced_tweets',
            [less(r) FOR r IN json_extract(json, '$.referenced_tweets[*]') IF NOT hidden(r)])))
       ELSE less(json) END AS json
FROM posts WHERE NOT hidden(json)
  AND coalesce(json_extract_string(json, '$.withheld.copyright'), '') <> 'true'
  AND NOT everywhere(json_extract_string(json, '$.withheld.country_codes[*]'))
  AND NOT coalesce(list_contains([hidden(r) AND json_extract_string(r, '$.type') = 'retweeted'
                                  FOR r IN json_extract(json, '$.referenced_tweets[*]')], true), false)"""

JOBS: dict[str, Job] = {
    "ids": IDS, "rows": rows(False), "rows_text": rows(True), "store": STORE,
    "rows_handles": rows(False, handles=True), "rows_text_handles": rows(True, handles=True),
    "store_removed": (REMOVING, {}, REMOVED),
}  # fmt: skip
