/*
 * Commands gathered to be sent together.
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
	struct buffer out;
	size_t count;
	struct pipeline_script *scripts; /* those that are in it, whole */
	size_t script_count;
	unsigned flags;   /* READONLY when all are, CONNECTION when one is */
	int64_t wait_ms;  /* of all that may wait, as they do one after the other; -1: for ever */
	char culprit[32]; /* the first that has CONNECTION, or rather the first that isn't a call at all */
};

/* Is this the first time that the script is added? Then it is to be sent whole. */
bool pipeline_sends_script(qc_pipeline *handle, const char *sha1);

/* Of a client that is known to outlive it. */
struct pipeline *pipeline_create(struct client *client);
void pipeline_empty(struct pipeline *pipeline);
/* The pipeline's commands between MULTI and EXEC. QC_CONFLICT when a watched key had changed. */
qc_results pipeline_run_multi(struct pipeline *pipeline, qc_context *context);

#endif
