-- Valkey helps where several servers count together, on PostgreSQL.
SELECT 1;
