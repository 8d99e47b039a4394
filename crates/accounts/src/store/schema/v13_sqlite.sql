-- Failed logins at backends are counted for several servers on PostgreSQL only: the one server of a SQLite file counts in memory.
SELECT 1;
