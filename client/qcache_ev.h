/*
 * qcache_async.h on a libev loop. Programs that include it must link with -lev; the library itself doesn't.
 */
#ifndef QCACHE_EV_H
#define QCACHE_EV_H

#include <ev.h>
#include <stdlib.h>

#include "qcache_async.h"

struct qc_ev {
	struct ev_loop *loop;
	ev_io io;
	ev_timer timer;
	qc_async *async;
};

static inline void qc_ev_on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct qc_ev *tie = (struct qc_ev *)io->data;

	(void)loop;
	qc_async_ready(tie->async, (events & EV_READ) != 0, (events & EV_WRITE) != 0);
}

static inline void qc_ev_on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct qc_ev *tie = (struct qc_ev *)timer->data;

	(void)loop, (void)events;
	qc_async_expired(tie->async);
}

static inline void qc_ev_watch(void *data, qc_async *async, int fd, bool read, bool write)
{
	struct qc_ev *tie = (struct qc_ev *)data;
	int events = (read ? EV_READ : 0) | (write ? EV_WRITE : 0);

	tie->async = async;
	ev_io_stop(tie->loop, &tie->io);
	if (fd < 0 || events == 0)
		return;
	ev_io_set(&tie->io, fd, events);
	ev_io_start(tie->loop, &tie->io);
}

static inline void qc_ev_set_timer(void *data, qc_async *async, int64_t ms)
{
	struct qc_ev *tie = (struct qc_ev *)data;

	tie->async = async;
	ev_timer_stop(tie->loop, &tie->timer);
	if (ms < 0)
		return;
	/* ev_timer counts from the loop's cached time, which may be old. */
	ev_now_update(tie->loop);
	ev_timer_set(&tie->timer, (double)ms / 1000.0, 0.0);
	ev_timer_start(tie->loop, &tie->timer);
}

/* NULL if out of memory; see also qc_async_open(). Close it with qc_async_close(). */
static inline qc_async *qc_ev_open(struct ev_loop *loop, const qc_options *options)
{
	struct qc_ev *tie = (struct qc_ev *)calloc(1, sizeof(*tie));
	qc_async_loop face;

	if (!tie)
		return NULL;
	tie->loop = loop;
	ev_init(&tie->io, qc_ev_on_io);
	ev_init(&tie->timer, qc_ev_on_timer);
	tie->io.data = tie->timer.data = tie;
	face.data = tie;
	face.watch = qc_ev_watch;
	face.set_timer = qc_ev_set_timer;
	face.released = free;
	return qc_async_open(options, &face);
}

#define qc_ev_dial(loop, where, ...) qc_ev_open(loop, &(qc_options){.address = (where), ##__VA_ARGS__})

#endif
