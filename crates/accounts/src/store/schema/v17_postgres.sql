-- The Valkey in which the servers of this store count failed logins as well. `marker` is what its servers wrote there when they
-- began, `process` its own name for the process and its data: with another of either, it may have forgotten what it counted.
-- `since` is when that began, `used_at` when a server last looked, in ms.
CREATE TABLE valkey_generation (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    marker TEXT COLLATE "C" NOT NULL,
    process TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
-- How much of a limit on failed logins is counted here: all of it, or half (rounded up) while Valkey may have granted the rest
-- within the window of the limit. A minute is more than the time for which a server relies on its last look.
CREATE FUNCTION budget_share(failures BIGINT, window_ms BIGINT) RETURNS BIGINT LANGUAGE sql STABLE AS $$
    SELECT failures - CASE WHEN EXISTS (SELECT FROM valkey_generation
        WHERE used_at > (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT - window_ms - 60000)
        THEN failures / 2 ELSE 0 END
$$;
