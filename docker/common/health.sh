#!/bin/bash
# health.sh imap|ftp|smb [all] [host]: exit 0 when the service speaks; with `all`, when each of its
# instances listens too. No client package needed.
h=${3:-127.0.0.1}
greet() { exec 3<>"/dev/tcp/$h/$1" && IFS= read -r -t 3 -u 3 l && [[ $l == "$2"* ]]; }
listens() { local p; for p; do { exec 4<>"/dev/tcp/$h/$p"; } 2>/dev/null || return 1; exec 4>&-; done; }
case $1 in
imap) greet 10143 '* OK' && { [ "${2:-}" != all ] || listens 10144 10145; } ;;
ftp)  greet 10021 '220' && { [ "${2:-}" != all ] || listens 10022 10023 10024 10025 10990; } ;;
smb)  # SMB2 NEGOTIATE (dialect 2.1): a reply that starts with a NetBIOS length and FE 'SMB'
  exec 3<>"/dev/tcp/$h/10445" || exit 1
  z() { printf '\\x00%.0s' $(seq "$1"); }
  pkt="$(z 3)\\x66\\xfeSMB\\x40$(z 9)\\x01$(z 49)"          # length, SMB2 header (64 bytes)
  pkt+="\\x24\\x00\\x01\\x00\\x01$(z 7)"                     # NEGOTIATE, one dialect, signing on
  pkt+="rig-health-check$(z 8)\\x10\\x02"                     # client GUID, dialect 2.1
  printf "$pkt" >&3
  LC_ALL=C; r=$(timeout 3 head -c 8 <&3 | od -An -tx1 | tr -d ' \n')
  [[ $r == ????????fe534d42 ]] && { [ "${2:-}" != all ] || listens 10446 10447 10448 10449 10450; } ;;
*) exit 2 ;;
esac
