#include "client/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "client/error.h"
#include "client/tls_text.h"

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *socket; /* like OpenSSL's own socket BIO, but without SIGPIPE */
};

struct tls {
	SSL *ssl;
	char text[160];
};

static qc_error openssl_error(const char *what)
{
	char text[160] = "unknown error";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	return qc_errorf(QC_INVALID, "%s: %s", what, text);
}

static int socket_of(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int socket_write(BIO *bio, const char *data, int len)
{
	ssize_t sent = send(socket_of(bio), data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int socket_read(BIO *bio, char *out, int size)
{
	ssize_t got = recv(socket_of(bio), out, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *socket_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");

	if (method && BIO_meth_set_write(method, socket_write) && BIO_meth_set_read(method, socket_read) &&
	    BIO_meth_set_ctrl(method, socket_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

static bool attach(struct tls_context *context, SSL *ssl, int fd)
{
	BIO *bio = BIO_new(context->socket);

	if (!bio)
		return false;
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	return true;
}

/* Sets the trusted certificates: the given ones, otherwise the system's. */
static qc_error load_trust(SSL_CTX *ssl, const struct settings *s)
{
	if (s->tls_ca && !SSL_CTX_load_verify_file(ssl, s->tls_ca))
		return openssl_error(s->tls_ca);
	if (s->tls_ca_dir && !SSL_CTX_load_verify_dir(ssl, s->tls_ca_dir))
		return openssl_error(s->tls_ca_dir);
	if (s->tls_ca_pem && !tls_text_trust(ssl, s->tls_ca_pem))
		return openssl_error("tls_ca_pem");
	/* Reading the system's hundred certificates takes longer than the handshake. */
	if (!s->tls_ca && !s->tls_ca_dir && !s->tls_ca_pem && !s->tls_insecure && !SSL_CTX_set_default_verify_paths(ssl))
		return openssl_error("the system's certificates");
	return no_error();
}

/* Sets the client's own certificate and key. */
static qc_error load_own(SSL_CTX *ssl, const struct settings *s)
{
	if (s->tls_cert && SSL_CTX_use_certificate_chain_file(ssl, s->tls_cert) != 1)
		return openssl_error(s->tls_cert);
	if (s->tls_key && SSL_CTX_use_PrivateKey_file(ssl, s->tls_key, SSL_FILETYPE_PEM) != 1)
		return openssl_error(s->tls_key);
	if (s->tls_cert_pem && !tls_text_use_chain(ssl, s->tls_cert_pem))
		return openssl_error("tls_cert_pem");
	if (s->tls_key_pem && !tls_text_use_key(ssl, s->tls_key_pem))
		return openssl_error("tls_key_pem");
	return no_error();
}

static qc_error load(SSL_CTX *ssl, const struct settings *s)
{
	bool wants_newest = s->tls_min_version && strcmp(s->tls_min_version, "1.3") == 0;

	SSL_CTX_set_min_proto_version(ssl, wants_newest ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_verify(ssl, s->tls_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (s->tls_ciphers && !SSL_CTX_set_cipher_list(ssl, s->tls_ciphers))
		return openssl_error("tls_ciphers");
	if (s->tls_ciphersuites && !SSL_CTX_set_ciphersuites(ssl, s->tls_ciphersuites))
		return openssl_error("tls_ciphersuites");
	qc_error err = load_trust(ssl, s);
	return err.kind == QC_OK ? load_own(ssl, s) : err;
}

/* The caller's SSL_CTX with a reference of our own, or one made from the options. */
static qc_error take_context(const struct settings *s, SSL_CTX **out_ssl)
{
	if (s->tls_context && !SSL_CTX_up_ref(s->tls_context))
		return openssl_error("tls_context");
	if (s->tls_context) {
		*out_ssl = s->tls_context;
		return no_error();
	}
	*out_ssl = SSL_CTX_new(TLS_client_method());
	return *out_ssl ? load(*out_ssl, s) : error_no_memory();
}

qc_error tls_context_create(const struct settings *settings, struct tls_context **out_context)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (!context)
		return error_no_memory();
	context->socket = socket_method();
	qc_error err = context->socket ? take_context(settings, &context->ssl) : error_no_memory();
	if (err.kind != QC_OK)
		tls_context_destroy(&context);
	else
		*out_context = context;
	return err;
}

void tls_context_destroy(struct tls_context **context)
{
	if (!*context)
		return;
	SSL_CTX_free((*context)->ssl);
	BIO_meth_free((*context)->socket);
	free(*context);
	*context = NULL;
}

/* The name is checked in the certificate. Unless it is an address, it is also sent to the server (SNI). */
static bool expect_name(SSL *ssl, const char *name)
{
	unsigned char binary[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, name, binary) == 1 || inet_pton(AF_INET6, name, binary) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

qc_error tls_open(struct tls_context *context, int fd, const char *name, struct tls **out_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return error_no_memory();
	tls->ssl = SSL_new(context->ssl);
	if (!tls->ssl || !attach(context, tls->ssl, fd) || !expect_name(tls->ssl, name)) {
		tls_close(&tls);
		return openssl_error("TLS");
	}
	/* Set on the connection, not on its SSL_CTX, which may be the caller's. */
	SSL_set_mode(tls->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_connect_state(tls->ssl);
	*out_tls = tls;
	return no_error();
}

void tls_close(struct tls **tls)
{
	if (!*tls)
		return;
	/* Sends a close notification if that needs no wait. */
	if ((*tls)->ssl && SSL_is_init_finished((*tls)->ssl))
		SSL_shutdown((*tls)->ssl);
	ERR_clear_error();
	SSL_free((*tls)->ssl);
	free(*tls);
	*tls = NULL;
}

void tls_disown(struct tls *tls)
{
	SSL_set_quiet_shutdown(tls->ssl, 1);
}

const char *tls_error(const struct tls *tls)
{
	return tls->text;
}

static void describe(struct tls *tls)
{
	long verdict = SSL_get_verify_result(tls->ssl);
	unsigned long code = ERR_get_error();
	/* After the handshake, or with tls_insecure, the error has another cause. */
	bool verifies = !SSL_is_init_finished(tls->ssl) && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE;

	if (verifies && verdict != X509_V_OK)
		snprintf(tls->text, sizeof(tls->text), "certificate refused: %s", X509_verify_cert_error_string(verdict));
	else if (code)
		ERR_error_string_n(code, tls->text, sizeof(tls->text));
	else
		snprintf(tls->text, sizeof(tls->text), "TLS failed");
}

/* Translates the result of an OpenSSL call as the header says. */
static ssize_t conclude(struct tls *tls, int result, short *out_wants)
{
	int number = errno;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*out_wants = POLLIN;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*out_wants = POLLOUT;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		errno = number ? number : ECONNRESET;
		return -1;
	default:
		describe(tls);
		ERR_clear_error();
		errno = EPROTO;
		return -1;
	}
}

/* Clears errors that the program or another library has left in OpenSSL's queue for this thread. */
static void clear_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

int tls_handshake(struct tls *tls, short *out_wants)
{
	clear_errors();
	int result = SSL_do_handshake(tls->ssl);

	if (result == 1)
		return 0;
	if (conclude(tls, result, out_wants) == 0)
		errno = ECONNRESET;
	return -1;
}

ssize_t tls_read(struct tls *tls, void *out, size_t size, short *out_wants)
{
	clear_errors();
	int got = SSL_read(tls->ssl, out, size > INT_MAX ? INT_MAX : (int)size);

	return got > 0 ? got : conclude(tls, got, out_wants);
}

ssize_t tls_write(struct tls *tls, const void *data, size_t len, short *out_wants)
{
	clear_errors();
	int sent = SSL_write(tls->ssl, data, len > INT_MAX ? INT_MAX : (int)len);

	return sent > 0 ? sent : conclude(tls, sent, out_wants);
}
