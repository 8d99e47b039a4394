#!/bin/bash
# unit-test.sh DIST: installs the package of the server in a container where systemd runs, and starts,
# reloads, kills, upgrades and purges the service there. Needs a container engine (engine.sh up).
set -euo pipefail
package=$(readlink -f "$1"/user-backend-server_*.deb)
cd "$(dirname "$(readlink -f "$0")")"
name=user-backend-unit-test image=user-backend-test-systemd log=$(mktemp)
trap 'docker rm -fv $name >/dev/null 2>&1; rm -f "$log"' EXIT
say() { printf '    %s\n' "$*"; }
fail() { inside journalctl -u user-backend-server -n 20 --no-pager -o cat >&2 || true; echo "unit-test: $*" >&2; exit 1; }
inside() { docker exec -i $name "$@"; }
show() { inside systemctl show -p "$1" --value user-backend-server; }
until_true() { for _ in $(seq 60); do "$@" && return; read -rt 0.5 <> <(:) || true; done; return 1; }

say "systemd as the first process of a container"
docker image inspect debian:bookworm-slim >/dev/null 2>&1 || docker pull -q debian:bookworm-slim >/dev/null 2>&1 || ./base-image.sh
docker image inspect $image >/dev/null 2>&1 || docker build -q -t $image stand-ins/systemd >"$log" 2>&1 || { tail "$log" >&2; exit 1; }
docker run -d --name $name --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE --cgroupns host \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --tmpfs /run --tmpfs /tmp \
    -v /sys/fs/cgroup:/sys/fs/cgroup:rw -e container=docker $image >/dev/null
is_running() { inside systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)$'; }
until_true is_running || { echo "unit-test: systemd does not start here" >&2; exit 1; }

say "install, first administrator, a socket of a frontend, start"
docker cp "$package" $name:/root/one.deb >/dev/null 2>&1
inside sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends /root/one.deb' \
    >"$log" 2>&1 || { tail "$log" >&2; fail "installation failed"; }
config=/etc/user-backend/user-backend.toml password='down the rabbit hole 7'
printf '\n[frontends.saslauthd]\npath = "/run/user-backend/mux"\n' | inside tee -a $config >/dev/null
printf '%s\n' "$password" | inside runuser -u user-backend -- user-backend-server init --config $config --password-from-stdin >/dev/null
# The second line of README.
inside sh -c "$(grep -m1 '^systemctl enable ' ../README.md)" 2>/dev/null || fail "it does not start"
lists() { inside curl -sf -u "admin:$password" -H 'OCS-APIRequest: true' http://127.0.0.1:8080/ocs/v1.php/cloud/users | grep -q admin; }
until_true lists || fail "no answer"
inside test -S /run/user-backend/mux || fail "no socket"

say "what the process may: nothing"
pid=$(show MainPID)
inside grep -qE '^CapBnd:\s*0{16}$' "/proc/$pid/status" || fail "it has capabilities"
inside grep -qE '^NoNewPrivs:\s*1$' "/proc/$pid/status" || fail "it can get privileges"
inside grep -qE '^Seccomp:\s*2$' "/proc/$pid/status" || fail "system calls are not filtered"
[ "$(show MemoryMax)" = 1610612736 ] && [ "$(show TasksMax)" = 1024 ] || fail "no limits"

say "reload, kill"
inside systemctl reload user-backend-server || fail "it does not reload"
[ "$(show MainPID)" = "$pid" ] || fail "a reload started it again"
inside kill -9 "$pid"
is_new() { [ "$(show ActiveState)" = active ] && [ "$(show MainPID)" != "$pid" ]; }
until_true is_new || fail "it is not started again"
until_true lists || fail "no answer after a crash"

say "upgrade starts the new version; purge ends it"
pid=$(show MainPID)
inside sh -c 'dpkg-deb -R /root/one.deb /root/next && sed -i "s/^Version: .*/&+next1/" /root/next/DEBIAN/control &&
    dpkg-deb --root-owner-group -Zgzip -z1 -b /root/next /root/two.deb && DEBIAN_FRONTEND=noninteractive dpkg -i /root/two.deb' \
    >"$log" 2>&1 || { tail "$log" >&2; fail "upgrade failed"; }
until_true is_new || fail "the upgrade did not start the new version"
until_true lists || fail "no answer after the upgrade"
inside apt-get -qq purge -y user-backend-server >"$log" 2>&1 || { tail "$log" >&2; fail "purge failed"; }
! inside pgrep -x user-backend-se >/dev/null || fail "it still runs"
inside test -e /var/lib/user-backend/user-backend.db || fail "the accounts were deleted"
say "ok"
