/*
 * rediss:// addresses: certificates made here, accepted and refused; calls, pipelines and the asynchronous client over TLS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fixture.h"
#include "client_library/nodes.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;

/* A full socket, on demand: send(2) is wrapped at link time (see SConscript). */
static atomic_bool is_full;
static atomic_uint refused_sends;

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
	if (!is_full)
		return __real_send(fd, data, len, flags);
	refused_sends++;
	errno = EAGAIN;
	return -1;
}

/* Makes a self-signed certificate for localhost and 127.0.0.1, and its key. */
static void make_certificate(const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509V3_CTX v3;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"qcache test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	X509_add_ext(cert, names, -1);
	X509_EXTENSION_free(names);
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	FILE *file = fopen(cert_path, "w");
	if (!file || !PEM_write_X509(file, cert) || fclose(file) != 0)
		abort();
	file = fopen(key_path, "w");
	if (!file || !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file) != 0)
		abort();
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct secure {
	struct server *server;
	char directory[64], cert[96], key[96], address[64];
};

static bool secure_start(struct secure *s, const char *more)
{
	if (!server_is_reference()) {
		printf("left out: TLS (the server has none)\n");
		return false;
	}
	uint16_t port = free_port();
	scratch_create(s->directory, sizeof(s->directory));
	snprintf(s->cert, sizeof(s->cert), "%s/cert.pem", s->directory);
	snprintf(s->key, sizeof(s->key), "%s/key.pem", s->directory);
	make_certificate(s->cert, s->key);
	s->server = server_start("--tls-port %u --tls-cert-file %s --tls-key-file %s --tls-ca-cert-file %s %s", port, s->cert,
				 s->key, s->cert, more);
	snprintf(s->address, sizeof(s->address), "rediss://127.0.0.1:%u", port);
	return true;
}

static void secure_stop(struct secure *s)
{
	CU_ASSERT(server_stop(&s->server));
	scratch_remove(s->directory);
}

static void calls_go_through(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	qc_client *c = qc_dial(s.address, .tls_ca = s.cert, .timeout_ms = PATIENCE_MS);
	GOOD(*c);
	for (int i = 1; i <= 100; i++)
		CU_ASSERT_EQUAL(qc_incr(c, ctx, "n").value, i);
	size_t len = 5 << 20;
	char *large = calloc(1, len);
	GOOD(qc_set(c, ctx, "large", qc_bytes(large, len)));
	qc_string back qc_auto = qc_get(c, ctx, "large");
	CU_ASSERT_EQUAL(back.len, len);
	free(large);
	qc_pipeline *p = qc_pipeline_open(c);
	for (int i = 0; i < 5000; i++)
		qc_add(p, "INCR", "n");
	qc_results r qc_auto_results = qc_run(p, ctx);
	CU_ASSERT_EQUAL(qc_results_int(&r, 4999).value, 5100);
	qc_pipeline_close(p);
	qc_context *soon = qc_context_with_timeout(ctx, 30);
	FAILS(qc_do(c, soon, "DEBUG", "SLEEP", "1"), QC_DEADLINE);
	qc_context_free(soon);
	GOOD(qc_incr(c, ctx, "n"));
	qc_subscription *sub = qc_subscribe(c, ctx, "news");
	qc_context *patience = qc_context_with_timeout(ctx, PATIENCE_MS);
	qc_message m = qc_next_message(sub, patience);
	CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
	qc_release(&m);
	qc_context_free(patience);
	qc_unsubscribe(sub);
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale, 0);
	qc_close(c);
	secure_stop(&s);
}

static void a_programs_own_errors_of_openssl_are_not_the_connections(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
	qc_client *c = qc_dial(s.address, .tls_ca = s.cert);
	GOOD(*c);
	for (int i = 1; i <= 5; i++) {
		ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
		CU_ASSERT_EQUAL(qc_incr(c, ctx, "n").value, i);
	}
	qc_close(c);
	secure_stop(&s);
}

/* The program has no handler: a SIGPIPE would end it. */
static void a_broken_connection_raises_no_signal(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	signal(SIGPIPE, SIG_DFL);
	qc_client *c = qc_dial(s.address, .tls_ca = s.cert), *pinned = qc_pin(c, ctx);
	GOOD(qc_incr(pinned, ctx, "n"));
	server_kill(&s.server);
	for (int i = 0; i < 3; i++)
		FAILS(qc_incr(pinned, ctx, "n"), QC_NETWORK);
	qc_close(pinned);
	qc_close(c);
	scratch_remove(s.directory);
}

static void a_stranger_is_not_trusted(void)
{
	struct secure s;
	char wrong_name[96];

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	qc_client *c = qc_dial(s.address);
	FAILS(*c, QC_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "certificate refused"));
	qc_close(c);
	c = qc_dial(s.address, .tls_insecure = true);
	GOOD(*c);
	qc_close(c);
	c = qc_dial(s.address, .tls_ca = s.cert, .tls_name = "somebody.else");
	FAILS(*c, QC_NETWORK);
	qc_close(c);
	c = qc_dial(s.address, .tls_ca = s.cert, .tls_name = "localhost");
	GOOD(*c);
	qc_close(c);
	snprintf(wrong_name, sizeof(wrong_name), "valkeys://%s", s.address + strlen("rediss://"));
	c = qc_dial(wrong_name, .tls_ca = s.cert, .tls_ciphersuites = "TLS_AES_256_GCM_SHA384", .tls_ciphers = "ECDHE+AESGCM");
	GOOD(*c);
	qc_close(c);
	c = qc_dial(s.address, .tls_ca = s.cert, .tls_ciphers = "no-such-cipher");
	FAILS(*c, QC_INVALID);
	qc_close(c);
	/* A directory without hashed names, so nothing is trusted. */
	c = qc_dial(s.address, .tls_ca_dir = s.directory);
	FAILS(*c, QC_NETWORK);
	qc_close(c);
	c = qc_dial(s.address, .tls_ca = "/no/such/file");
	FAILS(*c, QC_INVALID);
	qc_close(c);
	/* No TLS where TLS is expected, and the reverse. */
	snprintf(wrong_name, sizeof(wrong_name), "rediss://127.0.0.1:%u", server_port(s.server));
	c = qc_dial(wrong_name, .tls_insecure = true, .dial_timeout_ms = 500);
	CU_ASSERT(c->err.kind == QC_NETWORK || c->err.kind == QC_TIMEOUT);
	qc_close(c);
	c = qc_dial(s.address + strlen("rediss://"), .dial_timeout_ms = 500);
	CU_ASSERT(qc_failed(*c));
	qc_close(c);
	secure_stop(&s);
}

static void a_client_proves_itself_by_its_certificate(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients yes"))
		return;
	qc_client *c = qc_dial(s.address, .tls_ca = s.cert, .tls_cert = s.cert, .tls_key = s.key);
	GOOD(*c);
	qc_close(c);
	c = qc_dial(s.address, .tls_ca = s.cert);
	FAILS(*c, QC_NETWORK);
	qc_close(c);
	c = qc_dial(s.address, .tls_cert = s.cert);
	FAILS(*c, QC_INVALID);
	qc_close(c);
	secure_stop(&s);
}

static void on_reply(qc_async *async, qc_result *result, void *data)
{
	int *count = data;

	(void)async;
	GOOD(*result);
	++*count;
}

static void the_asynchronous_face_speaks_tls(void)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct secure s;
	int count = 0;

	if (secure_start(&s, "--tls-auth-clients no")) {
		int64_t deadline = deadline_after(PATIENCE_MS);
		size_t len = 1 << 20;
		char *large = calloc(1, len);
		qc_async *a = qc_ev_dial(loop, s.address, .tls_ca = s.cert, .timeout_ms = -1);
		for (int i = 0; i < 20; i++)
			qc_async_do(a, on_reply, &count, "ECHO", qc_bytes(large, len));
		while (count < 20 && deadline_left_ms(deadline) > 0)
			ev_run(loop, EVRUN_ONCE);
		CU_ASSERT_EQUAL(count, 20);
		qc_async_close(a);
		free(large);
		secure_stop(&s);
	}
	ev_loop_destroy(loop);
}

static void certificates_may_be_texts_and_the_version_has_a_least(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients yes --tls-protocols TLSv1.2"))
		return;
	char *cert = file_text(s.cert), *key = file_text(s.key);
	qc_client *c = qc_dial(s.address, .tls_ca_pem = cert, .tls_cert_pem = cert, .tls_key_pem = key);
	GOOD(*c);
	GOOD(qc_incr(c, ctx, "n"));
	qc_close(c);
	const qc_options wrong[] = {
		{.address = s.address, .tls_ca_pem = "no certificate"},
		{.address = s.address, .tls_ca_pem = cert, .tls_cert_pem = cert, .tls_key_pem = cert},
		{.address = s.address, .tls_ca_pem = cert, .tls_cert_pem = cert},
		{.address = s.address, .tls_ca_pem = cert, .tls_ca = s.cert},
		{.address = s.address, .tls_min_version = "1.1"},
		{.address = "127.0.0.1:1", .tls_ca_pem = cert},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = qc_open(&wrong[i]);
		FAILS(*c, QC_INVALID);
		qc_close(c);
	}
	c = qc_dial(s.address, .tls_ca = s.cert, .tls_cert = s.cert, .tls_key = s.key, .tls_min_version = "1.3");
	FAILS(*c, QC_NETWORK);
	qc_close(c);
	free(cert);
	free(key);
	secure_stop(&s);
}

struct renewer {
	int listener;
	const char *cert, *key;
	bool answered; /* whether the client has sent its part of the new handshake */
};

/* Reads one command and answers it. */
static void take_command(SSL *ssl, const char *answer)
{
	char bytes[512];

	if (SSL_read(ssl, bytes, sizeof(bytes)) <= 0 || SSL_write(ssl, answer, (int)strlen(answer)) <= 0)
		abort();
}

/* A server that asks for renegotiation, as TLS 1.2 allows, and continues only when the client has begun it: in a read. */
static void *ask_for_a_new_handshake(void *data)
{
	struct renewer *r = data;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char bytes[512];

	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	if (SSL_CTX_use_certificate_chain_file(context, r->cert) != 1 || SSL_CTX_use_PrivateKey_file(context, r->key, SSL_FILETYPE_PEM) != 1)
		abort();
	SSL *ssl = SSL_new(context);
	int fd = accept(r->listener, NULL, NULL);
	if (SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1)
		abort();
	take_command(ssl, "-ERR unknown command 'HELLO'\r\n");
	if (SSL_read(ssl, bytes, sizeof(bytes)) <= 0)
		abort();
	is_full = true;
	SSL_renegotiate(ssl);
	SSL_do_handshake(ssl);
	struct pollfd fds = {.fd = fd, .events = POLLIN};
	r->answered = poll(&fds, 1, (int)(PATIENCE_MS * patience())) == 1;
	SSL_do_handshake(ssl);
	SSL_write(ssl, "+DONE\r\n", 7);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(context);
	return NULL;
}

static void make_room(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	if (refused_sends == 0)
		return;
	is_full = false;
	ev_timer_stop(loop, timer);
}

static void keep_kind(qc_async *async, qc_result *result, void *data)
{
	(void)async;
	*(enum qc_kind *)data = result->err.kind;
}

static void a_read_that_has_to_write_first_is_waited_for(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	char directory[64], cert[96], key[96], where[64];
	enum qc_kind kind = QC_CLOSED;
	pthread_t thread;
	ev_timer timer;

	scratch_create(directory, sizeof(directory));
	snprintf(cert, sizeof(cert), "%s/cert.pem", directory);
	snprintf(key, sizeof(key), "%s/key.pem", directory);
	make_certificate(cert, key);
	struct renewer r = {.listener = socket(AF_INET, SOCK_STREAM, 0), .cert = cert, .key = key};
	CU_ASSERT_FATAL(bind(r.listener, (struct sockaddr *)&address, size) == 0 && listen(r.listener, 1) == 0 &&
			getsockname(r.listener, (struct sockaddr *)&address, &size) == 0);
	snprintf(where, sizeof(where), "rediss://127.0.0.1:%u", ntohs(address.sin_port));
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, ask_for_a_new_handshake, &r) == 0);
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&timer, make_room, 0.01, 0.01);
	ev_timer_start(loop, &timer);
	qc_async *a = qc_ev_dial(loop, where, .tls_ca = cert, .timeout_ms = 2 * PATIENCE_MS * patience(), .retries = -1);
	qc_async_do(a, keep_kind, &kind, "INCR", "k");
	while (kind == QC_CLOSED)
		ev_run(loop, EVRUN_ONCE);
	CU_ASSERT_EQUAL(kind, QC_OK);
	CU_ASSERT(refused_sends > 0);
	qc_async_close(a);
	ev_timer_stop(loop, &timer);
	is_full = false;
	ev_loop_destroy(loop);
	pthread_join(thread, NULL);
	CU_ASSERT(r.answered);
	close(r.listener);
	scratch_remove(directory);
}

static void a_child_that_closes_leaves_its_parents_connection_alone(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	qc_client *c = qc_dial(s.address, .tls_ca = s.cert, .timeout_ms = PATIENCE_MS);
	GOOD(qc_incr(c, ctx, "n"));
	qc_client *pinned = qc_pin(c, ctx);
	GOOD(qc_incr(pinned, ctx, "n"));
	GOOD(qc_incr(c, ctx, "n"));
	pid_t child = fork();
	if (child == 0) {
		bool good = !qc_failed(qc_incr(c, ctx, "n"));
		qc_close(pinned);
		qc_close(c);
		_exit(good ? 0 : 1);
	}
	int status = -1;
	CU_ASSERT(process_wait(child, PATIENCE_MS, &status));
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(qc_incr(pinned, ctx, "n").value, 5);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "n").value, 6);
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale + qc_pool_stats(c).broken, 0);
	qc_close(pinned);
	qc_close(c);
	secure_stop(&s);
}

static atomic_int verified;

static int count_verifications(int good, X509_STORE_CTX *store)
{
	(void)store;
	verified++;
	return good;
}

static void a_context_of_the_callers_own_decides(void)
{
	struct secure s;

	if (!secure_start(&s, "--tls-auth-clients no"))
		return;
	SSL_CTX *trusting = SSL_CTX_new(TLS_client_method()), *ignorant = SSL_CTX_new(TLS_client_method());
	CU_ASSERT_FATAL(SSL_CTX_load_verify_file(trusting, s.cert) == 1);
	SSL_CTX_set_verify(trusting, SSL_VERIFY_PEER, count_verifications);
	SSL_CTX_set_verify(ignorant, SSL_VERIFY_PEER, NULL);
	qc_client *c = qc_dial(s.address, .tls_context = trusting, .tls_name = "localhost");
	GOOD(*c);
	CU_ASSERT(verified > 0);
	qc_client *stranger = qc_dial(s.address, .tls_context = trusting, .tls_name = "somebody.else");
	FAILS(*stranger, QC_NETWORK);
	qc_close(stranger);
	/* The client has its own reference. */
	SSL_CTX_free(trusting);
	qc_client *pinned = qc_pin(c, ctx);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "n").value, 1);
	CU_ASSERT_EQUAL(qc_incr(pinned, ctx, "n").value, 2);
	qc_close(pinned);
	qc_close(c);
	c = qc_dial(s.address, .tls_context = ignorant);
	FAILS(*c, QC_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "certificate refused"));
	qc_close(c);
	const qc_options wrong[] = {
		{.tls_ca = s.cert}, {.tls_ca_dir = "/"}, {.tls_cert = s.cert, .tls_key = s.key}, {.tls_min_version = "1.3"},
		{.tls_ca_pem = ""}, {.tls_cert_pem = "", .tls_key_pem = ""}, {.tls_ciphers = "DEFAULT"},
		{.tls_ciphersuites = "TLS_AES_256_GCM_SHA384"}, {.tls_insecure = true}, {.address = "127.0.0.1:1"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		qc_options options = wrong[i];
		options.address = options.address ? options.address : s.address;
		options.tls_context = ignorant;
		c = qc_open(&options);
		FAILS(*c, QC_INVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "tls_"));
		qc_close(c);
	}
	SSL_CTX_free(ignorant);
	secure_stop(&s);
}

static void all_nodes_of_a_cluster_are_secured_and_want_the_password(void)
{
	char directory[64], cert[96], key[96], directives[512], address[64], name[16];
	struct nodes nodes;

	scratch_create(directory, sizeof(directory));
	snprintf(cert, sizeof(cert), "%s/cert.pem", directory);
	snprintf(key, sizeof(key), "%s/key.pem", directory);
	make_certificate(cert, key);
	snprintf(directives, sizeof(directives), "--tls-cluster yes --tls-replication yes --tls-auth-clients no --tls-cert-file %s "
		 "--tls-key-file %s --tls-ca-cert-file %s --requirepass secret --masterauth secret", cert, key, cert);
	if (nodes_start(&nodes, 2, 1, directives, &(qc_options){.password = "secret"})) {
		snprintf(address, sizeof(address), "rediss://127.0.0.1:%u", nodes.tls_ports[0]);
		qc_client *c = qc_dial(address, .cluster = true, .password = "secret", .tls_ca = cert, .read_from = QC_READ_ANY);
		GOOD(*c);
		qc_pipeline *p = qc_pipeline_open(c);
		for (int i = 0; i < 2000; i++) {
			snprintf(name, sizeof(name), "k%d", i);
			qc_add(p, "SET", name, i);
		}
		qc_results r qc_auto_results = qc_run(p, ctx);
		GOOD(r);
		GOOD((qc_status){qc_results_err(&r, NULL)});
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "k%d", i);
			qc_string got qc_auto = qc_get(c, ctx, name);
			CU_ASSERT(got.err.kind == QC_OK || got.err.kind == QC_NIL);
		}
		CU_ASSERT(qc_dbsize(nodes.admins[0], ctx).value > 0 && qc_dbsize(nodes.admins[1], ctx).value > 0);
		CU_ASSERT_EQUAL(qc_pool_stats(c).redirects, 0);
		qc_pipeline_close(p);
		qc_close(c);
		c = qc_dial(address, .cluster = true, .password = "guess", .tls_ca = cert);
		FAILS(*c, QC_SERVER);
		qc_close(c);
		c = qc_dial(address, .cluster = true, .password = "secret");
		FAILS(*c, QC_NETWORK);
		qc_close(c);
		CU_ASSERT(nodes_stop(&nodes));
	}
	scratch_remove(directory);
}

static const struct suite_case cases[] = {
	CASE(calls_go_through),
	CASE(a_programs_own_errors_of_openssl_are_not_the_connections),
	CASE(a_broken_connection_raises_no_signal),
	CASE(a_stranger_is_not_trusted),
	CASE(a_client_proves_itself_by_its_certificate),
	CASE(the_asynchronous_face_speaks_tls),
	CASE(certificates_may_be_texts_and_the_version_has_a_least),
	CASE(a_context_of_the_callers_own_decides),
	CASE(all_nodes_of_a_cluster_are_secured_and_want_the_password),
	CASE(a_read_that_has_to_write_first_is_waited_for),
	CASE(a_child_that_closes_leaves_its_parents_connection_alone),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client TLS", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}
