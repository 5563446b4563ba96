#include "client/lookup.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/error.h"

/* Shared by the one who waits and the thread; whoever is last frees it. */
struct lookup {
	struct context_waiter waiter;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done, abandoned, ended;
	int result;
	struct addrinfo *list;
	char *host;
	char port[8];
};

static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};

static void lookup_free(struct lookup *lookup)
{
	pthread_cond_destroy(&lookup->changed);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup->host);
	free(lookup);
}

static void *run(void *context)
{
	struct lookup *lookup = context;
	struct addrinfo *list = NULL;
	int result = getaddrinfo(lookup->host, lookup->port, &hints, &list);

	pthread_mutex_lock(&lookup->lock);
	bool abandoned = lookup->abandoned;
	lookup->done = true;
	lookup->result = result;
	lookup->list = list;
	pthread_cond_signal(&lookup->changed);
	pthread_mutex_unlock(&lookup->lock);
	if (abandoned) {
		if (result == 0)
			freeaddrinfo(list);
		lookup_free(lookup);
	}
	return NULL;
}

static void wake_lookup(struct context_waiter *waiter)
{
	struct lookup *lookup = (struct lookup *)waiter;

	pthread_mutex_lock(&lookup->lock);
	lookup->ended = true;
	pthread_cond_signal(&lookup->changed);
	pthread_mutex_unlock(&lookup->lock);
}

static struct lookup *lookup_start(const char *host, const char *port)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	pthread_attr_t detached;
	pthread_t thread;

	if (!lookup)
		return NULL;
	lookup->waiter.wake = wake_lookup;
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_cond_init(&lookup->changed, NULL);
	lookup->host = strdup(host);
	snprintf(lookup->port, sizeof(lookup->port), "%s", port);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int started = lookup->host ? pthread_create(&thread, &detached, run, lookup) : -1;
	pthread_attr_destroy(&detached);
	if (started == 0)
		return lookup;
	lookup_free(lookup);
	return NULL;
}

static qc_error describe(int result, const char *host)
{
	if (result == 0)
		return no_error();
	if (result == EAI_MEMORY)
		return error_no_memory();
	return qc_errorf(QC_NETWORK, "looking up %s: %s", host, gai_strerror(result));
}

/* Waits for the thread; returns false when it goes on alone. */
static bool await(struct lookup *lookup, qc_context *context, int64_t deadline_ns)
{
	struct timespec moment = {deadline_ns / 1000000000, deadline_ns % 1000000000};
	bool lasts = context_join(context, &lookup->waiter);

	pthread_mutex_lock(&lookup->lock);
	while (lasts && !lookup->done && !lookup->ended &&
	       pthread_cond_clockwait(&lookup->changed, &lookup->lock, CLOCK_MONOTONIC, &moment) == 0)
		;
	pthread_mutex_unlock(&lookup->lock);
	/* The wake-up takes the lookup's lock under the context's: so leave without it. */
	context_leave(context, &lookup->waiter);
	pthread_mutex_lock(&lookup->lock);
	bool done = lookup->done;
	lookup->abandoned = !done;
	pthread_mutex_unlock(&lookup->lock);
	return done;
}

qc_error look_up(const char *host, const char *port, qc_context *context, int64_t deadline_ns, struct addrinfo **out_list)
{
	struct addrinfo numeric = hints;
	numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	int result = getaddrinfo(host, port, &numeric, out_list);

	if (result != EAI_NONAME)
		return describe(result, host);
	if (context_deadline_ns(context) < deadline_ns)
		deadline_ns = context_deadline_ns(context);
	struct lookup *lookup = lookup_start(host, port);
	if (!lookup)
		return error_no_memory();
	if (!await(lookup, context, deadline_ns)) {
		qc_error ended = qc_context_err(context);
		return ended.kind != QC_OK ? ended : qc_errorf(QC_TIMEOUT, "looking up %s: no answer in time", host);
	}
	result = lookup->result;
	*out_list = lookup->list;
	lookup_free(lookup);
	return describe(result, host);
}
