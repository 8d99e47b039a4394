-- Finds rare texts of two letters, which are too short for pieces of three.
CREATE FUNCTION accounts_pairs(words TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT pair COLLATE "C"), '{}')
    FROM (SELECT letter || lead(letter) OVER (ORDER BY place) AS pair
        FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS letters (letter, place)) AS pairs
    WHERE pair IS NOT NULL
$$;
CREATE INDEX users_pairs ON users USING gin (accounts_pairs(search));

-- Some who have a pair. Only the index is asked: to make the pairs of a row takes longer than all else.
CREATE FUNCTION accounts_users_with(pair TEXT, most BIGINT) RETURNS SETOF BIGINT LANGUAGE sql STABLE ROWS 10
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET max_parallel_workers_per_gather = 0 AS $$
    SELECT key FROM users WHERE accounts_pairs(search) @> ARRAY[pair] LIMIT most
$$;
