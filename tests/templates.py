"""Small posts as X delivers them, invented, for tests that change one thing about them."""

from typing import Any

AUTHOR = "1580000000000000013"
POST = "1590000000000000017"
OTHER_AUTHOR = "1480000000000000027"
OTHER_POST = "1490000000000000039"
V1_TIME = "Sat Nov 12 09:41:27 +0000 2022"
ISO_TIME = "2022-11-12T09:41:27.000Z"


def v1_user(number: str = AUTHOR, /, **more: Any) -> dict[str, Any]:
    return {
        "id": int(number),
        "id_str": number,
        "screen_name": f"user_{number[:2]}{number[-2:]}",
        "protected": False,
    } | more


def v1_post(number: str = POST, author: str = AUTHOR, /, **more: Any) -> dict[str, Any]:
    """A classic v1.1 post."""
    return {
        "created_at": V1_TIME,
        "id": int(number),
        "id_str": number,
        "text": "the lake is frozen over ❄️ البحيرة متجمدة",
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "lang": "en",
        "retweet_count": 0,
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "geo": None,
        "user": v1_user(author),
    } | more


def v1_repost(original: dict[str, Any], **more: Any) -> dict[str, Any]:
    text = f"RT @{original['user'].get('screen_name', 'x')}: {original.get('full_text', original.get('text'))}"
    return v1_post(**{"text": text, "retweeted_status": original} | more)


def v1_quote(quoted: dict[str, Any], **more: Any) -> dict[str, Any]:
    number, name = quoted["id_str"], quoted["user"]["screen_name"]
    url = f"https://twitter.com/{name}/status/{number}"
    return v1_post(
        **{
            "text": "this. https://t.co/aB3dE5fG7h",
            "is_quote_status": True,
            "quoted_status_id": int(number),
            "quoted_status_id_str": number,
            "quoted_status_permalink": {
                "url": "https://t.co/aB3dE5fG7h",
                "expanded": url,
                "display": "twitter.com/" + name,
            },
            "quoted_status": quoted,
        }
        | more
    )


def v2_user(number: str = AUTHOR, /, **more: Any) -> dict[str, Any]:
    return {"id": number, "username": f"user_{number[:2]}{number[-2:]}", "name": "Bo", "protected": False} | more


def v2_post(number: str = POST, author: str = AUTHOR, /, **more: Any) -> dict[str, Any]:
    """A bare v2 post."""
    return {
        "id": number,
        "text": "the lake is frozen over ❄️ البحيرة متجمدة",
        "author_id": author,
        "created_at": ISO_TIME,
        "lang": "en",
        "conversation_id": number,
        "edit_history_tweet_ids": [number],
        "public_metrics": {"retweet_count": 0, "reply_count": 1, "like_count": 12, "quote_count": 0},
    } | more


def v2_page(*posts: dict[str, Any], meta: dict[str, Any] | None = None, **includes: Any) -> dict[str, Any]:
    """A v2 answer with these posts and includes."""
    return {"data": list(posts), "includes": includes, "meta": {"result_count": len(posts)} | (meta or {})}


def activity(number: str = POST, author: str = AUTHOR, /, **more: Any) -> dict[str, Any]:
    """A post of Activity Streams."""
    return {
        "id": f"tag:search.twitter.com,2005:{number}",
        "objectType": "activity",
        "verb": "post",
        "postedTime": ISO_TIME,
        "actor": {"objectType": "person", "id": f"id:twitter.com:{author}", "preferredUsername": f"user_{author[-2:]}"},
        "generator": {"displayName": "Twitter for iPhone", "link": "http://twitter.com/download/iphone"},
        "body": "the lake is frozen over ❄️ البحيرة متجمدة",
        "object": {"objectType": "note", "id": f"object:search.twitter.com,2005:{number}", "postedTime": ISO_TIME},
        "twitter_entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "twitter_lang": "en",
    } | more


def share(original: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A repost of Activity Streams."""
    body = f"RT @{original['actor']['preferredUsername']}: {original['body']}"
    return activity(**{"verb": "share", "body": body, "object": original} | more)
