-- Reserves a failure, unless Valkey's share of the limit is reached. Keys: the failures of a user at a backend, the marker.
-- Arguments: the generation, until when the caller relies on it, the window in ms, the share, a name for the reservation.
-- The failures are a sorted set by time in ms: 'r' and a name is reserved, 'w', a network and a name is a wrong password.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, share = tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('GET', KEYS[2]) ~= ARGV[1] or now > tonumber(ARGV[2]) then return {'lost', 0, 0} end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'zset' then
  -- Another program writes here, so what was counted may be gone.
  redis.call('DEL', KEYS[1], KEYS[2])
  return {'lost', 0, 0}
end
local since = '(' .. string.format('%.0f', now - window)
if redis.call('ZCOUNT', KEYS[1], since, '+inf') < share then
  -- The first write, which is refused when the memory is full.
  redis.call('ZADD', KEYS[1], now, 'r' .. ARGV[5])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
  -- An attempt without an answer may become a wrong password until its own time is over.
  redis.call('PEXPIRE', KEYS[1], 2 * window + 60000)
  return {'reserved', 0, 0}
end
-- How long until the wrong password expires that has to, before there is room.
local wrong, entries = 0, redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', since, 'WITHSCORES')
for i = 1, #entries, 2 do
  if string.sub(entries[i], 1, 1) == 'w' then
    wrong = wrong + 1
    if wrong == share then return {'full', now, window - (now - entries[i + 1])} end
  end
end
return {'full', now, -1}
