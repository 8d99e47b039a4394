-- Texts of two letters are found by walking through users_search, which is fast enough in a process of its own.
SELECT 1;
