"""Signs in with Python's own clients: `sign_in.py CLIENT HOST PORT CA NAME PASSWORD`.

Reads `run CALLERS MILLISECONDS` lines. After each, it signs in one at a time, at least once, until
the time is over, and prints `{"ms": [...]}`: how long each sign-in took. CALLERS is 1.
"""

import json
import ssl
import sys
import time


def client(kind, host, port, ca, name, password):
    """The function that signs in once, and raises an exception if that fails."""
    # With paramiko, it is a file of known hosts.
    tls = ssl.create_default_context(cafile=ca) if ca and kind != "paramiko" else None
    if kind == "imaplib":
        import imaplib

        def sign_in():
            server = imaplib.IMAP4_SSL(host, port, ssl_context=tls)
            server.login(name, password)
            server.logout()

    elif kind == "ftplib":
        import ftplib

        def sign_in():
            server = ftplib.FTP_TLS(context=tls) if tls else ftplib.FTP()
            server.connect(host, port)
            server.login(name, password)
            server.quit()

    elif kind == "smtplib":
        import smtplib

        def sign_in():
            with smtplib.SMTP_SSL(host, port, context=tls) as server:
                server.login(name, password)

    elif kind == "smbprotocol":
        import uuid

        from smbprotocol.connection import Connection
        from smbprotocol.session import Session

        def sign_in():
            connection = Connection(uuid.uuid4(), host, port)
            connection.connect()
            Session(connection, name, password, require_encryption=False).connect()
            connection.disconnect(True)

    elif kind == "paramiko":
        import paramiko

        def sign_in():
            server = paramiko.SSHClient()
            server.load_host_keys(ca)
            server.connect(
                host, port, name, password, allow_agent=False, look_for_keys=False
            )
            server.close()

    elif kind == "slixmpp":
        return xmpp(host, port, tls, name, password)
    else:
        sys.exit(f"no client {kind}")
    return sign_in


def xmpp(host, port, tls, name, password):
    """The same with slixmpp; `host` is the virtual host of the account."""
    # The certificate is for the address, and slixmpp cannot be told.
    tls.check_hostname = False
    import asyncio

    import slixmpp

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def sign_in():
        server = slixmpp.ClientXMPP(f"{name}@{host}", password, ssl_context=tls)
        end = loop.create_future()

        def finish(value):
            if not end.done():
                end.set_result(value)

        server.add_event_handler("auth_success", lambda _: finish(True))
        server.add_event_handler("failed_all_auth", lambda _: finish(False))
        server.add_event_handler("connection_failed", lambda _: finish(False))
        server.connect("127.0.0.1", port)
        if not loop.run_until_complete(asyncio.wait_for(end, 20)):
            raise ValueError("refused")
        server.abort()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    return sign_in


def main():
    kind, host, port, ca, name, password = sys.argv[1:7]
    sign_in = client(kind, host, int(port), ca, name, password)
    for line in sys.stdin:
        _, _, milliseconds = line.split()
        end = time.monotonic() + int(milliseconds) / 1000
        times = []
        now = None
        while now is None or now < end:
            began = time.monotonic()
            sign_in()
            now = time.monotonic()
            times.append((now - began) * 1000)
        print(json.dumps({"ms": times}), flush=True)


main()
