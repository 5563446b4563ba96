#include "client/cli/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/tools.h"

/* -i pauses after this many steps, as in redis-cli. */
#define STEPS_BETWEEN_PAUSES 100

void scan_init(struct scan *scan, struct session *session)
{
	*scan = (struct scan){.session = session, .err = {.kind = QC_OK}};
	snprintf(scan->cursor, sizeof(scan->cursor), "%llu", (unsigned long long)session->options->cursor);
}

void scan_fini(struct scan *scan)
{
	qc_release(&scan->page);
}

static bool is_time_to_pause(const struct scan *s)
{
	return s->session->options->interval_s > 0 && s->steps % STEPS_BETWEEN_PAUSES == 0;
}

static size_t write_step(const struct scan *s, qc_arg *words)
{
	const struct options *o = s->session->options;
	size_t count = 0;

	words[count++] = qc_arg("SCAN");
	words[count++] = qc_arg_text(s->cursor);
	if (o->pattern.data) {
		words[count++] = qc_arg("MATCH");
		words[count++] = qc_bytes(o->pattern.data, o->pattern.len);
	}
	if (o->count) {
		words[count++] = qc_arg("COUNT");
		words[count++] = qc_arg(o->count);
	}
	if (o->type) {
		words[count++] = qc_arg("TYPE");
		words[count++] = qc_arg_text(o->type);
	}
	return count;
}

const qc_reply *scan_next(struct scan *s)
{
	qc_arg words[8];
	bool is_over = s->steps > 0 && strcmp(s->cursor, "0") == 0;

	qc_release(&s->page);
	if (is_over || interrupt_is_pending())
		return NULL;
	if (s->steps++ && is_time_to_pause(s) && !pause_us((int64_t)(s->session->options->interval_s * 1e6)))
		return NULL;
	s->page = qc_do_args(s->session->pinned, interrupt_begin(), (qc_args){words, write_step(s, words)});
	s->err = s->page.err;
	const char *next = qc_reply_text(qc_reply_at(s->page.reply, 0));
	if (qc_failed(*s))
		return NULL;
	if (!next || !*next || strlen(next) >= sizeof(s->cursor)) {
		s->err = (qc_error){.kind = QC_PROTOCOL, .text = "the SCAN reply has no cursor"};
		return NULL;
	}
	snprintf(s->cursor, sizeof(s->cursor), "%s", next);
	return qc_reply_at(s->page.reply, 1);
}

int tool_scan(struct session *s)
{
	enum outcome connected = session_connect(s);
	struct scan scan;
	const qc_reply *keys;

	if (connected != OUTCOME_OK)
		return outcome_status(connected);
	scan_init(&scan, s);
	while ((keys = scan_next(&scan))) {
		for (size_t i = 0; i < qc_reply_count(keys); i++) {
			const qc_reply *key = qc_reply_at(keys, i);
			format_string(&s->out, qc_reply_text(key), qc_reply_len(key), &s->style);
			text_puts(&s->out, "\n");
		}
		if (s->out.len > 65536)
			print(&s->out);
	}
	print(&s->out);
	qc_error err = scan.err;
	scan_fini(&scan);
	if (interrupt_end() || err.kind == QC_OK)
		return EXIT_OK;
	fprintf(stderr, "qcache-cli: %s\n", err.text);
	return err.kind == QC_SERVER ? EXIT_FAILED : EXIT_NO_CONNECTION;
}
