#!/bin/bash
# package-test.sh DIST: installs the Debian packages of DIST in a clean root directory, starts the
# server by the command of its unit, installs them again as an upgrade, and removes them. Needs root
# and mmdebstrap; starts nothing outside of the root directory, listens on loopback only.
set -euo pipefail
dist=$(readlink -f "$1")
root=$(mktemp -d /tmp/user-backend-root.XXXXXX)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$root"
}
trap finish EXIT
say() { printf '    %s\n' "$*"; }
inside() { chroot "$root" "$@"; }
fail() { echo "package-test: $*" >&2; exit 1; }

say "a clean Debian root"
mmdebstrap --quiet --variant=minbase --include=adduser,ca-certificates bookworm "$root" \
    ${APT_SOURCES:-/etc/apt/sources.list*} >/dev/null
cp "$dist"/*.deb "$root/root/"

say "install"
inside sh -c 'apt-get -q update >/dev/null; apt-get -q install -y --no-install-recommends /root/*.deb' \
    >"$root/root/install.log" 2>&1 || { tail -20 "$root/root/install.log" >&2; fail "installation failed"; }
grep -q 'create the first administrator' "$root/root/install.log" || fail "no word about the first administrator"
[ "$(inside stat -c '%U:%G %a' /etc/user-backend/user-backend.toml)" = "root:user-backend 640" ] ||
    fail "wrong owner or mode of the configuration"
[ "$(inside stat -c '%U %a' /var/lib/user-backend)" = "user-backend 700" ] || fail "wrong owner of the data"
! inside ldd /usr/bin/user-backend-server | grep -q smbclient || fail "the server links libsmbclient"
inside occ --version >/dev/null
inside /usr/libexec/user-backend/user-backend-smb-helper --version >/dev/null

say "first administrator, start by the unit's command, one call"
port=$((20000 + RANDOM % 20000))
sed -i "s/^#listen = .*/listen = \"127.0.0.1:$port\"/" "$root/etc/user-backend/user-backend.toml"
config=/etc/user-backend/user-backend.toml
as_service() { inside setpriv --reuid user-backend --regid user-backend --clear-groups -- "$@"; }
printf 'down the rabbit hole 7\n' | as_service user-backend-server init --config $config --password-from-stdin >/dev/null
start() {
    local command
    command=$(sed -n 's/^ExecStart=//p' "$root"/usr/lib/systemd/system/user-backend-server.service "$root"/lib/systemd/system/user-backend-server.service 2>/dev/null | head -1)
    # shellcheck disable=SC2086
    as_service $command 2>"$root/root/server.log" & server=$!
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$port/healthz" >/dev/null && return
        read -rt 0.1 <> <(:) || true
    done
    cat "$root/root/server.log" >&2
    fail "the server does not answer"
}
stop() { kill "$server"; wait "$server" 2>/dev/null || true; server=; }
users() { curl -sf -u "admin:down the rabbit hole 7" -H 'OCS-APIRequest: true' "http://127.0.0.1:$port/ocs/v1.php/cloud/users?format=json"; }
start
users | grep -q '"admin"' || fail "the administrator is not listed"
stop

say "upgrade keeps configuration and accounts"
echo '# changed by the administrator' >>"$root$config"
inside sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -q install -y --reinstall /root/*.deb' >"$root/root/upgrade.log" 2>&1 ||
    { tail -20 "$root/root/upgrade.log" >&2; fail "upgrade failed"; }
grep -q 'changed by the administrator' "$root$config" || fail "the upgrade replaced the configuration"
start
users | grep -q '"admin"' || fail "the account is gone after the upgrade"
stop

say "remove and purge; the accounts stay"
inside apt-get -q purge -y user-backend-server user-backend-occ user-backend-smb-helper >"$root/root/purge.log" 2>&1 ||
    { tail -20 "$root/root/purge.log" >&2; fail "removal failed"; }
[ ! -e "$root/usr/bin/user-backend-server" ] && [ ! -e "$root$config" ] || fail "files are left"
[ -e "$root/var/lib/user-backend/user-backend.db" ] || fail "the accounts were deleted"
say "ok"
