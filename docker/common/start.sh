#!/bin/bash
# start.sh imap|ftp|smb: runs one service in the foreground, all its instances. The same script is
# a container's entry point and the native rig's command (there inside private namespaces), so
# paths and settings are the same in both. RIG_LISTEN: the addresses, 0.0.0.0 inside a container.
set -euo pipefail
D=/srv/user-backend-rig/docker S=/srv/user-backend-rig/state R=/run/user-backend-rig/$1
read -ra listen <<<"${RIG_LISTEN:-127.0.0.1 127.0.0.2}"
rm -rf "$R"; mkdir -p "$R"   # a killed server's sockets and pid files slow the next start by 10 s
pids=()
together() { # the instances live and die together
  trap 'kill "${pids[@]}" 2>/dev/null' TERM INT
  wait -n || true; kill "${pids[@]}" 2>/dev/null || true; wait; }
case $1 in
imap)
  mkdir -p "$R"/{state,mail,stock/state,trusted/state}; chown nobody "$R/mail"
  echo "listen = ${listen[*]}" > "$R/listen.conf"
  cp -a /etc/dovecot "$R/debian"   # with our certificate and accounts in the files where an administrator sets them
  cp $D/imap/accounts.conf "$R/debian/conf.d/auth-system.conf.ext"
  sed -i "s|^ssl_cert *=.*|ssl_cert = <$S/tls/server.crt|; s|^ssl_key *=.*|ssl_key = <$S/tls/server.key|" "$R/debian/conf.d/10-ssl.conf"
  for c in dovecot stock trusted; do dovecot -F -c $D/imap/$c.conf & pids+=($!); done
  together ;;
ftp)
  mkdir -p "$R"/{empty,root} "$(getent passwd ftp | cut -d: -f6)"
  more=(-opasv_min_port=0 -opasv_max_port=0)   # natively any port, for many sessions at once
  [ "${listen[0]}" != 0.0.0.0 ] || more=(-opasv_address=127.0.0.1)   # the address that the engine publishes, and its ports
  for c in $D/ftp/*.conf; do
    case $c in */pam.conf) continue;; */vsftpd.conf) c=;; esac
    for a in "${listen[@]}"; do   # one vsftpd can listen on one address
      vsftpd $D/ftp/vsftpd.conf $c -olisten=YES -olisten_address="$a" "${more[@]}" & pids+=($!)
    done
  done
  together ;;
smb)
  mkdir "$R/share"; cut -d: -f1,2 $S/smb.passwd | while IFS=: read -r u id; do   # smbd wants a Unix account behind each of its own
    getent passwd "$u" >/dev/null || printf '%s:x:%d:65534::/nonexistent:/usr/sbin/nologin\n' "$u" "$id" >> /etc/passwd
  done
  for c in sane encrypt guest-bad-password guest-bad-user guest-share no-pipes; do
    I=$R/$c; mkdir -p "$I"/{private,lock,state,cache,pid,ncalrpc}
    { printf '[global]\n'; for d in lock state cache pid; do echo "$d directory = $I/$d"; done
      echo "private dir = $I/private"; echo "ncalrpc dir = $I/ncalrpc"
      [ "${listen[0]}" = 0.0.0.0 ] || { echo "bind interfaces only = yes"; echo "interfaces = ${listen[*]/%//8}"; }
      echo "include = $D/smb/$c.conf"; echo "include = $D/smb/common.conf"; } > "$I/smb.conf"
    if [ $c = sane ]; then   # the account database, made once for all
      pdbedit -s "$I/smb.conf" -i smbpasswd:$S/smb.passwd -e tdbsam:$R/passdb.tdb
      # 47 years: old enough for the password of `expired`, set in 1970, and for no other
      pdbedit -s "$I/smb.conf" -P 'maximum password age' -C 1500000000
      pdbedit -s "$I/smb.conf" -r -u locked -c '[L]'
    else
      cp $R/sane/state/account_policy.tdb "$I/state"
    fi
    smbd --foreground --no-process-group --debug-stdout -s "$I/smb.conf" & pids+=($!)
  done
  together ;;
esac
