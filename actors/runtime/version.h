#ifndef ACTORS_RUNTIME_VERSION_H
#define ACTORS_RUNTIME_VERSION_H

#define QCACHE_VERSION "0.1.0"
/* The version of Redis that this server is compatible with; clients probe it. */
#define QCACHE_REDIS_VERSION "7.0.15"

#endif
