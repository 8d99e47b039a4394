#!/bin/bash
# rig-compose.sh up|down|status|env, or pause|resume|stop|start|kill|cut|join [imap|ftp|smb ...], or penalty stock|trusted
# The rig in containers, for `docker compose` (v2) and for the older docker-compose 1.29.
# State (certificates, password files) is in $RIG_STATE, by default target/rig of this checkout.
set -euo pipefail
self=$(readlink -f "$0"); cd "${self%/*}"; export COMPOSE_PROJECT_NAME=user-backend-rig
export RIG_STATE=${RIG_STATE:-$(readlink -m ../target/rig)}
cmd=${1:-}; shift || true; which=${1:-}; [ "$cmd" != penalty ] || set -- imap; [ $# -gt 0 ] || set -- imap ftp smb
for s; do case $s in imap|ftp|smb) ;; *) echo "no service \"$s\": imap, ftp, smb" >&2; exit 2 ;; esac; done
if docker compose version >/dev/null 2>&1; then dc() { docker compose -f docker-compose.yml "$@"; }
elif command -v docker-compose >/dev/null; then dc() { docker-compose -f docker-compose.yml "$@"; }
else dc() { echo "no docker compose here: install it or use the native rig" >&2; exit 3; }; fi
engine() {
  docker info >/dev/null 2>&1 || { echo "no container engine answers: start one (docker/engine.sh up does, as root on Debian) or use the native rig" >&2; exit 3; }; }
id() { dc ps -q "$1"; }
state() { docker info >/dev/null 2>&1 && docker inspect -f '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$(id "$1")" 2>/dev/null || true; }
case $cmd in up|down|pause|resume|stop|start|kill|cut|join) engine ;; esac
case $cmd in
up)
  # Without a registry the base image is made from Debian packages, under the name that the Dockerfiles use.
  docker image inspect debian:bookworm-slim >/dev/null 2>&1 || docker pull -q debian:bookworm-slim >/dev/null 2>&1 || ./base-image.sh
  mkdir -p "$RIG_STATE"
  common/provision.sh --fresh || dc down -t 3   # servers keep the certificates they started with
  for s; do case $(state "$s") in paused*) dc unpause "$s" ;; esac; done
  dc up -d --build "$@"
  for s; do
    for _ in $(seq 1 120); do case $(state "$s") in *' healthy') continue 2 ;; esac; sleep 0.5; done
    echo "$s is not healthy" >&2; dc logs --tail=20 "$s" >&2; exit 1
  done
  common/ports.sh localhost ;;
down) dc down -v -t 3 ;;
status)
  for s; do case $(state "$s") in 'running healthy') echo "$s up" ;; running*|paused*) echo "$s alive, not answering" ;; *) echo "$s down" ;; esac; done ;;
pause) dc pause "$@" ;;
resume) dc unpause "$@" ;;
stop) dc stop -t 3 "$@" ;;
start)
  dc start "$@"
  for s; do for _ in $(seq 1 120); do case $(state "$s") in *' healthy') continue 2 ;; esac; sleep 0.2; done; echo "$s is not healthy" >&2; exit 1; done ;;
kill) dc kill "$@" ;;
cut) for s; do docker network disconnect user-backend-rig_default "$(id "$s")"; done ;;
join) for s; do docker network connect --alias "$s" user-backend-rig_default "$(id "$s")"; done ;;
penalty) dc exec -T imap doveadm -c /srv/user-backend-rig/docker/imap/"$which".conf penalty ;;
env) printf '%s\n' RIG_HOST=localhost RIG_STATE="$RIG_STATE" RIG_SCRIPT="$self" ;;
*) sed -n 2,4p "$self"; exit 2 ;;
esac
