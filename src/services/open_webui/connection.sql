SELECT to_regclass('config') IS NOT NULL AS started \gset
\if :started
BEGIN;
CREATE TEMPORARY TABLE ours (url text, key text) ON COMMIT DROP;
COPY ours FROM STDIN;
@ROW@
\.
-- Chats: two lists that belong together by position.
WITH urls AS (
  SELECT at, url FROM config, json_array_elements_text(value) WITH ORDINALITY AS list (url, at)
  WHERE config.key = 'openai.api_base_urls'
), keys AS (
  SELECT at, list.key FROM config, json_array_elements_text(value) WITH ORDINALITY AS list (key, at)
  WHERE config.key = 'openai.api_keys'
), mended AS (
  SELECT at,
    CASE WHEN ours.key = keys.key THEN ours.url ELSE urls.url END AS url,
    CASE WHEN ours.url = urls.url THEN ours.key ELSE coalesce(keys.key, '') END AS key
  FROM urls LEFT JOIN keys USING (at) CROSS JOIN ours
), lists AS (
  SELECT 'openai.api_base_urls' AS name, json_agg(url ORDER BY at) AS value FROM mended
  UNION ALL
  SELECT 'openai.api_keys', json_agg(key ORDER BY at) FROM mended
)
UPDATE config SET value = lists.value FROM lists
WHERE config.key = lists.name AND lists.value IS NOT NULL
  AND lists.value::jsonb <> config.value::jsonb
RETURNING config.key;
-- Embeddings, speech and images: one address and one key each.
WITH pairs AS (
  SELECT url.key AS url_name, key.key AS key_name
  FROM config url
  JOIN config key ON url.key LIKE '%.openai.api\_base\_url'
    AND key.key = regexp_replace(url.key, 'base_url$', 'key')
  JOIN ours ON url.value #>> '{}' = ours.url OR key.value #>> '{}' = ours.key
), mended AS (
  SELECT url_name AS name, to_json(url) AS value FROM pairs CROSS JOIN ours
  UNION ALL
  SELECT key_name, to_json(key) FROM pairs CROSS JOIN ours
)
UPDATE config SET value = mended.value FROM mended
WHERE config.key = mended.name AND mended.value::jsonb <> config.value::jsonb
RETURNING config.key;
COMMIT;
\endif
