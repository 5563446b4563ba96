#include "client/hooks.h"

#include "client/context.h"
#include "transport/decimal.h"

void hooks_before(const struct settings *settings, struct hooked *hooked)
{
	hooked->event.address = settings->shown;
	hooked->is_told = settings->hook_count > 0 && (settings->hook_events & hooked->event.kind);
	if (!hooked->is_told)
		return;
	for (size_t i = 0; i < settings->hook_count; i++) {
		hooked->event.value = &hooked->values[i];
		if (settings->hooks[i].before)
			settings->hooks[i].before(settings->hooks[i].data, &hooked->event);
	}
	hooked->began_ns = monotonic_ns();
}

void hooks_after(const struct settings *settings, struct hooked *hooked, const qc_error *err)
{
	if (!hooked->is_told)
		return;
	hooked->event.elapsed_ns = monotonic_ns() - hooked->began_ns;
	hooked->event.err = err;
	for (size_t i = settings->hook_count; i-- > 0;) {
		hooked->event.value = &hooked->values[i];
		if (settings->hooks[i].after)
			settings->hooks[i].after(settings->hooks[i].data, &hooked->event);
	}
}

/* The number after '*' or '$', as request_write() has written it. Advances *at past its line. */
static size_t number_at(const char *text, size_t *at)
{
	size_t begin = *at + 1, end = begin;
	uint64_t number = 0;

	while (text[end] != '\r')
		end++;
	*at = end + 2;
	return decimal_parse_uint64(text + begin, end - begin, &number) ? (size_t)number : 0;
}

size_t qc_event_command(const qc_event *event, size_t *at, qc_arg *words, size_t room)
{
	const char *text = event->sent;
	size_t kept = 0;

	if (*at >= event->sent_len)
		return 0;
	for (size_t count = number_at(text, at); count > 0; count--) {
		size_t len = number_at(text, at);
		if (kept < room)
			words[kept++] = qc_bytes(text + *at, len);
		*at += len + 2;
	}
	return kept;
}
