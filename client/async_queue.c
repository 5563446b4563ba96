#include "client/async.h"

#include <stdlib.h>

#include "client/error.h"
#include "client/request.h"

/* Takes ownership of the result. */
void async_complete(struct async *a, struct entry *entry, qc_result result)
{
	if (entry->callback)
		entry->callback(&a->handle, &result, entry->data);
	qc_release(&result);
	free(entry);
}

static void fail(struct async *a, struct entry *entry, const qc_error *err)
{
	async_complete(a, entry, (qc_result){.err = *err, .reply = NULL});
}

int64_t async_answer_deadline(const struct async *a, const struct entry *entry)
{
	return deadline_after_ms(time_limit_ms(a->settings.timeout_ms, entry->wait_ms));
}

/* Commands behind one that may wait could not be answered before it. Their time begins now, up to the next such command. */
static void restart_clocks(const struct async *a, struct entry *from, const struct entry *end)
{
	for (bool goes_on = true; goes_on && from != end; from = from->next) {
		from->deadline_ns = async_answer_deadline(a, from);
		goes_on = from->wait_ms == 0;
	}
}

struct entry *async_pop_first(struct async *a)
{
	struct entry *entry = a->entries;

	if (entry->wait_ms != 0)
		restart_clocks(a, entry->next, *a->unsent);
	a->entries = entry->next;
	if (a->unsent == &entry->next)
		a->unsent = &a->entries;
	if (a->last == &entry->next)
		a->last = &a->entries;
	return entry;
}

void async_fail_all(struct async *a, const qc_error *err)
{
	/* Commands that callbacks add meanwhile are not affected. */
	struct entry *list = a->entries;

	a->entries = NULL;
	a->last = a->unsent = &a->entries;
	while (list) {
		struct entry *entry = list;
		list = entry->next;
		fail(a, entry, err);
	}
}

void async_fail_sent(struct async *a, const qc_error *err)
{
	int tries = a->settings.retries < 0 ? 1 : a->settings.retries + 1;
	struct entry *sent = a->entries, *rest = *a->unsent, **keep = &a->entries, *failed = NULL, **last = &failed;

	for (struct entry *entry = sent, *next; entry != rest; entry = next) {
		next = entry->next;
		bool again = (entry->flags & QC_COMMAND_READONLY) && err->kind == QC_NETWORK && entry->attempts < tries;
		struct entry ***to = again ? &keep : &last;
		**to = entry;
		*to = &entry->next;
	}
	*last = NULL;
	*keep = rest;
	if (!rest)
		a->last = keep;
	a->unsent = &a->entries;
	while (failed) {
		struct entry *entry = failed;
		failed = entry->next;
		fail(a, entry, err);
	}
}

void async_restart_waiting(struct async *a)
{
	int64_t deadline_ns = deadline_after_ms(a->settings.timeout_ms);

	for (struct entry *entry = a->entries; entry; entry = entry->next)
		entry->deadline_ns = deadline_ns;
}

static qc_error error_no_connection(const struct async *a)
{
	if (!qc_failed(a->handle))
		return qc_errorf(QC_TIMEOUT, "no connection in time");
	return qc_errorf(QC_TIMEOUT, "no connection in time: %s", a->handle.err.text);
}

void async_fail_late(struct async *a, int64_t now_ns)
{
	/* Commands that callbacks add meanwhile have later deadlines. */
	while (a->entries && a->entries->deadline_ns <= now_ns) {
		struct entry *entry = a->entries;
		qc_error err = error_no_connection(a);
		a->entries = entry->next;
		if (!a->entries)
			a->last = &a->entries;
		fail(a, entry, &err);
	}
}

void async_refuse(struct async *a, struct entry *entry)
{
	*a->last_refused = entry;
	a->last_refused = &entry->next;
}

void async_fail_refused(struct async *a)
{
	/* A callback may add another command that is refused, too. That one is left to the next turn, or this loop might never end. */
	struct entry *list = a->refused;

	a->refused = NULL;
	a->last_refused = &a->refused;
	while (list) {
		struct entry *entry = list;
		list = entry->next;
		fail(a, entry, &entry->err);
	}
}
