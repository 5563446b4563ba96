"""Hit ratios under maxmemory at equal numbers of resident keys, and the speed of a mixed load."""

import os
import statistics
import subprocess

from load import kinds, start, stop

RESIDENT = 50000
KEYS = 10 * RESIDENT
REQUESTS = 24 * RESIDENT
TRACES = ["zipf", "scans", "shift"]
POLICIES = [("redis", "allkeys-lru"), ("redis", "allkeys-lfu"), ("ours", "allkeys-lru"), ("ours", "allkeys-lfu"),
            ("ours", "allkeys-lrfu")]
FILL = 3 * RESIDENT
CALIBRATIONS = 8
TOLERANCE = 0.003

MIXED_KEYS = 200000
MIXED_WARMING = 2000000
MIXED = [(50, 1, 300000, 1.0), (50, 16, 1500000, 1.2)]


def replay(options, server, *words, cpu=None):
    argv = [os.path.join(os.path.dirname(options.null), "replay"), str(server.port)] + [str(word) for word in words]
    if cpu is not None:
        argv = ["taskset", "-c", str(cpu)] + argv
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit("replay against %s: %s%s" % (server.name, done.stdout, done.stderr))
    hits, gets, seconds = done.stdout.split()
    return int(hits), int(gets), float(seconds)


def used_bytes(server):
    for line in server.command("INFO", "memory").splitlines():
        if line.startswith("used_memory:"):
            return int(line.split(":")[1])
    raise SystemExit("INFO memory of %s has no used_memory" % server.name)


def resident(server):
    return int(server.command("DBSIZE"))


def calibrate(options, server, policy, wanted):
    """Sets maxmemory so that under a stream of new keys this many stay."""
    server.command("CONFIG", "SET", "maxmemory", "0")
    server.command("CONFIG", "SET", "maxmemory-policy", policy)
    server.command("FLUSHALL")
    empty = used_bytes(server)
    replay(options, server, "fill", 0, wanted)
    limit = used_bytes(server)
    a_key = (limit - empty) / wanted
    for turn in range(1, CALIBRATIONS + 1):
        server.command("CONFIG", "SET", "maxmemory", str(int(limit)))
        replay(options, server, "fill", turn * FILL, wanted + wanted // 2)
        short = wanted - resident(server)
        if abs(short) <= wanted * TOLERANCE:
            break
        limit += short * a_key
    # In "aside" mode the client sends other pieces, which take other buffers.
    server.command("FLUSHALL")
    replay(options, server, "aside", "zipf", 10 * wanted, wanted, 8 * wanted)
    limit += (wanted - resident(server)) * a_key
    server.command("CONFIG", "SET", "maxmemory", str(int(limit)))
    server.command("FLUSHALL")


def ratios(options):
    """{(server, policy): {trace: (hit ratio, resident keys at the end)}}"""
    found = {}
    for name, policy in POLICIES:
        server = start(name, kinds(options)[name])
        try:
            calibrate(options, server, policy, RESIDENT)
            for trace in TRACES:
                server.command("FLUSHALL")
                hits, gets, _ = replay(options, server, "aside", trace, KEYS, RESIDENT, REQUESTS)
                found.setdefault((name, policy), {})[trace] = (hits / gets, resident(server))
                print("  %s %s %s: %.2f %%, %d keys" % (name, policy, trace, 100 * hits / gets, resident(server)), flush=True)
        finally:
            stop(server)
    return found


def ratio_lines(found):
    lines = ["", "Hit ratio of a cache of %d keys of %d, in %d requests (GET, and SET of what was missing); in brackets the keys "
             "there at the end. Redis tells uses apart by the second, which at this speed is coarse:" % (RESIDENT, KEYS, REQUESTS), "",
             "| server | policy | " + " | ".join(TRACES) + " |", "|---|---|" + "---:|" * len(TRACES)]
    for (name, policy), by_trace in found.items():
        cells = ["%.2f %% (%d)" % (100 * by_trace[trace][0], by_trace[trace][1]) for trace in TRACES]
        lines.append("| %s | %s | %s |" % (name, policy, " | ".join(cells)))
    short = []
    for trace in TRACES:
        of = {key: by_trace[trace][0] for key, by_trace in found.items()}
        for policy in ("allkeys-lru", "allkeys-lfu"):
            if of["ours", policy] < of["redis", policy]:
                short.append("- %s, %s: less than Redis's" % (trace, policy))
            if of["ours", "allkeys-lrfu"] <= of["redis", policy]:
                short.append("- %s: allkeys-lrfu doesn't beat Redis's %s" % (trace, policy))
    return lines + ["", "Short of the goals:" if short else "All goals of hit ratios are reached."] + short


def mixed(options):
    """{(clients, pipeline): {server: [(requests per second, hit ratio, CPU us per request)]}}"""
    servers = [start(name, argv, {options.server_cpu}) for name, argv in kinds(options).items() if name != "null"]
    found = {}
    try:
        for server in servers:
            calibrate(options, server, "allkeys-lru", MIXED_KEYS // 2)
            replay(options, server, "aside", "zipf", MIXED_KEYS, MIXED_KEYS // 2, MIXED_WARMING)
            if resident(server) < MIXED_KEYS * 0.49:
                raise SystemExit("%s isn't full: %d keys" % (server.name, resident(server)))
        for clients, pipeline, requests, _ in MIXED:
            requests = int(requests * options.scale)
            for turn in range(options.rounds + 1):
                for server in servers:
                    cpu = server.cpu_ns()
                    hits, gets, seconds = replay(options, server, "mixed", clients, pipeline, MIXED_KEYS, requests,
                                                 cpu=options.client_cpu)
                    cpu = server.cpu_ns() - cpu
                    if turn > 0:  # the first warms the cache
                        found.setdefault((clients, pipeline), {}).setdefault(server.name, []).append(
                            (requests / seconds, hits / gets, cpu / requests / 1000))
    finally:
        for server in servers:
            stop(server)
    return found


def mixed_lines(found):
    lines = ["", "Zipf, 90 %% GET and 10 %% SET, at maxmemory with half of %d keys fitting, allkeys-lru, client and server on a CPU each:"
             % MIXED_KEYS, "", "| clients | k req/s: ours | Redis | ours/Redis | goal | hits: ours | Redis | CPU µs/req: ours | Redis |",
             "|---|" + "---:|" * 8]
    for clients, pipeline, _, goal in MIXED:
        ours, redis = (found[clients, pipeline][name] for name in ("ours", "redis"))
        middles = [[statistics.median(row[i] for row in rows) for i in range(3)] for rows in (ours, redis)]
        ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, redis))
        lines.append("| %d × %d | %.1f | %.1f | %.2f | %.1f | %.2f %% | %.2f %% | %.2f | %.2f |" % (
            clients, pipeline, middles[0][0] / 1000, middles[1][0] / 1000, ratio, goal, 100 * middles[0][1],
            100 * middles[1][1], middles[0][2], middles[1][2]))
        print("  " + lines[-1], flush=True)
    return lines


def report(options):
    if "redis" not in options.servers.split(","):
        return ["", "Eviction is measured beside Redis only."]
    return ratio_lines(ratios(options)) + mixed_lines(mixed(options))
