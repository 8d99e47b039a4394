#!/bin/bash
# ports.sh HOST: says what listens where.
cat <<X
The rig is up on $1. Right passwords: docker/common/users.tsv.
  imap  10143 STARTTLS   10993 TLS   (server name expired.rig.test: an expired certificate)
        10144, 10994 Debian's own configuration (slows down after wrong passwords)
        10145, 10995 the same, with login_trusted_networks
  ftp   10021 AUTH TLS   10990 implicit TLS   10022 expired certificate   10023 no TLS, anonymous let in
        10024 a list of users who may sign in   10025 a list of users who may not
  smb   10445 sane   10446 unknown name = guest   10447 wrong password = guest   10448 share for guests
        10449 encryption required   10450 no RPC pipes
X
