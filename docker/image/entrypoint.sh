#!/bin/sh
# Creates the first administrator if there is none, and prints the password, once. Then the server.
set -eu
if [ "${1:-}" = serve ]; then
    user-backend-server init --if-needed --generate-password
fi
exec user-backend-server "$@"
