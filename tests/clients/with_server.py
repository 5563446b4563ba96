#!/usr/bin/env python3
"""Starts a server, runs a program against it, and stops the server: `with_server.py PROGRAM ARGUMENTS`.

The program finds the server by QCACHE_TEST_PORT and QCACHE_TEST_SOCKET. The exit status is the program's, or 1 when the server
doesn't end well.
"""

import os
import subprocess
import sys

from server import Server, ours


def main():
    server = Server("server", ours(os.environ["QCACHE_SERVER"]))
    env = dict(os.environ, QCACHE_TEST_PORT=str(server.port), QCACHE_TEST_SOCKET=server.directory + "/socket")
    status = subprocess.call(sys.argv[1:], env=env)
    trouble = server.stop()
    if trouble:
        print(trouble)
    return status or (1 if trouble else 0)


sys.exit(main())
