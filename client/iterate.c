#include <stdlib.h>

#include "client/cluster.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/client.h"
#include "client/request.h"
#include "transport/decimal.h"

struct iterator {
	qc_iterator handle;
	qc_client *client;
	const char *command;
	char *match, *type, *key;
	size_t key_len, step, next; /* step: 2 if the page has a value after each field */
	int64_t count;
	qc_arg cursor;
	bool has_key, started;
	qc_result page;
	struct pool **nodes; /* of SCAN in a cluster, which goes over all primaries; else NULL */
	size_t node_count, node;
};

static struct iterator no_iterator = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}};

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool is_command(const qc_iterate_options *options, const char *name)
{
	return text_spells(options->command, strlen(options->command), name);
}

static bool copy_options(struct iterator *it, const qc_iterate_options *options)
{
	const void *key = options->key.data ? options->key.data : options->key.number;

	it->command = "SCAN";
	if (options->command)
		it->command = is_command(options, "HSCAN") ? "HSCAN" : is_command(options, "ZSCAN") ? "ZSCAN" : "SSCAN";
	it->step = *it->command == 'H' || *it->command == 'Z' ? 2 : 1;
	it->count = options->count;
	it->has_key = options->key.data || options->key.len;
	it->key_len = it->has_key ? options->key.len : 0;
	it->key = malloc(it->key_len + 1);
	if (!it->key || !copy(&it->match, options->match) || !copy(&it->type, options->type))
		return false;
	memcpy(it->key, key, it->key_len);
	return true;
}

static qc_error check(const qc_client *client, const qc_iterate_options *options)
{
	static const char *const known[] = {"SCAN", "HSCAN", "SSCAN", "ZSCAN"};
	bool is_known = !options->command, wants_key = options->command && !is_command(options, "SCAN");

	for (size_t i = 0; !is_known && i < 4; i++)
		is_known = is_command(options, known[i]);
	if (!is_known)
		return qc_errorf(QC_INVALID, "cannot iterate with %s", options->command);
	if (arg_is_missing(&options->key))
		return qc_errorf(QC_INVALID, "the key is %s", arg_missing_text(&options->key));
	if (wants_key != (options->key.data || options->key.len))
		return qc_errorf(QC_INVALID, wants_key ? "%s needs a key" : "%s takes no key",
				 options->command ? options->command : "SCAN");
	return client->err;
}

qc_iterator *qc_iterate_with(qc_client *client, const qc_iterate_options *options)
{
	static const qc_iterate_options all = {.match = NULL};
	struct iterator *it = calloc(1, sizeof(*it));

	if (!it)
		return &no_iterator.handle;
	options = options ? options : &all;
	it->handle.err = check(client, options);
	it->client = client;
	it->cursor = qc_arg(0);
	if (it->handle.err.kind == QC_OK && !copy_options(it, options))
		it->handle.err = error_no_memory();
	return &it->handle;
}

static qc_result ask(struct iterator *it, qc_context *context)
{
	qc_arg words[9] = {qc_arg(it->command)};
	size_t count = 1;

	if (it->has_key)
		words[count++] = qc_bytes(it->key, it->key_len);
	words[count++] = it->cursor;
	if (it->match) {
		words[count++] = qc_arg("MATCH");
		words[count++] = qc_arg(it->match);
	}
	if (it->count) {
		words[count++] = qc_arg("COUNT");
		words[count++] = qc_arg(it->count);
	}
	if (it->type) {
		words[count++] = qc_arg("TYPE");
		words[count++] = qc_arg(it->type);
	}
	struct client at = {.pool = it->nodes ? it->nodes[it->node] : NULL};
	return qc_do_args(it->nodes ? &at.handle : it->client, context, (qc_args){words, count});
}

static qc_error find_nodes(struct iterator *it, qc_context *context)
{
	struct client *client = client_of(it->client);

	if (it->nodes || it->has_key || client->is_pinned || !client->pool->cluster)
		return no_error();
	return cluster_primaries(client->pool->cluster, context, &it->nodes, &it->node_count);
}

/* Asks for the next page and cursor. */
static qc_error turn_page(struct iterator *it, qc_context *context)
{
	uint64_t cursor;

	qc_release(&it->page);
	qc_error found = find_nodes(it, context);
	if (found.kind != QC_OK)
		return found;
	it->page = ask(it, context);
	if (qc_failed(it->page))
		return it->page.err;
	const qc_reply *next = qc_reply_at(it->page.reply, 0), *items = qc_reply_at(it->page.reply, 1);
	if (!qc_reply_text(next) || !decimal_parse_uint64(qc_reply_text(next), qc_reply_len(next), &cursor) ||
	    qc_reply_count(items) % it->step)
		return qc_errorf(QC_PROTOCOL, "%s did not return a page", it->command);
	it->cursor = qc_arg((unsigned long long)cursor);
	it->next = 0;
	it->started = true;
	return no_error();
}

/* Behind the last page of one node is the first of the next, with the same cursor, 0. */
static bool is_last_page(struct iterator *it)
{
	if (!it->started || it->cursor.len != 1 || it->cursor.number[0] != '0')
		return false;
	return !it->nodes || ++it->node >= it->node_count;
}

bool qc_advance(qc_iterator *handle, qc_context *context)
{
	struct iterator *it = (struct iterator *)handle;

	handle->data = handle->value = NULL;
	handle->len = handle->value_len = 0;
	if (handle->err.kind != QC_OK)
		return false;
	const qc_reply *items = qc_reply_at(it->page.reply, 1);
	while (it->next >= qc_reply_count(items)) {
		if (is_last_page(it))
			return false;
		handle->err = turn_page(it, context);
		if (handle->err.kind != QC_OK)
			return false;
		items = qc_reply_at(it->page.reply, 1);
	}
	const qc_reply *item = qc_reply_at(items, it->next), *value = it->step == 2 ? qc_reply_at(items, it->next + 1) : NULL;
	it->next += it->step;
	handle->data = qc_reply_text(item);
	handle->len = qc_reply_len(item);
	handle->value = value ? qc_reply_text(value) : NULL;
	handle->value_len = qc_reply_len(value);
	if (handle->data)
		return true;
	handle->err = qc_errorf(QC_PROTOCOL, "%s returned something other than strings", it->command);
	return false;
}

void qc_iterator_close(qc_iterator *handle)
{
	struct iterator *it = (struct iterator *)handle;

	if (!it || it == &no_iterator)
		return;
	qc_release(&it->page);
	for (size_t i = 0; it->nodes && i < it->node_count; i++)
		pool_let_go(it->nodes[i]);
	free(it->nodes);
	free(it->match);
	free(it->type);
	free(it->key);
	free(it);
}
