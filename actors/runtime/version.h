#ifndef ACTORS_VERSION_H
#define ACTORS_VERSION_H

#define QCACHE_VERSION "0.1.0"
/* What clients probe: the Redis whose behaviour this server has. */
#define QCACHE_REDIS_VERSION "7.0.15"

#endif
