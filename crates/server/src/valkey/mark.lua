-- Writes the marker of a new generation, unless another server has done so. Key: the marker. Arguments: what it was, what it becomes.
local marker = redis.pcall('GET', KEYS[1])
if type(marker) ~= 'string' then marker = '' end
if marker ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
