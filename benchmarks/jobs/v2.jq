# The jobs on v2 posts, bare or flattened: jq -c -L jobs 'include "v2"; rows' IN
def scrubbed: gsub("https?://[^ \\t\\r\\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+"; "");
def rounded: if . == null or . < 100 then . else pow(10; (log10 | floor) - 1) as $unit | (. / $unit | round) * $unit end;
def original: first(.referenced_tweets[]? | select(.type == "retweeted")) // null;
def visible: select(.author.protected != true and (original | .author.protected) != true and .withheld.copyright != true
  and (.withheld.country_codes // [] | any(. == "XX" or . == "XY") | not));

def ids: visible | .id;
def rows: visible | original as $post | [.referenced_tweets[]?.type] as $kinds
  | { hour: (.created_at[0:13] + ":00Z"), lang,
      hashtags: [($post.entities.hashtags // .entities.hashtags)[]?.tag],
      cashtags: [($post.entities.cashtags // .entities.cashtags)[]?.tag],
      reposts: (.public_metrics.retweet_count | rounded), likes: (.public_metrics.like_count | rounded),
      replies: (.public_metrics.reply_count | rounded), quotes: (.public_metrics.quote_count | rounded),
      is_repost: ($post != null), is_quote: ($kinds | any(. == "quoted")), is_reply: ($kinds | any(. == "replied_to")),
      media: ([.attachments.media_keys[]? | {"3": "photo", "7": "video"}[split("_")[0]] // "animated_gif"] | unique),
      client: .source };
def rows_text: (original | .text) as $text | ($text // .text) as $text | rows + {text: ($text | scrubbed)};
def stripped: del(.context_annotations, .entities.annotations, .__twarc);
def store: visible | stripped
  | if .referenced_tweets then .referenced_tweets |= [.[] | select(.author.protected != true) | stripped] else . end;
