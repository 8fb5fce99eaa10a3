"""The jobs on v1.1 posts in DuckDB: types to create, columns to declare, and a SELECT from `posts`."""

Job = tuple[str, dict[str, str], str]

VISIBLE = """"user".protected IS NOT TRUE AND retweeted_status."user".protected IS NOT TRUE
  AND withheld_copyright IS NOT TRUE AND NOT everywhere(withheld_in_countries)"""

DECIDING = {
    "user": "STRUCT(protected BOOLEAN)", "retweeted_status": 'STRUCT("user" STRUCT(protected BOOLEAN))',
    "withheld_copyright": "BOOLEAN", "withheld_in_countries": "VARCHAR[]",
}  # fmt: skip

IDS = ("", {"id": "BIGINT", **DECIDING}, f"SELECT DISTINCT id FROM posts WHERE {VISIBLE}")


def rows(text: bool, handles: bool = False) -> Job:
    """Hashtags, cashtags, media and text are the original's, and the long form's where there is one.

    ``handles``: hashtags, cashtags and clients that are the handle of an author or a mentioned account are left out.
    """
    mentions, name = (", user_mentions STRUCT(screen_name VARCHAR)[]", ", screen_name VARCHAR") if handles else ("", "")
    types = f"""
      CREATE TYPE tag AS STRUCT("text" VARCHAR);
      CREATE TYPE tags AS STRUCT(hashtags tag[], symbols tag[]{mentions});
      CREATE TYPE media AS STRUCT(media STRUCT("type" VARCHAR)[]);"""
    account = f"STRUCT(protected BOOLEAN{name})"
    full, short = (", full_text VARCHAR", ', "text" VARCHAR') if text else ("", "")
    long = f"STRUCT(entities tags, extended_entities media{full})"
    body = f"entities tags, extended_entities media, extended_tweet {long}{full}{short}"
    columns = DECIDING | {
        "created_at": "VARCHAR", "lang": "VARCHAR", "source": "VARCHAR", "retweet_count": "BIGINT",
        "favorite_count": "BIGINT", "reply_count": "BIGINT", "quote_count": "BIGINT",
        "is_quote_status": "BOOLEAN", "in_reply_to_status_id": "BIGINT", "entities": "tags",
        "extended_entities": "media", "extended_tweet": long, "user": account,
        "retweeted_status": f'STRUCT("user" {account}, {body})',
    }  # fmt: skip
    if handles:
        columns["in_reply_to_screen_name"] = "VARCHAR"
    if text:
        columns |= {"full_text": "VARCHAR", "text": "VARCHAR"}

    def first(path: str) -> str:
        places = "retweeted_status.extended_tweet.", "retweeted_status.", "extended_tweet.", ""
        return f"coalesce({', '.join(place + path for place in places)})"

    words = """, scrubbed(coalesce(retweeted_status.extended_tweet.full_text, retweeted_status.full_text,
      retweeted_status."text", extended_tweet.full_text, full_text, "text")) AS "text\""""
    bodies = "", "extended_tweet.", "retweeted_status.", "retweeted_status.extended_tweet."
    mentioned = " || ".join(f"coalesce([m.screen_name FOR m IN {body}entities.user_mentions], [])" for body in bodies)
    known = f"""list_transform(
      ["user".screen_name, retweeted_status."user".screen_name, in_reply_to_screen_name] || {mentioned}, lambda h: lower(h))"""
    posts = f"(SELECT *, {known} AS handles FROM posts WHERE {VISIBLE})" if handles else f"posts WHERE {VISIBLE}"

    def less_handles(macro: str, value: str) -> str:
        return f"{macro}({value}, handles)" if handles else value

    hashtags, cashtags = (f'[h."text" FOR h IN {first(f"entities.{kind}")}]' for kind in ("hashtags", "symbols"))
    client = "split_part(split_part(source, '>', 2), '<', 1)"
    select = f"""SELECT
      strftime(strptime(created_at, '%a %b %d %H:%M:%S +0000 %Y'), '%Y-%m-%dT%H:00Z') AS hour, lang,
      {less_handles("others", hashtags)} AS hashtags, {less_handles("others", cashtags)} AS cashtags,
      rounded(retweet_count) AS reposts, rounded(favorite_count) AS likes,
      rounded(reply_count) AS replies, rounded(quote_count) AS quotes,
      retweeted_status IS NOT NULL AS is_repost, coalesce(is_quote_status, false) AS is_quote,
      in_reply_to_status_id IS NOT NULL AS is_reply,
      list_distinct([m."type" FOR m IN {first("extended_entities.media")}]) AS media,
      {less_handles("other", client)} AS client{words if text else ""}
      FROM {posts}"""
    return types, columns, select


STORE_TYPES = """
CREATE TYPE account AS STRUCT(id BIGINT, id_str VARCHAR, "name" VARCHAR, screen_name VARCHAR,
  "location" VARCHAR, url VARCHAR, description VARCHAR, translator_type VARCHAR, protected BOOLEAN,
  verified BOOLEAN, followers_count BIGINT, friends_count BIGINT, listed_count BIGINT,
  favourites_count BIGINT, statuses_count BIGINT, created_at VARCHAR, utc_offset BIGINT, time_zone VARCHAR,
  geo_enabled BOOLEAN, lang VARCHAR, contributors_enabled BOOLEAN, is_translator BOOLEAN,
  profile_background_color VARCHAR, profile_background_image_url VARCHAR,
  profile_background_image_url_https VARCHAR, profile_background_tile BOOLEAN, profile_link_color VARCHAR,
  profile_sidebar_border_color VARCHAR, profile_sidebar_fill_color VARCHAR, profile_text_color VARCHAR,
  profile_use_background_image BOOLEAN, profile_image_url VARCHAR, profile_image_url_https VARCHAR,
  profile_banner_url VARCHAR, default_profile BOOLEAN, default_profile_image BOOLEAN, "following" BOOLEAN,
  follow_request_sent BOOLEAN, notifications BOOLEAN);
CREATE TYPE tag AS STRUCT("text" VARCHAR, indices BIGINT[]);
CREATE TYPE size AS STRUCT(w BIGINT, h BIGINT, resize VARCHAR);
CREATE TYPE medium AS STRUCT(id BIGINT, id_str VARCHAR, indices BIGINT[], media_url VARCHAR,
  media_url_https VARCHAR, url VARCHAR, display_url VARCHAR, expanded_url VARCHAR, "type" VARCHAR,
  sizes STRUCT(thumb size, small size, large size, medium size), source_status_id BIGINT,
  source_status_id_str VARCHAR, source_user_id BIGINT, source_user_id_str VARCHAR,
  video_info STRUCT(aspect_ratio BIGINT[], duration_millis BIGINT,
                    variants STRUCT(bitrate BIGINT, content_type VARCHAR, url VARCHAR)[]));
CREATE TYPE found AS STRUCT(hashtags tag[], symbols tag[], media medium[],
  urls STRUCT(url VARCHAR, expanded_url VARCHAR, display_url VARCHAR, indices BIGINT[])[],
  user_mentions STRUCT(screen_name VARCHAR, "name" VARCHAR, id BIGINT, id_str VARCHAR, indices BIGINT[])[]);
CREATE TYPE attached AS STRUCT(media medium[]);
CREATE TYPE long_form AS STRUCT(full_text VARCHAR, display_text_range BIGINT[], entities found,
  extended_entities attached);
CREATE TYPE spot AS STRUCT(id VARCHAR, url VARCHAR, place_type VARCHAR, "name" VARCHAR, full_name VARCHAR,
  country_code VARCHAR, country VARCHAR, bounding_box STRUCT("type" VARCHAR, coordinates DOUBLE[][][]));
CREATE TYPE point AS STRUCT("type" VARCHAR, coordinates DOUBLE[]);
"""

POST = {
    "created_at": "VARCHAR", "id": "BIGINT", "id_str": "VARCHAR", "text": "VARCHAR", "full_text": "VARCHAR",
    "truncated": "BOOLEAN", "display_text_range": "BIGINT[]", "source": "VARCHAR",
    "in_reply_to_status_id": "BIGINT", "in_reply_to_status_id_str": "VARCHAR",
    "in_reply_to_user_id": "BIGINT", "in_reply_to_user_id_str": "VARCHAR",
    "in_reply_to_screen_name": "VARCHAR", "user": "account", "geo": "point", "coordinates": "point",
    "place": "spot", "quoted_status_id": "BIGINT", "quoted_status_id_str": "VARCHAR",
    "is_quote_status": "BOOLEAN", "extended_tweet": "long_form", "quote_count": "BIGINT",
    "reply_count": "BIGINT", "retweet_count": "BIGINT", "favorite_count": "BIGINT", "entities": "found",
    "extended_entities": "attached", "favorited": "BOOLEAN", "retweeted": "BOOLEAN",
    "possibly_sensitive": "BOOLEAN", "withheld_copyright": "BOOLEAN", "withheld_in_countries": "VARCHAR[]",
    "filter_level": "VARCHAR", "lang": "VARCHAR",
}  # fmt: skip
NESTED = ", ".join(f'"{name}" {kind}' for name, kind in POST.items())
PERMALINK = "STRUCT(url VARCHAR, expanded VARCHAR, display VARCHAR)"

STORE = (
    f"{STORE_TYPES} CREATE TYPE post AS STRUCT({NESTED});",
    POST | {"quoted_status_permalink": PERMALINK, "timestamp_ms": "VARCHAR"}
    | {"retweeted_status": "post", "quoted_status": "post"},
    f"""SELECT * REPLACE (
      CASE WHEN quoted_status."user".protected THEN NULL ELSE quoted_status END AS quoted_status,
      CASE WHEN quoted_status."user".protected THEN NULL ELSE quoted_status_permalink END
        AS quoted_status_permalink)
      FROM posts WHERE {VISIBLE}""",
)  # fmt: skip

# By removal from whole lines: faster, but what nobody named passes.
REMOVED = """
SELECT CASE WHEN json_extract_string(json, '$.quoted_status.user.protected') = 'true'
       THEN json_merge_patch(json, '{"quoted_status": null, "quoted_status_permalink": null}')
       ELSE json END AS json
FROM posts WHERE coalesce(json_extract_string(json, '$.user.protected'), '') <> 'true'
  AND coalesce(json_extract_string(json, '$.retweeted_status.user.protected'), '') <> 'true'
  AND coalesce(json_extract_string(json, '$.withheld_copyright'), '') <> 'true'
  AND NOT everywhere(json_extract_string(json, '$.withheld_in_countries[*]'))"""

JOBS: dict[str, Job] = {
    "ids": IDS, "rows": rows(False), "rows_text": rows(True), "store": STORE,
    "rows_handles": rows(False, handles=True), "rows_text_handles": rows(True, handles=True),
    "store_removed": ("", {}, REMOVED),
}  # fmt: skip
