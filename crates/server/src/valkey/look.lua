-- What Valkey says of itself. Keys: the marker, a key to try a write with.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], now, 'PX', 60000)
local marker = redis.pcall('GET', KEYS[1])
if type(marker) ~= 'string' then marker = '' end
local info = ''
for _, section in ipairs({'server', 'replication', 'memory'}) do
  info = info .. redis.call('INFO', section)
end
return {info, marker, now}
