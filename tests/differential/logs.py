"""What the servers log: at the end of a run, each loads the append-only file of the other and must have the same data."""

import json
import os
import random
import shutil
import subprocess
import time

from commands import DIRECTIVES
from resp import Reader, bulk
from server import REPLY_SECONDS, Server, reference

DATABASES = 16
# Longer than a run takes.
SOON_MS = 4000000
# Commands that are not sent. SORT with STORE would be logged, and the result depends on what lists hold.
WITHOUT = [b"SORT"]


def prepare(seed):
    """The options with which redis-server has an append-only file. Its base is RDB or commands."""
    DIRECTIVES.remove(b"appendonly")  # ours says no
    return ["--appendonly", "yes", "--appendfsync", "no", "--aof-use-rdb-preamble", random.Random(seed).choice(["yes", "no"])]


def ask(server, *commands):
    """Sends commands on a connection of its own, and returns their values."""
    with server.connect() as sock:
        sock.sendall(b"".join(bulk(*command) for command in commands))
        reader = Reader(sock)
        return [reader.next()[1] for _ in commands]


def keys_in(server, database, *command):
    """The keys of a database, each with what this command, before the key, says of it."""
    select = [b"SELECT", b"%d" % database]
    keys = sorted(key[1] for key in ask(server, select, [b"KEYS", b"*"])[1])
    return list(zip(keys, ask(server, select, *([*command, key] for key in keys))[1:]))


def stop_expiry(server):
    """Waits for keys that have expired to be removed, and lets no others expire soon."""
    deadline = time.monotonic() + REPLY_SECONDS
    for database in range(DATABASES):
        select = [b"SELECT", b"%d" % database]
        soon = [key for key, left_ms in keys_in(server, database, b"PTTL") if 0 <= left_ms < SOON_MS]
        ask(server, select, *([b"PERSIST", key] for key in soon))
        while len(keys_in(server, database, b"PTTL")) != ask(server, select, [b"DBSIZE"])[1] and time.monotonic() < deadline:
            pass


def state_of(server):
    """The digest of the data, and the expiry of each key."""
    state = ask(server, [b"DEBUG", b"DIGEST"])
    for database in range(DATABASES):
        state += keys_in(server, database, b"PEXPIRETIME")
    return state


def loaded(program, directory):
    """The state of a redis-server that loads the append-only file in this directory, and what went wrong when it stopped."""
    server = Server("redis with a log", reference(program) + ["--appendonly", "yes"], directory=directory)
    return state_of(server), server.stop(keep=True)


def checked(program, path):
    """What qcache-check says of the files: its digest, and what is wrong."""
    done = subprocess.run([program, "--json", "--digest", path], capture_output=True, text=True)
    said = json.loads(done.stdout or "{}")
    print("qcache-check of %s: %s" % (", ".join(file["name"] for file in said.get("files", [])), said.get("digest")))
    return said.get("digest"), None if done.returncode == 0 else done.stdout + done.stderr


def compare(whose, digest, other):
    return None if digest == other else "the digest of %s is %s, not %s" % (whose, digest, other)


def check_ours(options, ours):
    """Our log, replayed, checked and in redis-server, gives our data."""
    stop_expiry(ours)
    state = state_of(ours)
    digest = state[0].decode()
    troubles = [ours.stop(keep=True)]
    replayed = ours.log_text().splitlines()[-1]
    print(replayed)
    found, trouble = checked(options.check, os.path.join(ours.directory, "appendonly.aof"))
    troubles += [trouble, compare("the frames", replayed.split()[-1], digest), compare("our log", found, digest)]
    theirs, trouble = loaded(options.redis, ours.directory)
    return troubles + [trouble, None if theirs == state else "redis-server makes of our log %s, not %s" % (theirs, state)]


def check_theirs(options, redis):
    """We make of the log of redis-server what it makes of it itself. That may differ from its data: it doesn't log DEBUG POPULATE."""
    stop_expiry(redis)
    troubles = [redis.stop(keep=True)]
    found, trouble = checked(options.check, redis.directory)
    state, other_trouble = loaded(options.redis, redis.directory)
    return troubles + [trouble, other_trouble, compare("the log of redis-server", found, state[0].decode())]


def check(options, ours, redis):
    """Stops both servers. Returns what is wrong, and None in between."""
    troubles = check_ours(options, ours) + check_theirs(options, redis)
    for server in (ours, redis):
        shutil.rmtree(server.directory, ignore_errors=True)
    return troubles
