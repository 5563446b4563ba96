#include <stdlib.h>

#include "client/client.h"
#include "client/cluster.h"
#include "client/error.h"

qc_status qc_each_primary(qc_client *handle, qc_context *context, qc_node_body *body, void *data)
{
	struct client *client = client_of(handle);
	qc_status out = {client_err(client)};
	struct pool **nodes = NULL;
	size_t count = 0;

	if (qc_failed(out))
		return out;
	if (client->is_pinned || !client->pool->cluster) {
		out.err = body(handle, context, data);
		return out;
	}
	out.err = cluster_primaries(client->pool->cluster, context, &nodes, &count);
	for (size_t i = 0; i < count && !qc_failed(out); i++) {
		struct client node = {.pool = nodes[i]};
		out.err = body(&node.handle, context, data);
	}
	for (size_t i = 0; i < count && nodes; i++)
		pool_let_go(nodes[i]);
	free(nodes);
	return out;
}
