"""The jobs in DuckDB: python with_duckdb.py JOB SHAPE IN OUT THREADS.

As tight as SQL gets: only the columns that a job needs are declared, so that nothing else is decoded. Types that a
schema needs more than once are created first.
"""

import sys

import duckdb

SCRUB = r"https?://[^ \t\r\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+"

SETUP = f"""
SET preserve_insertion_order = false;
CREATE MACRO rounded(n) AS CASE WHEN n < 100 THEN n ELSE round(n, 1 - floor(log10(n))::INT)::BIGINT END;
CREATE MACRO scrubbed(t) AS regexp_replace(t, '{SCRUB}', '', 'g');
CREATE MACRO everywhere(codes) AS coalesce(list_has_any(codes, ['XX', 'XY']), false);
"""

# ---- v1.1 ------------------------------------------------------------------------------------------------------------

V1_VISIBLE = """"user".protected IS NOT TRUE AND retweeted_status."user".protected IS NOT TRUE
  AND withheld_copyright IS NOT TRUE AND NOT everywhere(withheld_in_countries)"""

V1_DECIDING = {
    "user": "STRUCT(protected BOOLEAN)",
    "retweeted_status": 'STRUCT("user" STRUCT(protected BOOLEAN))',
    "withheld_copyright": "BOOLEAN",
    "withheld_in_countries": "VARCHAR[]",
}

V1_IDS = ("", {"id": "BIGINT", **V1_DECIDING}, f"SELECT DISTINCT id FROM posts WHERE {V1_VISIBLE}")


def v1_rows(text: bool) -> tuple[str, dict[str, str], str]:
    """Hashtags, cashtags, media and text are those of the original in reposts, and of the long form where there is one."""
    full = ', full_text VARCHAR, "text" VARCHAR' if text else ""
    types = """
      CREATE TYPE tag AS STRUCT("text" VARCHAR);
      CREATE TYPE tags AS STRUCT(hashtags tag[], symbols tag[]);
      CREATE TYPE media AS STRUCT(media STRUCT("type" VARCHAR)[]);"""
    long = f"STRUCT(entities tags, extended_entities media{', full_text VARCHAR' if text else ''})"
    columns = V1_DECIDING | {
        "created_at": "VARCHAR", "lang": "VARCHAR", "source": "VARCHAR", "retweet_count": "BIGINT",
        "favorite_count": "BIGINT", "reply_count": "BIGINT", "quote_count": "BIGINT", "is_quote_status": "BOOLEAN",
        "in_reply_to_status_id": "BIGINT", "entities": "tags", "extended_entities": "media", "extended_tweet": long,
        "retweeted_status": f'STRUCT("user" STRUCT(protected BOOLEAN), entities tags, extended_entities media, '
                            f'extended_tweet {long}{full})',
    }  # fmt: skip
    if text:
        columns |= {"full_text": "VARCHAR", "text": "VARCHAR"}

    def first(path: str) -> str:
        places = "retweeted_status.extended_tweet.", "retweeted_status.", "extended_tweet.", ""
        return f"coalesce({', '.join(place + path for place in places)})"

    words = """, scrubbed(coalesce(retweeted_status.extended_tweet.full_text, retweeted_status.full_text,
      retweeted_status."text", extended_tweet.full_text, full_text, "text")) AS "text\""""
    return types, columns, f"""SELECT
      strftime(strptime(created_at, '%a %b %d %H:%M:%S +0000 %Y'), '%Y-%m-%dT%H:00Z') AS hour, lang,
      [h."text" FOR h IN {first("entities.hashtags")}] AS hashtags,
      [h."text" FOR h IN {first("entities.symbols")}] AS cashtags,
      rounded(retweet_count) AS reposts, rounded(favorite_count) AS likes,
      rounded(reply_count) AS replies, rounded(quote_count) AS quotes,
      retweeted_status IS NOT NULL AS is_repost, coalesce(is_quote_status, false) AS is_quote,
      in_reply_to_status_id IS NOT NULL AS is_reply,
      list_distinct([m."type" FOR m IN {first("extended_entities.media")}]) AS media,
      regexp_extract(source, '>([^<]*)<', 1) AS client{words if text else ""}
      FROM posts WHERE {V1_VISIBLE}"""  # fmt: skip


V1_USER = """STRUCT(id BIGINT, id_str VARCHAR, "name" VARCHAR, screen_name VARCHAR, "location" VARCHAR, url VARCHAR,
  description VARCHAR, translator_type VARCHAR, protected BOOLEAN, verified BOOLEAN, followers_count BIGINT,
  friends_count BIGINT, listed_count BIGINT, favourites_count BIGINT, statuses_count BIGINT, created_at VARCHAR,
  utc_offset BIGINT, time_zone VARCHAR, geo_enabled BOOLEAN, lang VARCHAR, contributors_enabled BOOLEAN,
  is_translator BOOLEAN, profile_background_color VARCHAR, profile_background_image_url VARCHAR,
  profile_background_image_url_https VARCHAR, profile_background_tile BOOLEAN, profile_link_color VARCHAR,
  profile_sidebar_border_color VARCHAR, profile_sidebar_fill_color VARCHAR, profile_text_color VARCHAR,
  profile_use_background_image BOOLEAN, profile_image_url VARCHAR, profile_image_url_https VARCHAR,
  profile_banner_url VARCHAR, default_profile BOOLEAN, default_profile_image BOOLEAN, "following" BOOLEAN,
  follow_request_sent BOOLEAN, notifications BOOLEAN)"""

V1_STORE_TYPES = f"""
CREATE TYPE account AS {V1_USER};
CREATE TYPE tag AS STRUCT("text" VARCHAR, indices BIGINT[]);
CREATE TYPE size AS STRUCT(w BIGINT, h BIGINT, resize VARCHAR);
CREATE TYPE medium AS STRUCT(id BIGINT, id_str VARCHAR, indices BIGINT[], media_url VARCHAR, media_url_https VARCHAR,
  url VARCHAR, display_url VARCHAR, expanded_url VARCHAR, "type" VARCHAR,
  sizes STRUCT(thumb size, small size, large size, medium size), source_status_id BIGINT, source_status_id_str VARCHAR,
  source_user_id BIGINT, source_user_id_str VARCHAR, video_info STRUCT(aspect_ratio BIGINT[], duration_millis BIGINT,
    variants STRUCT(bitrate BIGINT, content_type VARCHAR, url VARCHAR)[]));
CREATE TYPE found AS STRUCT(hashtags tag[], urls STRUCT(url VARCHAR, expanded_url VARCHAR, display_url VARCHAR, indices BIGINT[])[],
  user_mentions STRUCT(screen_name VARCHAR, "name" VARCHAR, id BIGINT, id_str VARCHAR, indices BIGINT[])[], symbols tag[],
  media medium[]);
CREATE TYPE attached AS STRUCT(media medium[]);
CREATE TYPE spot AS STRUCT(id VARCHAR, url VARCHAR, place_type VARCHAR, "name" VARCHAR, full_name VARCHAR, country_code VARCHAR,
  country VARCHAR, bounding_box STRUCT("type" VARCHAR, coordinates DOUBLE[][][]));
"""

V1_POST = {
    "created_at": "VARCHAR", "id": "BIGINT", "id_str": "VARCHAR", "text": "VARCHAR", "full_text": "VARCHAR",
    "truncated": "BOOLEAN", "display_text_range": "BIGINT[]", "source": "VARCHAR", "in_reply_to_status_id": "BIGINT",
    "in_reply_to_status_id_str": "VARCHAR", "in_reply_to_user_id": "BIGINT", "in_reply_to_user_id_str": "VARCHAR",
    "in_reply_to_screen_name": "VARCHAR", "user": "account", "geo": 'STRUCT("type" VARCHAR, coordinates DOUBLE[])',
    "coordinates": 'STRUCT("type" VARCHAR, coordinates DOUBLE[])', "place": "spot", "quoted_status_id": "BIGINT",
    "quoted_status_id_str": "VARCHAR", "is_quote_status": "BOOLEAN",
    "extended_tweet": "STRUCT(full_text VARCHAR, display_text_range BIGINT[], entities found, extended_entities attached)",
    "quote_count": "BIGINT", "reply_count": "BIGINT", "retweet_count": "BIGINT", "favorite_count": "BIGINT",
    "entities": "found", "extended_entities": "attached", "favorited": "BOOLEAN", "retweeted": "BOOLEAN",
    "possibly_sensitive": "BOOLEAN", "withheld_copyright": "BOOLEAN", "withheld_in_countries": "VARCHAR[]",
    "filter_level": "VARCHAR", "lang": "VARCHAR",
}  # fmt: skip

V1_STORE = (
    V1_STORE_TYPES + f"CREATE TYPE post AS STRUCT({', '.join(f'{chr(34)}{k}{chr(34)} {t}' for k, t in V1_POST.items())});",
    V1_POST | {"quoted_status_permalink": "STRUCT(url VARCHAR, expanded VARCHAR, display VARCHAR)", "timestamp_ms": "VARCHAR",
               "retweeted_status": "post", "quoted_status": "post"},
    f"""SELECT * REPLACE (
      CASE WHEN quoted_status."user".protected THEN NULL ELSE quoted_status END AS quoted_status,
      CASE WHEN quoted_status."user".protected THEN NULL ELSE quoted_status_permalink END AS quoted_status_permalink)
      FROM posts WHERE {V1_VISIBLE}""",
)  # fmt: skip

# ---- v2 --------------------------------------------------------------------------------------------------------------

V2_WITHHELD = "STRUCT(copyright BOOLEAN, country_codes VARCHAR[])"
V2_VISIBLE = """author.protected IS NOT TRUE AND withheld.copyright IS NOT TRUE AND NOT everywhere(withheld.country_codes)
  AND NOT coalesce(list_contains([r."type" = 'retweeted' AND r.author.protected FOR r IN referenced_tweets], true), false)"""
V2_DECIDING = {
    "author": "STRUCT(protected BOOLEAN)",
    "referenced_tweets": 'STRUCT("type" VARCHAR, author STRUCT(protected BOOLEAN))[]',
    "withheld": V2_WITHHELD,
}

V2_IDS = ("", {"id": "BIGINT", **V2_DECIDING}, f"SELECT DISTINCT id FROM posts WHERE {V2_VISIBLE}")


def v2_rows(text: bool) -> tuple[str, dict[str, str], str]:
    """Flattened reposts hold their original (hashtags, cashtags, text); bare ones do not."""
    types = "CREATE TYPE tags AS STRUCT(hashtags STRUCT(tag VARCHAR)[], cashtags STRUCT(tag VARCHAR)[]);"
    full = ', "text" VARCHAR' if text else ""
    columns = V2_DECIDING | {
        "created_at": "VARCHAR", "lang": "VARCHAR", "source": "VARCHAR", "entities": "tags",
        "public_metrics": "STRUCT(retweet_count BIGINT, like_count BIGINT, reply_count BIGINT, quote_count BIGINT)",
        "attachments": "STRUCT(media_keys VARCHAR[])",
        "referenced_tweets": f'STRUCT("type" VARCHAR, author STRUCT(protected BOOLEAN), entities tags{full})[]',
    }  # fmt: skip
    if text:
        columns["text"] = "VARCHAR"
    original = "list_filter(referenced_tweets, lambda r: r.\"type\" = 'retweeted')[1]"
    return types, columns, f"""SELECT
      left(created_at, 13) || ':00Z' AS hour, lang,
      [h.tag FOR h IN coalesce(original.entities.hashtags, entities.hashtags)] AS hashtags,
      [h.tag FOR h IN coalesce(original.entities.cashtags, entities.cashtags)] AS cashtags,
      rounded(public_metrics.retweet_count) AS reposts, rounded(public_metrics.like_count) AS likes,
      rounded(public_metrics.reply_count) AS replies, rounded(public_metrics.quote_count) AS quotes,
      original IS NOT NULL AS is_repost, coalesce(list_contains(kinds, 'quoted'), false) AS is_quote,
      coalesce(list_contains(kinds, 'replied_to'), false) AS is_reply,
      list_distinct([CASE split_part(k, '_', 1) WHEN '3' THEN 'photo' WHEN '7' THEN 'video' ELSE 'animated_gif' END
                     FOR k IN attachments.media_keys]) AS media,
      source AS client{', scrubbed(coalesce(original."text", "text")) AS "text"' if text else ""}
      FROM (SELECT *, {original} AS original, [r."type" FOR r IN referenced_tweets] AS kinds
            FROM posts WHERE {V2_VISIBLE})"""  # fmt: skip


V2_POST = {
    "id": "VARCHAR", "created_at": "VARCHAR", "text": "VARCHAR", "author_id": "VARCHAR", "conversation_id": "VARCHAR",
    "edit_history_tweet_ids": "VARCHAR[]",
    "edit_controls": "STRUCT(edits_remaining BIGINT, is_edit_eligible BOOLEAN, editable_until VARCHAR)",
    "public_metrics": "STRUCT(retweet_count BIGINT, reply_count BIGINT, like_count BIGINT, quote_count BIGINT, "
                      "bookmark_count BIGINT, impression_count BIGINT)",
    "possibly_sensitive": "BOOLEAN", "reply_settings": "VARCHAR", "source": "VARCHAR", "lang": "VARCHAR",
    "in_reply_to_user_id": "VARCHAR", "entities": "found", "attachments": "STRUCT(media_keys VARCHAR[])",
    "geo": "STRUCT(place_id VARCHAR)", "withheld": V2_WITHHELD, "author": "account",
}  # fmt: skip

V2_STORE = (
    """
    CREATE TYPE tag AS STRUCT("start" BIGINT, "end" BIGINT, tag VARCHAR);
    CREATE TYPE found AS STRUCT(hashtags tag[], cashtags tag[],
      mentions STRUCT("start" BIGINT, "end" BIGINT, username VARCHAR, id VARCHAR)[],
      urls STRUCT("start" BIGINT, "end" BIGINT, url VARCHAR, expanded_url VARCHAR, display_url VARCHAR, status BIGINT,
                  title VARCHAR, unwound_url VARCHAR)[]);
    CREATE TYPE account AS STRUCT(id VARCHAR, username VARCHAR, "name" VARCHAR, description VARCHAR, verified BOOLEAN,
      protected BOOLEAN, "location" VARCHAR, url VARCHAR, profile_image_url VARCHAR, created_at VARCHAR,
      public_metrics STRUCT(followers_count BIGINT, following_count BIGINT, tweet_count BIGINT, listed_count BIGINT));
    """
    + 'CREATE TYPE simple AS STRUCT("type" VARCHAR, id VARCHAR);'
    + f"""CREATE TYPE reference AS STRUCT("type" VARCHAR, referenced_tweets simple[],
      {", ".join(f'"{k}" {t}' for k, t in V2_POST.items())});""",
    V2_POST | {"referenced_tweets": "reference[]"},
    f"""SELECT * REPLACE (list_filter(referenced_tweets, lambda r: r.author.protected IS NOT TRUE) AS referenced_tweets)
      FROM posts WHERE {V2_VISIBLE}""",
)

# ---- store by removal: faster, but what nobody named passes -----------------------------------------------------------

V1_REMOVED = """
SELECT CASE WHEN json_extract_string(json, '$.quoted_status.user.protected') = 'true'
       THEN json_merge_patch(json, '{"quoted_status": null, "quoted_status_permalink": null}') ELSE json END AS json
FROM posts WHERE coalesce(json_extract_string(json, '$.user.protected'), '') <> 'true'
  AND coalesce(json_extract_string(json, '$.retweeted_status.user.protected'), '') <> 'true'
  AND coalesce(json_extract_string(json, '$.withheld_copyright'), '') <> 'true'
  AND NOT everywhere(json_extract_string(json, '$.withheld_in_countries[*]'))"""

V2_SETUP = """
CREATE MACRO less(j) AS
  json_merge_patch(j, '{"context_annotations": null, "entities": {"annotations": null}, "__twarc": null}');
CREATE MACRO hidden(j) AS coalesce(json_extract_string(j, '$.author.protected'), '') = 'true';"""

V2_REMOVED = """
SELECT CASE WHEN json_exists(json, '$.author') AND json_exists(json, '$.referenced_tweets')
       THEN less(json_merge_patch(json, json_object('referenced_tweets',
            [less(r) FOR r IN json_extract(json, '$.referenced_tweets[*]') IF NOT hidden(r)])))
       ELSE less(json) END AS json
FROM posts WHERE NOT hidden(json) AND coalesce(json_extract_string(json, '$.withheld.copyright'), '') <> 'true'
  AND NOT everywhere(json_extract_string(json, '$.withheld.country_codes[*]'))
  AND NOT coalesce(list_contains([hidden(r) AND json_extract_string(r, '$.type') = 'retweeted'
                                  FOR r IN json_extract(json, '$.referenced_tweets[*]')], true), false)"""

JOBS = {
    ("v1", "ids"): V1_IDS, ("v1", "rows"): v1_rows(False), ("v1", "rows_text"): v1_rows(True), ("v1", "store"): V1_STORE,
    ("v1", "store_removed"): ("", {}, V1_REMOVED), ("v2", "store_removed"): (V2_SETUP, {}, V2_REMOVED),
    ("v2", "ids"): V2_IDS, ("v2", "rows"): v2_rows(False), ("v2", "rows_text"): v2_rows(True), ("v2", "store"): V2_STORE,
}  # fmt: skip


def main(job: str, shape: str, source: str, out: str, threads: str) -> None:
    """Run one job of one shape."""
    types, columns, select = JOBS[shape, job]
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    read = f"read_json('{source}', format = 'newline_delimited', columns = {{{declared}}})"
    form = "csv, HEADER false" if job == "ids" else "json"
    if not columns:  # whole lines in, whole lines out
        read, form = f"read_ndjson_objects('{source}')", "csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(SETUP + types)
    connection.execute(f"COPY (WITH posts AS (FROM {read}) {select}) TO '{out}' (FORMAT {form})")


if __name__ == "__main__":
    main(*sys.argv[1:])
