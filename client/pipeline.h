/*
 * Commands collected to be sent together.
 */
#ifndef CLIENT_PIPELINE_H
#define CLIENT_PIPELINE_H

#include "client/client.h"

struct pipeline_script {
	char sha1[41];
};

struct pipeline {
	qc_pipeline handle;
	struct client *client;
	bool is_routed; /* each command goes to the node of its keys */
	struct buffer out;
	size_t count;
	struct buffer parts; /* a struct part for each command, if the client is for a cluster */
	struct pipeline_script *scripts; /* the scripts that the pipeline contains in full */
	size_t script_count;
	unsigned flags;   /* READONLY if all commands have it, CONNECTION if one has it */
	int64_t wait_ms;  /* the sum of what the commands may wait, as they run one after the other; -1: forever */
	char culprit[32]; /* the first command with CONNECTION, or, if there is one, the first that isn't a call */
};

/* Whether the pipeline doesn't contain the script yet. Then it must be sent whole. */
bool pipeline_sends_script(qc_pipeline *handle, const char *sha1);

/* For a client that certainly outlives the pipeline. */
struct pipeline *pipeline_create(struct client *client);
void pipeline_empty(struct pipeline *pipeline);
/* Runs the commands between MULTI and EXEC. QC_CONFLICT if a watched key has changed. */
qc_results pipeline_run_multi(struct pipeline *pipeline, qc_context *context);

#endif
