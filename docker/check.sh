#!/bin/bash
# check.sh [host]: signs in at every server as every account, with the right and with a wrong
# password, using other people's clients (curl, smbclient), then looks at each special instance.
# The host: $RIG_HOST or 127.0.0.2 (native); localhost for the compose rig.
set -u
cd "$(dirname "$(readlink -f "$0")")"; H=${1:-${RIG_HOST:-127.0.0.2}}; S=${RIG_STATE:-../target/rig}
for t in curl smbclient; do command -v $t >/dev/null || { echo "needs curl and smbclient: apt-get install curl smbclient" >&2; exit 3; }; done
CA=$S/ca.crt; pass=0; fail=0; tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
want() { # name expected actual
  if [ "$2" = "$3" ]; then pass=$((pass+1)); else fail=$((fail+1)); echo "FAIL $1: got $3, wanted $2"; fi; }
esc() { local s=${1//\\/\\\\}; printf '%s' "${s//\"/\\\"}"; }
curl_as() { # url user password extra...
  local url=$1 u=$2 p=$3; shift 3
  printf 'user = "%s:%s"\n' "$(esc "$u")" "$(esc "$p")" |
    curl -q -sS -o /dev/null --max-time 15 --cacert "$CA" -K - "$@" "$url" 2>/dev/null; }
smb_as() { # port share user password: prints ok or the NT status (without -U it would fall back to anonymous)
  local o; o=$(PASSWD=$4 smbclient -s /dev/null -U "$3" -p "$1" -W RIG "//$H/$2" -c exit 2>&1) && echo ok || grep -o 'NT_STATUS_[A-Z_]*' <<<"$o" | head -1; }
refused() { case $1 in disabled) echo ACCOUNT_DISABLED;; locked) echo ACCOUNT_LOCKED_OUT;; mustchange) echo PASSWORD_MUST_CHANGE;; expired) echo PASSWORD_EXPIRED;; esac; }
while IFS=$'\t' read -r u p where state; do
  case $u in ''|\#*) continue;; esac
  for w in '' x; do
    i=67 f=67 s=NT_STATUS_LOGON_FAILURE l="$u, ${w:+wrong}${w:-right} password"; l=${l/wrongx/wrong}   # curl 67: login denied
    if [ -z "$w" ]; then case $where/$state in
      all/ok|*imap*/ok) i=0 ;;& all/ok|*ftp*/ok) f=0 ;;& all/ok|*smb*/ok) s=ok ;; all/*|*smb*/*) s=NT_STATUS_$(refused "$state") ;; esac; fi
    [ "$w$state" != xlocked ] || s=NT_STATUS_ACCOUNT_LOCKED_OUT   # the one state that shows without the right password
    curl_as "imap://$H:10143/" "$u" "$p$w" --ssl-reqd; want "imap STARTTLS, $l" $i $?
    curl_as "imaps://$H:10993/" "$u" "$p$w";           want "imap TLS, $l" $i $?
    curl_as "ftp://$H:10021/" "$u" "$p$w" --ssl-reqd;  want "ftp AUTH TLS, $l" $f $?
    curl_as "ftps://$H:10990/" "$u" "$p$w";            want "ftp implicit TLS, $l" $f $?
    want "smb, $l" $s "$(smb_as 10445 share "$u" "$p$w")"
  done
done < common/users.tsv
a=(alice Wonderland-1); r=NT_STATUS_LOGON_FAILURE
curl_as "imap://$H:10143/" "${a[@]}";              want "imap without TLS refused" 67 $?
curl_as "ftp://$H:10021/"  "${a[@]}";              want "ftp without TLS refused" 67 $?
curl_as "ftp://$H:10022/"  "${a[@]}" --ssl-reqd;   want "ftp, expired certificate" 60 $?
curl_as "ftp://$H:10023/"  "${a[@]}";              want "ftp plaintext, right password" 0 $?
curl_as "ftp://$H:10023/"  alice wrong;            want "ftp plaintext, wrong password" 67 $?
curl_as "ftp://$H:10023/"  anonymous wrong;        want "ftp plaintext lets anonymous in" 0 $?
curl_as "ftp://$H:10021/"  anonymous wrong --ssl-reqd; want "ftp refuses anonymous" 67 $?
curl_as imaps://expired.rig.test:10993/ "${a[@]}" --connect-to "::$H:"; want "imap, expired certificate" 60 $?
curl -q -sS -o /dev/null --max-time 15 -u alice:Wonderland-1 "imaps://$H:10993/" 2>/dev/null; want "unknown CA refused" 60 $?
curl_as "imap://$H:10144/" "${a[@]}" --ssl-reqd;   want "imap, Debian's configuration" 0 $?
curl_as "imap://$H:10145/" "${a[@]}" --ssl-reqd;   want "imap, trusted networks" 0 $?
curl_as "ftp://$H:10024/"  "${a[@]}" --ssl-reqd;   want "ftp, alice is in the list" 0 $?
curl_as "ftp://$H:10024/"  felix Only-by-files-1 --ssl-reqd; want "ftp, felix is not in the list" 67 $?
curl_as "ftp://$H:10025/"  "${a[@]}" --ssl-reqd;   want "ftp, alice is in the list of refused ones" 67 $?
curl_as "ftp://$H:10025/"  felix Only-by-files-1 --ssl-reqd; want "ftp, felix is not in that list" 0 $?
for port in 10446 10447 10448 10449 10450; do
  want "smb $port, right password" ok "$(smb_as $port share "${a[@]}")"
  case $port in 10447) e=NT_STATUS_ACCESS_DENIED ;; *) e=$r ;; esac   # already a guest, whom the share does not want
  want "smb $port, wrong password" $e "$(smb_as $port share alice wrong)"
done
want "smb 10446: unknown name is a guest" ok "$(smb_as 10446 public unknown-user x)"
want "smb 10446: wrong password is not"   $r "$(smb_as 10446 public alice wrong)"
want "smb 10447: wrong password is a guest" ok "$(smb_as 10447 public alice wrong)"
want "smb 10448: no user is mapped"        $r "$(smb_as 10448 public alice wrong)"
smbclient -s /dev/null -N -p 10448 "//$H/public" -c exit >/dev/null 2>&1; want "smb 10448: anonymous opens the share for guests" 0 $?
list() { PASSWD=Wonderland-1 smbclient -s /dev/null -U alice -p "$1" -W RIG -L "$H" 2>/dev/null | grep -cw share; }
want "smb 10445 lists its share" 1 "$(list 10445)"; want "smb 10450 has no pipe to list with" 0 "$(list 10450)"
echo "check: $pass passed, $fail failed"; [ $fail = 0 ]
