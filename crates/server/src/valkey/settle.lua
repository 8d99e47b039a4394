-- Settles a reservation. Key: the failures of a user at a backend. Arguments: the name of the reservation, or ''; the result;
-- the network; before when a right password clears wrong ones, if nothing is reserved here.
-- It does not ask for the generation: a wrong password counts in any.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reserved, wrong = 'r' .. ARGV[1], 'w' .. ARGV[3] .. ':'
local left, before = redis.call('PTTL', KEYS[1]), ARGV[4]
if ARGV[1] ~= '' then before = redis.call('ZSCORE', KEYS[1], reserved) end
-- The first write: it is taken when the memory is full, and so is what follows.
redis.call('ZREM', KEYS[1], reserved)
if ARGV[2] == 'wrong' then
  redis.call('ZADD', KEYS[1], now, wrong .. ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left > 0 and left or 86400000)
elseif ARGV[2] == 'right' and before then
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. before)) do
    if string.sub(entry, 1, #wrong) == wrong then redis.call('ZREM', KEYS[1], entry) end
  end
end
return 0
