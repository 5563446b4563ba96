#include "client/sentinel.h"

#include <stdlib.h>

#include "client/client.h"
#include "client/error.h"

struct master {
	struct master *next;
	size_t number;
	struct settings settings; /* the client's options, with the address of the master */
};

struct sentinels {
	struct client client; /* the pool of connections to Sentinels */
	const struct settings *settings;
	pthread_mutex_t lock;
	struct master *masters; /* newest first */
};

/* Settings for the Sentinels: the given addresses, but with their own user and password. */
static qc_error settings_of_sentinels(const struct settings *s, struct settings *out)
{
	qc_options options = {
		.address = s->address_text, .user = s->sentinel_user, .password = s->sentinel_password, .name = s->name,
		.protocol = 2, .pool_size = 2, .idle_timeout_ms = s->idle_timeout_ms, .dial_timeout_ms = s->dial_timeout_ms,
		.timeout_ms = s->timeout_ms, .retries = -1, .tls_ca = s->tls_ca, .tls_ca_dir = s->tls_ca_dir, .tls_cert = s->tls_cert,
		.tls_key = s->tls_key, .tls_name = s->tls_name, .tls_ciphers = s->tls_ciphers, .tls_ciphersuites = s->tls_ciphersuites,
		.tls_ca_pem = s->tls_ca_pem, .tls_cert_pem = s->tls_cert_pem, .tls_key_pem = s->tls_key_pem,
		.tls_min_version = s->tls_min_version, .tls_insecure = s->tls_insecure, .tls_context = s->tls_context,
	};
	qc_error err = settings_init(out, &options);

	/* Other parts of an address apply to the master. */
	out->db = 0;
	if (err.kind != QC_OK)
		settings_fini(out);
	return err;
}

qc_error sentinels_create(const struct settings *settings, struct sentinels **out_sentinels)
{
	struct sentinels *s = calloc(1, sizeof(*s));
	struct settings own;

	if (!s)
		return error_no_memory();
	pthread_mutex_init(&s->lock, NULL);
	s->settings = settings;
	qc_error err = settings_of_sentinels(settings, &own);
	if (err.kind == QC_OK)
		err = pool_create(&own, &s->client.pool);
	if (err.kind != QC_OK)
		sentinels_destroy(&s);
	else
		*out_sentinels = s;
	return err;
}

void sentinels_destroy(struct sentinels **sentinels)
{
	struct sentinels *s = *sentinels;

	if (!s)
		return;
	for (struct master *master = s->masters, *next; master; master = next) {
		next = master->next;
		settings_fini(&master->settings);
		free(master);
	}
	if (s->client.pool) {
		pool_close(s->client.pool);
		pool_let_go(s->client.pool);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
	*sentinels = NULL;
}

static struct master *add_master(struct sentinels *s, const char *host, const char *port)
{
	struct master *master = calloc(1, sizeof(*master));

	if (!master)
		return NULL;
	if (settings_borrow(&master->settings, s->settings, host, port).kind != QC_OK) {
		free(master);
		return NULL;
	}
	master->number = s->masters ? s->masters->number + 1 : 1;
	master->next = s->masters;
	s->masters = master;
	return master;
}

static struct master *find_or_add(struct sentinels *s, const char *host, const char *port)
{
	pthread_mutex_lock(&s->lock);
	struct master *master = s->masters;
	while (master && !address_is(&master->settings.addresses[0], host, port))
		master = master->next;
	if (!master)
		master = add_master(s, host, port);
	pthread_mutex_unlock(&s->lock);
	return master;
}

/* Parses the reply to SENTINEL GET-MASTER-ADDR-BY-NAME. */
static qc_error take_answer(struct sentinels *s, const qc_reply *answer, struct master **out_master)
{
	const char *host = qc_reply_text(qc_reply_at(answer, 0)), *port = qc_reply_text(qc_reply_at(answer, 1));

	if (!host || !port || !*host || strlen(port) >= PORT_SIZE)
		return qc_errorf(QC_NETWORK, "the Sentinel does not know master \"%s\"", s->settings->sentinel);
	*out_master = find_or_add(s, host, port);
	return *out_master ? no_error() : error_no_memory();
}

qc_error sentinels_ask(struct sentinels *s, qc_context *context, const struct settings **out_settings, size_t *out_number)
{
	struct pool *pool = s->client.pool;
	struct master *master = NULL;
	qc_error err = no_error();

	/* The dial skips Sentinels that don't answer. Those that don't know the master are skipped here. */
	for (size_t i = 0; i < pool->settings.address_count && !master; i++) {
		qc_result answer qc_auto = qc_do(&s->client.handle, context, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s->settings->sentinel);
		err = qc_failed(answer) ? answer.err : take_answer(s, answer.reply, &master);
		if (master)
			break;
		pthread_mutex_lock(&pool->lock);
		size_t from = pool->address_index;
		pthread_mutex_unlock(&pool->lock);
		pool_fail_over(pool, from, (from + 1) % pool->settings.address_count);
	}
	if (!master)
		return err;
	*out_settings = &master->settings;
	*out_number = master->number;
	return err;
}
