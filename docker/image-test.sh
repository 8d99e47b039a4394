#!/bin/bash
# image-test.sh DIST: builds the images from the programs in DIST/stage, measures and starts them,
# and starts compose.example.yml. Needs a container engine and openssl (engine.sh up starts one).
# Without a registry, images of PostgreSQL and nginx are made from Debian's packages.
set -euo pipefail
stage=$(readlink -f "$1")/stage
cd "$(dirname "$(readlink -f "$0")")"
work=$(mktemp -d /tmp/user-backend-image.XXXXXX)
export COMPOSE_PROJECT_NAME=user-backend-image-test LISTEN=127.0.0.1:$((20000 + RANDOM % 10000))
if docker compose version >/dev/null 2>&1; then compose() { docker compose -f "$work/docker/compose.example.yml" "$@"; }
else compose() { docker-compose -f "$work/docker/compose.example.yml" "$@"; }; fi
alone=user-backend-image-test-alone
finish() {
    [ ! -e "$work/docker" ] || compose down -v -t 5 >/dev/null 2>&1 || true
    docker rm -fv $alone >/dev/null 2>&1 || true
    docker volume rm $alone >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
say() { printf '    %s\n' "$*"; }
fail() { echo "image-test: $*" >&2; exit 1; }
# until_true SECONDS WORDS...: runs the words until they work.
until_true() {
    local end=$((SECONDS + $1)); shift
    until "$@"; do [ $SECONDS -lt $end ] || return 1; read -rt 0.5 <> <(:) || true; done
}
health() { docker inspect -f '{{.State.Health.Status}}' "$1" 2>/dev/null; }
is_healthy() { [ "$(health "$1")" = healthy ]; }
password_of() { sed -n 's/^.*password: \([^ ]*\)$/\1/p'; }

say "images"
docker image inspect debian:bookworm-slim >/dev/null 2>&1 || docker pull -q debian:bookworm-slim >/dev/null 2>&1 || ./base-image.sh
mkdir "$work/context"
cp "$stage"/{user-backend-server,occ,user-backend-smb-helper} image/* "$work/context/"
build() { docker build -q "$@" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; fail "no image"; }; }
build --target server -t user-backend-server:latest "$work/context"
build --target smb -t user-backend-server:smb "$work/context"
# measure TAG LIMIT: what a registry sends, in MB (millions of bytes), and what it takes on a disk.
measure() {
    local packed unpacked
    packed=$(docker save "user-backend-server:$1" | gzip -6 | wc -c)
    unpacked=$(docker image inspect -f '{{.Size}}' "user-backend-server:$1")
    say "  $(awk -v n="$1" -v p="$packed" -v u="$unpacked" -v m="$2" \
        'BEGIN { printf "%s: %.1f MB compressed (at most %d MB), %.1f MB unpacked", n, p / 1e6, m, u / 1e6 }')"
    [ "$packed" -le $(($2 * 1000000)) ] || fail "$1 is larger than $2 MB"
}
measure latest 60
measure smb 120
docker run --rm --network none --entrypoint /usr/libexec/user-backend/user-backend-smb-helper user-backend-server:smb --version >/dev/null
! docker run --rm --network none --entrypoint ldd user-backend-server:smb /usr/bin/user-backend-server | grep -q smbclient ||
    fail "the server links libsmbclient"

say "one container: no root, nothing writable but the accounts, no capability"
docker volume create $alone >/dev/null
docker run -d --name $alone --read-only --cap-drop ALL --security-opt no-new-privileges \
    -v $alone:/var/lib/user-backend user-backend-server >/dev/null
until_true 60 is_healthy $alone || { docker logs $alone >&2; fail "not healthy"; }
[ "$(docker exec $alone id -u)" = 10001 ] || fail "it runs as another user"
! docker exec $alone sh -c 'echo >/usr/bin/x' 2>/dev/null || fail "the root is writable"
docker logs $alone 2>/dev/null | password_of >"$work/password"
[ "$(wc -l <"$work/password")" = 1 ] || fail "the password is not printed once"
docker exec $alone occ user:list | grep -q admin || fail "no administrator"
docker restart -t 20 $alone >/dev/null
until_true 60 is_healthy $alone || fail "not healthy after a restart"
[ "$(docker logs $alone 2>/dev/null | password_of | wc -l)" = 1 ] || fail "the password is printed again"
docker rm -f $alone >/dev/null

say "compose.example.yml"
mkdir -p "$work/docker/example/tls" "$work/docs"
cp compose.example.yml "$work/docker/"; cp example/* "$work/docker/example/" 2>/dev/null || true; cp -r ../docs/nginx "$work/docs/"
chmod -R go=rX "$work"; chmod 755 "$work"
# As in the clone of an ordinary user; then step 3 of the example.
chown -R 1000 "$work/docker/example"
chown root "$work/docker/example/user-backend.toml" && chmod 644 "$work/docker/example/user-backend.toml"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=users.example.com \
    -addext subjectAltName=DNS:users.example.com,DNS:wiki.example.com \
    -keyout "$work/docker/example/tls/key.pem" -out "$work/docker/example/tls/cert.pem" 2>/dev/null
(umask 077; echo "DB_PASSWORD=$(openssl rand -hex 16)" >"$work/docker/.env")
# stand_in NAME IMAGE: makes an image of Debian's packages where IMAGE cannot be pulled.
stand_in() {
    docker image inspect "$2" >/dev/null 2>&1 || docker pull -q "$2" >/dev/null 2>&1 || {
        docker image inspect "user-backend-test-$1" >/dev/null 2>&1 || build -t "user-backend-test-$1" "stand-ins/$1"
        say "  $2 cannot be pulled: Debian's package of $1 instead"
        export "${1^^}_IMAGE=user-backend-test-$1"
    }
}
stand_in postgres postgres:17
stand_in nginx nginx:stable
compose up -d >"$work/compose.log" 2>&1 || { tail -20 "$work/compose.log" >&2; compose logs --tail=20 >&2; fail "compose up"; }
port=${LISTEN##*:}
users() { curl -s --cacert "$work/docker/example/tls/cert.pem" --connect-to "::127.0.0.1:$port" "$@"; }
compose logs --no-color user-backend 2>/dev/null | password_of >"$work/password"
[ "$(wc -l <"$work/password")" = 1 ] || { compose logs >&2; fail "the password is not printed once"; }
printf 'user = "admin:%s"\n' "$(cat "$work/password")" >"$work/curl"
lists() { users -K "$work/curl" -H 'OCS-APIRequest: true' 'https://users.example.com/ocs/v1.php/cloud/users?format=json' | grep -q '"admin"'; }
until_true 30 lists || { compose logs --tail=20 >&2; fail "the API does not answer through nginx"; }
[ "$(users -o /dev/null -w '%{http_code}' https://wiki.example.com/)" = 401 ] || fail "the application is open"
location=$(users -o /dev/null -w '%{redirect_url}' -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' https://wiki.example.com/)
case $location in https://users.example.com/login*) ;; *) fail "a browser is sent to \"$location\"" ;; esac
users -K "$work/curl" -D - -o /dev/null https://wiki.example.com/ | grep -qi '^x-signed-in-as: admin' || fail "the application does not learn who it is"
! compose logs --no-color user-backend 2>/dev/null | grep -q 'proven credentials end' || fail "the key of proven credentials is not kept"
say "restart of the server, with the accounts in PostgreSQL"
compose restart -t 20 user-backend >/dev/null 2>&1
until_true 60 lists || fail "the account is gone after a restart"
[ "$(compose logs --no-color user-backend 2>/dev/null | password_of | wc -l)" = 1 ] || fail "the password is printed again"
say "ok"
