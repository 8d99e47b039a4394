#!/bin/bash
# Whether the server answers at HEALTH: where it listens over plain HTTP, such as metrics_listen.
set -eu
address=${HEALTH:-127.0.0.1:9100}
exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
printf 'GET /healthz HTTP/1.0\r\nHost: %s\r\n\r\n' "$address" >&3
read -rt 4 -u 3 version status rest
[ "$status" = 200 ]
