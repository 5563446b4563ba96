/*
 * One post costs one nng_msg and two wake-ups of NNG's pool. The sending aio has no callback, which saves
 * a third wake-up: with a send buffer of `slots` messages NNG accepts every message at once, so the aio is idle again when nng_send_aio()
 * returns. The receive aio's callback is the actor's turn.
 */
#include "channel.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Much longer than an accepted message needs to arrive. */
#define LEFT_TIMEOUT_MS 60000

struct mailbox {
	nng_socket socket;
	nng_aio *aio;
	mailbox_receive *receive;
	void *context;
};

struct channel {
	nng_socket socket;
	nng_aio *aio;
};

_Noreturn static void stop_with(const char *what, const char *name, int code)
{
	fprintf(stderr, "qcache: %s %s: %s\n", what, name, nng_strerror(code));
	abort();
}

static void make_url(char *out, size_t size, const char *name)
{
	snprintf(out, size, "inproc://%s", name);
}

static struct message unpack(nng_msg *carrier)
{
	struct message message;
	memcpy(&message, nng_msg_body(carrier), sizeof(message));
	nng_msg_free(carrier);
	return message;
}

static void on_receive(void *context)
{
	struct mailbox *mailbox = context;

	int code = nng_aio_result(mailbox->aio);
	if (code == NNG_ECLOSED || code == NNG_ECANCELED)
		return; /* by mailbox_stop() */
	if (code != 0)
		stop_with("receive on", "a mailbox", code);

	mailbox->receive(mailbox->context, unpack(nng_aio_get_msg(mailbox->aio)));
}

struct mailbox *mailbox_open(const char *name, mailbox_receive *receive, void *context)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
	char url[96];
	int code = NNG_ENOMEM;

	make_url(url, sizeof(url), name);
	if (mailbox && (code = nng_pull0_open(&mailbox->socket)) == 0 &&
	    (code = nng_aio_alloc(&mailbox->aio, on_receive, mailbox)) == 0)
		code = nng_listen(mailbox->socket, url, NULL, 0);
	if (code != 0)
		stop_with("open mailbox", name, code);
	mailbox->receive = receive;
	mailbox->context = context;
	return mailbox;
}

void mailbox_rearm(struct mailbox *mailbox)
{
	nng_recv_aio(mailbox->socket, mailbox->aio);
}

void mailbox_stop(struct mailbox *mailbox)
{
	nng_aio_stop(mailbox->aio);
}

/* The messages may still be in the channels' send buffers, which NNG's threads empty. */
static void discard_left(struct mailbox *mailbox, uint64_t left, mailbox_discard *discard)
{
	int code = nng_socket_set_ms(mailbox->socket, NNG_OPT_RECVTIMEO, LEFT_TIMEOUT_MS);
	for (nng_msg *carrier; left > 0 && code == 0; left--)
		if ((code = nng_recvmsg(mailbox->socket, &carrier, 0)) == 0)
			discard(unpack(carrier));
	if (code != 0)
		stop_with("receive what is left in", "a mailbox", code);
}

void mailbox_close(struct mailbox **mailbox_at, uint64_t left, mailbox_discard *discard)
{
	struct mailbox *mailbox = *mailbox_at;
	if (!mailbox)
		return;
	discard_left(mailbox, left, discard);
	nng_close(mailbox->socket);
	nng_aio_free(mailbox->aio);
	free(mailbox);
	*mailbox_at = NULL;
}

struct channel *channel_open(const char *mailbox_name, uint32_t slots)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	char url[96];
	int code = NNG_ENOMEM;

	make_url(url, sizeof(url), mailbox_name);
	if (channel && (code = nng_push0_open(&channel->socket)) == 0 &&
	    (code = nng_aio_alloc(&channel->aio, NULL, NULL)) == 0 &&
	    (code = nng_socket_set_int(channel->socket, NNG_OPT_SENDBUF, (int)slots)) == 0)
		code = nng_dial(channel->socket, url, NULL, 0);
	if (code != 0)
		stop_with("open channel to", mailbox_name, code);
	/* A send into a full buffer fails at once instead of waiting. */
	nng_aio_set_timeout(channel->aio, NNG_DURATION_ZERO);
	return channel;
}

void channel_post(struct channel *channel, struct message message)
{
	nng_msg *carrier;
	int code = nng_msg_alloc(&carrier, sizeof(message));
	if (code != 0)
		stop_with("post", "a message", code);
	memcpy(nng_msg_body(carrier), &message, sizeof(message));
	nng_aio_set_msg(channel->aio, carrier);
	nng_send_aio(channel->socket, channel->aio);
	nng_aio_wait(channel->aio);
	code = nng_aio_result(channel->aio);
	if (code != 0)
		stop_with("post", "into a full or closed channel", code);
}

void channel_close(struct channel **channel_at)
{
	struct channel *channel = *channel_at;
	if (!channel)
		return;
	nng_aio_stop(channel->aio);
	nng_close(channel->socket);
	nng_aio_free(channel->aio);
	free(channel);
	*channel_at = NULL;
}

unsigned channel_pool_threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long threads = cores > 0 ? 2 * cores : 2;
	return threads > 16 ? 16 : (unsigned)threads;
}
