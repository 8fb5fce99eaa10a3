# The jobs on v1.1 posts: jq -c -L jobs 'include "v1"; rows' IN
def scrubbed: gsub("https?://[^ \\t\\r\\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+"; "");
def rounded: if . == null or . < 100 then . else pow(10; (log10 | floor) - 1) as $unit | (. / $unit | round) * $unit end;
def month: {Jan: "01", Feb: "02", Mar: "03", Apr: "04", May: "05", Jun: "06",
            Jul: "07", Aug: "08", Sep: "09", Oct: "10", Nov: "11", Dec: "12"}[.];
def visible: select(.user.protected != true and .retweeted_status.user.protected != true and .withheld_copyright != true
  and (.withheld_in_countries // [] | any(. == "XX" or . == "XY") | not));

def ids: visible | .id_str;
def rows: visible | (.retweeted_status // .) as $post | ($post.extended_tweet // $post) as $long
  | { hour: (.created_at | .[26:30] + "-" + (.[4:7] | month) + "-" + .[8:10] + "T" + .[11:13] + ":00Z"), lang,
      hashtags: [$long.entities.hashtags[]?.text], cashtags: [$long.entities.symbols[]?.text],
      reposts: (.retweet_count | rounded), likes: (.favorite_count | rounded),
      replies: (.reply_count | rounded), quotes: (.quote_count | rounded),
      is_repost: (.retweeted_status != null), is_quote: (.is_quote_status == true),
      is_reply: (.in_reply_to_status_id != null),
      media: ([$long.extended_entities.media[]?.type] | unique), client: (.source | sub("^<[^>]*>"; "") | rtrimstr("</a>")) };
def rows_text: (.retweeted_status // .) as $post
  | rows + {text: ($post.extended_tweet.full_text // $post.full_text // $post.text | scrubbed)};
def store: visible | if .quoted_status.user.protected then del(.quoted_status, .quoted_status_permalink) else . end;
