#!/bin/bash
# package-test.sh DIST: installs the Debian packages of DIST in a clean root directory by the first
# line of README (unit-test.sh runs the second), starts the server by the command of its unit,
# upgrades, removes and purges. Needs root, mmdebstrap, curl and the Debian mirror; starts nothing
# outside of the root directory, listens on loopback only.
# LINTIAN=1 also prints what lintian says about the packages.
set -euo pipefail
dist=$(readlink -f "$1") readme=$(dirname "$(readlink -f "$0")")/../README.md
root=$(mktemp -d /tmp/user-backend-root.XXXXXX)
server= typed=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
finish() { stop; [ -z "$typed" ] || kill "$typed" 2>/dev/null || true; umount -q "$root/proc" || true; rm -rf --one-file-system "$root"; }
trap finish EXIT
say() { printf '    %s\n' "$*"; }
fail() { echo "package-test: $*" >&2; exit 1; }
inside() { chroot "$root" "$@"; }
# apt LOG WORDS...: apt-get in the root; the end of its log when it fails.
apt() {
    local log=$root/root/$1.log; shift
    inside env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold "$@" \
        >"$log" 2>&1 || { tail -20 "$log" >&2; fail "apt-get $1 failed"; }
}
has() { [ -e "$root$1" ] || fail "$1 is missing"; }
hasnt() { [ ! -e "$root$1" ] || fail "$1 is still there"; }

say "a clean Debian root"
mmdebstrap --quiet --variant=minbase --include=systemd,ca-certificates bookworm "$root" >/dev/null
mount -t proc proc "$root/proc"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"; chmod +x "$root/usr/sbin/policy-rc.d"
mkdir "$root/root/one" "$root/root/two"
cp "$dist"/*.deb "$root/root/one/"
packages=(user-backend-server user-backend-occ user-backend-smb-helper)

say "what the packages depend on"
for package in "${packages[@]}"; do
    depends=$(dpkg-deb -f "$root/root/one/$package"_*.deb Depends)
    say "  $package: $depends, $(dpkg-deb -f "$root/root/one/$package"_*.deb Installed-Size) KiB installed"
    case $package:$depends in
    user-backend-smb-helper:*libsmbclient*) ;;
    user-backend-smb-helper:*) fail "the helper does not depend on libsmbclient" ;;
    *libsmbclient*) fail "$package depends on libsmbclient" ;;
    esac
done

password='down the rabbit hole 7'
say "install and first administrator: the line of README, word for word, at a terminal"
apt update update
{ echo 'cd /root/one'; grep '^apt install ' "$readme"; } >"$root/root/readme.sh" || fail "README has no such line"
mkfifo "$root/root/keys"; exec 4<>"$root/root/keys"
log=$root/root/install.log; : >"$log"
env -u DEBIAN_FRONTEND script -qefc "chroot $root bash -e /root/readme.sh" "$log" <&4 >/dev/null & typed=$!
# answer PROMPT WORDS [LATER]: types the words when the prompt is there, unless LATER comes instead.
answer() {
    until grep -aqF "$1" "$log"; do
        kill -0 $typed 2>/dev/null || { tail -20 "$log" >&2; fail "no prompt \"$1\""; }
        ! grep -aqF "${3:-no such text}" "$log" || return 0
        read -rt 0.2 <> <(:) || true
    done
    printf '%s\n' "$2" >&4
}
answer '[Y/n]' y 'Password of admin:'
answer 'Password of admin:' "$password"
answer 'Again:' "$password"
wait "$typed" || { tail -20 "$log" >&2; fail "the line of README failed"; }
exec 4>&-; typed=
grep -aq 'created the administrator admin' "$log" || fail "no administrator"
apt helper install --no-install-recommends "/$(cd "$root" && echo root/one/user-backend-smb-helper_*.deb)"
grep -aq 'create the first administrator' "$log" || fail "no word about the first administrator"
config=/etc/user-backend/user-backend.toml
state_of_files() { inside stat -c '%n %U:%G %a' /etc/user-backend $config /var/lib/user-backend; }
files=$(state_of_files)
[ "$files" = "/etc/user-backend root:user-backend 750
$config root:user-backend 640
/var/lib/user-backend user-backend:user-backend 700" ] || fail "wrong owner or mode: $files"
[ "$(inside dpkg-query -W -f '${Conffiles}' user-backend-server | awk '{print $1}')" = $config ] || fail "no conffile"
unit=/lib/systemd/system/user-backend-server.service; [ -e "$root$unit" ] || unit=/usr$unit
has $unit
has /usr/lib/sysusers.d/user-backend.conf
has /usr/lib/tmpfiles.d/user-backend.conf
for program in user-backend-server occ; do
    inside $program --version >/dev/null
    inside gzip -t /usr/share/man/man1/$program.1.gz
    for script in /usr/share/bash-completion/completions/$program /usr/share/zsh/vendor-completions/_$program \
        /usr/share/fish/vendor_completions.d/$program.fish; do has $script; done
    inside bash -n /usr/share/bash-completion/completions/$program
    ! inside ldd /usr/bin/$program | grep -q smbclient || fail "$program links libsmbclient"
done
inside ldd /usr/libexec/user-backend/user-backend-smb-helper | grep -q libsmbclient || fail "the helper links no libsmbclient"
inside /usr/libexec/user-backend/user-backend-smb-helper --version >/dev/null
inside systemd-analyze verify $unit 2>"$root/root/verify.log" || { cat "$root/root/verify.log" >&2; fail "systemd-analyze verify"; }
# The threshold is in tenths.
exposure=$(inside systemd-analyze security --offline=true --threshold=20 $unit | tail -1) || fail "exposure above 2.0: $exposure"
say "  $exposure"

say "start by the command of the unit, one call, one session"
port=$((20000 + RANDOM % 20000))
sed -i "s/^#listen = .*/listen = \"127.0.0.1:$port\"/" "$root$config"
user=$(sed -n 's/^User=//p' "$root$unit"); group=$(sed -n 's/^Group=//p' "$root$unit")
command=$(sed -n 's/^ExecStart=//p' "$root$unit"); mask=$(sed -n 's/^UMask=//p' "$root$unit")
as_service=(chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --)
start() {
    "${as_service[@]}" sh -c "umask $mask; cd /var/lib/user-backend; exec $command" 2>"$root/root/server.log" &
    server=$!
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$port/healthz" >/dev/null && return
        kill -0 $server 2>/dev/null || break
        read -rt 0.1 <> <(:) || true
    done
    cat "$root/root/server.log" >&2
    fail "the server does not answer"
}
# works: the administrator and the session still count.
works() {
    curl -sf -u "admin:$password" -H 'OCS-APIRequest: true' \
        "http://127.0.0.1:$port/ocs/v1.php/cloud/users?format=json" | grep -q '"admin"' || fail "the administrator is not listed"
    [ "$(curl -s -b "$root/root/cookies" -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/settings")" = 200 ] ||
        fail "the session has ended"
}
start
token=$(curl -sf -c "$root/root/cookies" "http://127.0.0.1:$port/login" | sed -n 's/.*name="requesttoken" value="\([^"]*\)".*/\1/p')
curl -sf -b "$root/root/cookies" -c "$root/root/cookies" -o /dev/null "http://127.0.0.1:$port/login" \
    --data-urlencode "requesttoken=$token" --data-urlencode user=admin --data-urlencode "password=$password" -d for= ||
    fail "no sign-in at the page"
works
"${as_service[@]}" occ --config $config user:list | grep -q admin || fail "occ does not list the administrator"
stop

say "upgrade keeps configuration, accounts and sessions"
echo '# changed by the administrator' >>"$root$config"
for package in "${packages[@]}"; do
    dpkg-deb -R "$root/root/one/$package"_*.deb "$root/root/next"
    sed -i 's/^Version: .*/&+next1/' "$root/root/next/DEBIAN/control"
    # Another file than the one installed: the administrator's has to stay.
    [ ! -e "$root/root/next$config" ] || echo '# of the new version' >>"$root/root/next$config"
    dpkg-deb --root-owner-group -Zgzip -z1 -b "$root/root/next" "$root/root/two/" >/dev/null
    rm -rf "$root/root/next"
done
apt upgrade install --no-install-recommends $(cd "$root" && printf '/%s ' root/two/*.deb)
inside dpkg-query -W -f '${Version}\n' user-backend-server | grep -q '+next1$' || fail "not upgraded"
! grep -q 'create the first administrator' "$root/root/upgrade.log" || fail "an upgrade asks for a first administrator"
grep -q 'changed by the administrator' "$root$config" || fail "the upgrade replaced the configuration"
[ "$files" = "$(state_of_files)" ] || fail "the upgrade changed owners or modes: $(state_of_files)"
start
works
stop

say "remove, then purge; the accounts stay"
apt remove remove "${packages[@]}"
hasnt /usr/bin/user-backend-server; hasnt /usr/bin/occ; hasnt $unit; has $config
apt purge purge "${packages[@]}"
hasnt $config
has /var/lib/user-backend/user-backend.db
grep -q 'accounts in /var/lib/user-backend stay' "$root/root/purge.log" || fail "no word about the accounts"

if [ -n "${LINTIAN:-}" ]; then
    say "lintian"
    apt lintian install --no-install-recommends lintian
    inside lintian --no-cfg --allow-root $(cd "$root" && printf '/%s ' root/one/*.deb) | sed 's/^/      /' || true
fi
say "ok"
