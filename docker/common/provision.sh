#!/bin/bash
# provision.sh [--fresh]: makes what the servers share: a throw-away CA, certificates and the
# password files, all in $RIG_STATE. Does nothing while they are fresh: the CA younger than
# 20 days (it lives for 30) and no account changed. --fresh only tells whether they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"; U=$PWD/users.tsv
S=${RIG_STATE:-/srv/user-backend-rig/state}; umask 022
stamp() { cat provision.sh users.tsv | sha256sum; }
fresh() { [ -n "$(find "$S/ca.crt" -mtime -20 2>/dev/null)" ] && [ "$(cat "$S/stamp" 2>/dev/null)" = "$(stamp)" ]; }
if [ "${1:-}" = --fresh ]; then fresh; exit; fi
! fresh || exit 0
STAMP=$(stamp); rm -rf "$S/tls" "$S/stamp"; mkdir -p "$S/tls"; cd "$S/tls"

q() { "$@" 2>openssl.log || { cat openssl.log >&2; return 1; }; }
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
q openssl req -x509 "${key[@]}" -days 30 -subj "/CN=user-backend rig throw-away CA" -keyout ca.key -out ca.crt
cat > ca.conf <<X   # only \`openssl ca\` can set both dates in Debian 12, and an expired certificate needs both
[ca]
default_ca = rig
[rig]
database = $PWD/index
new_certs_dir = $PWD
certificate = $PWD/ca.crt
private_key = $PWD/ca.key
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = \$ENV::SAN
X
: > index
issue() { # name, subjectAltName, then the dates
  export SAN=$2
  q openssl req "${key[@]}" -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  q openssl ca -batch -notext -config ca.conf -in "$1.csr" -out "$1.crt" "${@:3}"; }
names=DNS:localhost,DNS:imap,DNS:ftp,DNS:smb,IP:127.0.0.1,IP:127.0.0.2,IP:::1
issue server "$names" -days 30
issue expired "$names,DNS:expired.rig.test" -startdate 20200101000000Z -enddate 20200201000000Z
rm -f ./*.csr [0-9A-F]*.pem index* openssl.log

# One password file per server, each with the accounts that this server knows.
cd "$S"; rm -f ./*.passwd ftp.denied; touch {imap,ftp,smb}.passwd ftp.denied; chmod 600 smb.passwd
nt() { printf %s "$1" | iconv -f UTF-8 -t UTF-16LE | openssl dgst -provider legacy -md4 -r | tr a-f A-F; }   # what SMB checks
now=$(printf %08X "$(date +%s)"); uid=20000 nolm=$(printf 'X%.0s' {1..32})
while IFS=$'\t' read -r u p where state; do
  case $u in ''|\#*) continue;; esac
  uid=$((uid+1)); h=$(openssl passwd -6 -stdin <<<"$p"); extra='' flags=U set=$now
  case $state in ok) ;; disabled) extra=nologin flags=DU; echo "$u" >> ftp.denied ;; mustchange) set=00000000 ;; expired) set=00000001 ;; esac
  case $where in all|*imap*) printf '%s:{CRYPT}%s::::::%s\n' "$u" "$h" "$extra" >> imap.passwd ;; esac
  case $where in all|*ftp*) printf '%s:%s\n' "$u" "$h" >> ftp.passwd ;; esac
  case $where in all|*smb*) n=$(nt "$p"); printf '%s:%d:%s:%s:[%-11s]:LCT-%s:\n' "$u" $uid "$nolm" "${n%% *}" "$flags" "$set" >> smb.passwd ;; esac
done < "$U"
# As many users as a benchmark has callers, with the first password above and hashes that take no time.
read -r _ p _ < <(grep -v '^#' "$U"); h=$(openssl passwd -1 -stdin <<<"$p") n=$(nt "$p")
for i in {0..63}; do
  echo "load$i:$h" >> ftp.passwd
  printf 'load%d:%d:%s:%s:[%-11s]:LCT-%s:\n' "$i" $((uid + 1 + i)) "$nolm" "${n%% *}" U "$now" >> smb.passwd
done
cp "$U" users.tsv; cp tls/ca.crt ca.crt; echo "$STAMP" > stamp
