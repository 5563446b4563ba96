#include "client/qcache.h"

const char *qc_version(void)
{
	return QCACHE_VERSION;
}
