#include "client/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/error.h"

/* Shared by the waiting call and the thread. The last one frees it. */
struct lookup {
	pthread_mutex_t lock;
	bool done, abandoned;
	int fd; /* an eventfd */
	int result;
	struct addrinfo *list;
	char *host;
	char port[8];
};

static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};

static void lookup_free(struct lookup *lookup)
{
	if (lookup->list)
		freeaddrinfo(lookup->list);
	if (lookup->fd >= 0)
		close(lookup->fd);
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
	lookup->list = result == 0 ? list : NULL;
	/* Cannot fail: the counter goes from 0 to 1. */
	eventfd_write(lookup->fd, 1);
	pthread_mutex_unlock(&lookup->lock);
	if (abandoned)
		lookup_free(lookup);
	return NULL;
}

static bool start_thread(struct lookup *lookup)
{
	pthread_attr_t detached;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int number = pthread_create(&thread, &detached, run, lookup);
	pthread_attr_destroy(&detached);
	return number == 0;
}

static qc_error describe(int result, const char *host)
{
	if (result == 0)
		return no_error();
	if (result == EAI_MEMORY)
		return error_no_memory();
	return qc_errorf(QC_NETWORK, "resolving %s: %s", host, gai_strerror(result));
}

qc_error lookup_start(const char *host, const char *port, struct addrinfo **out_list, struct lookup **out_lookup)
{
	struct addrinfo numeric = hints;
	numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	int result = getaddrinfo(host, port, &numeric, out_list);

	if (result != EAI_NONAME)
		return describe(result, host);
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return error_no_memory();
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->host = strdup(host);
	lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(lookup->port, sizeof(lookup->port), "%s", port);
	qc_error err = lookup->fd < 0 ? error_errno(QC_NETWORK, errno, "eventfd") : no_error();
	if (err.kind == QC_OK && (!lookup->host || !start_thread(lookup)))
		err = error_no_memory();
	if (err.kind != QC_OK)
		lookup_free(lookup);
	else
		*out_lookup = lookup;
	return err;
}

int lookup_fd(const struct lookup *lookup)
{
	return lookup->fd;
}

bool lookup_take(struct lookup **lookup, struct addrinfo **out_list, qc_error *out_err)
{
	struct lookup *l = *lookup;

	pthread_mutex_lock(&l->lock);
	bool done = l->done;
	pthread_mutex_unlock(&l->lock);
	if (!done)
		return false;
	*out_err = describe(l->result, l->host);
	*out_list = l->list;
	l->list = NULL;
	lookup_free(l);
	*lookup = NULL;
	return true;
}

void lookup_abandon(struct lookup **lookup)
{
	struct lookup *l = *lookup;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	bool done = l->done;
	l->abandoned = true;
	pthread_mutex_unlock(&l->lock);
	if (done)
		lookup_free(l);
	*lookup = NULL;
}
