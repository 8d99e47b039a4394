#!/bin/bash
# rig-native.sh up|down|status|env|missing, or pause|resume|stop|start|kill [imap|ftp|smb ...], or penalty stock|trusted
# The rig without a container engine: Debian's server packages as plain processes on loopback,
# with the same files and ports as the compose rig. Needs root. Each service has private mount and
# PID namespaces, so the machine's /etc stays untouched and ending the namespace's first process
# ends the whole service. State (certificates, password files, logs, pids) is in $RIG_STATE,
# by default target/rig of this checkout. `missing` names the Debian packages that are not here.
set -euo pipefail
self=$(readlink -f "$0"); D=${self%/*}; cd "$D"
export RIG_STATE=${RIG_STATE:-${D%/*}/target/rig}; S=$RIG_STATE
cmd=${1:-}; shift || true; which=${1:-}; [ "$cmd" != penalty ] || set -- imap; [ $# -gt 0 ] || set -- imap ftp smb
for s; do case $s in imap|ftp|smb) ;; *) echo "no service \"$s\": imap, ftp, smb" >&2; exit 2 ;; esac; done
missing() {
  local m=; need() { [ -x "$1" ] || m+=" $2"; }
  need /usr/sbin/dovecot dovecot-imapd; need /usr/sbin/vsftpd vsftpd; need /usr/sbin/smbd samba; need /usr/bin/pdbedit samba-common-bin
  need /usr/bin/openssl openssl; need /usr/bin/pgrep procps
  ls /lib/*/security/pam_pwdfile.so >/dev/null 2>&1 || m+=" libpam-pwdfile"
  echo $m; }
alive() { # the pid file may be older than the last boot, and a zombie that waits to be reaped is not alive
  local p; p=$(cat "$S/$1.pid" 2>/dev/null) && [[ $(ps -o stat= -p "$p") == [!Z]* ]] &&
    [[ $(tr '\0' ' ' <"/proc/$p/cmdline") == *"$self _inside $1 "* ]]; }
members() { # every process in a service's PID namespace, seen from here; its PID 1 first
  local first; first=$(pgrep -P "$(cat "$S/$1.pid")") && pgrep --ns "$first" --nslist pid; }
signal() { local sig=$1 s; shift; for s; do alive "$s" || { echo "$s is down" >&2; return 1; }; kill "-$sig" $(members "$s") 2>/dev/null || alive "$s"; done; } # a session may have ended since
inside() { # runs in the new namespaces, as PID 1
  mount --bind "$D" /srv/user-backend-rig/docker; mount --bind "$S" /srv/user-backend-rig/state
  mount -t tmpfs -o mode=755 tmpfs /run/user-backend-rig
  local own=/run/user-backend-rig/etc; mkdir $own
  case $1 in
  ftp) cp -a /etc/pam.d $own; cp ftp/pam.conf $own/pam.d/user-backend-rig-ftp; mount --bind $own/pam.d /etc/pam.d ;;
  smb) cp /etc/passwd $own; mount --bind $own/passwd /etc/passwd ;;
  esac
  common/start.sh "$1" & local c=$!
  trap 'kill -TERM $c 2>/dev/null' TERM INT
  wait $c || true; }
start() {
  local s
  mkdir -p "$S" /run/user-backend-rig /srv/user-backend-rig/{docker,state}
  for s; do
    if alive "$s"; then kill -CONT $(members "$s"); continue; fi   # whatever it was, now it is up
    ! common/health.sh "$s" 2>/dev/null || { echo "the ports of $s are taken: another checkout's rig, or the compose rig, is up" >&2; return 1; }
    setsid unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
      bash "$self" _inside "$s" >"$S/$s.log" 2>&1 </dev/null & echo $! >"$S/$s.pid"
  done
  for s; do
    for _ in $(seq 1 150); do common/health.sh "$s" all 2>/dev/null && continue 2; alive "$s" || break; sleep 0.1; done
    echo "$s did not come up; the end of $S/$s.log:" >&2; tail -5 "$S/$s.log" >&2; return 1
  done; }
stop() {
  local s p
  for s; do
    alive "$s" && p=$(pgrep -P "$(cat "$S/$s.pid")") || continue
    kill -CONT $(members "$s") 2>/dev/null || true; kill -TERM "$p" 2>/dev/null || true
    for _ in $(seq 1 30); do alive "$s" || break; sleep 0.1; done
    ! alive "$s" || kill -KILL "$p" 2>/dev/null || true; rm -f "$S/$s.pid"
  done; }
case $cmd in
up|start|_inside) [ "$(id -u)" = 0 ] || { echo "the native rig needs root (it makes namespaces and mounts); the compose rig needs a container engine" >&2; exit 3; } ;;&
up)
  m=$(missing); [ -z "$m" ] || { echo "missing Debian packages: $m" >&2; exit 3; }
  common/provision.sh --fresh || { stop imap ftp smb; common/provision.sh; }
  start "$@"; common/ports.sh 127.0.0.2 ;;
start) start "$@" ;;
stop) stop "$@" ;;
down)
  # only what was ours to end: removing a folder takes the mounts on it from another checkout's rig, too
  alive imap || alive ftp || alive smb || exit 0
  stop imap ftp smb; rmdir /run/user-backend-rig /srv/user-backend-rig/{docker,state,} 2>/dev/null || true ;;
kill) for s; do alive "$s" && p=$(pgrep -P "$(cat "$S/$s.pid")") && kill -KILL "$p"; rm -f "$S/$s.pid"; done ;;
pause) signal STOP "$@" ;;
resume) signal CONT "$@" ;;
status) for s; do if alive "$s"; then common/health.sh "$s" 2>/dev/null && echo "$s up" || echo "$s alive, not answering"; else echo "$s down"; fi; done ;;
env) printf '%s\n' RIG_HOST=127.0.0.2 RIG_STATE="$S" RIG_SCRIPT="$self" ;;
penalty) alive imap && exec nsenter --mount --pid -t "$(pgrep -P "$(cat "$S/imap.pid")")" doveadm -c /srv/user-backend-rig/docker/imap/"$which".conf penalty ;;
missing) missing ;;
_inside) inside "$1" ;;
*) sed -n 2,7p "$self"; exit 2 ;;
esac
