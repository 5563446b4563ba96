/*
 * TLS on a connected non-blocking socket (OpenSSL). The server's certificate chain and name are checked, unless the options have
 * tls_insecure.
 */
#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H

#include <sys/types.h>

#include "client/settings.h"

struct tls_context; /* for a client: certificates and keys */
struct tls;         /* for one connection */

qc_error tls_context_create(const struct settings *settings, struct tls_context **out_context);
void tls_context_destroy(struct tls_context **context);

/* `name` is expected in the certificate. The caller keeps the socket. */
qc_error tls_open(struct tls_context *context, int fd, const char *name, struct tls **out_tls);
void tls_close(struct tls **tls);
/* In a forked child: tls_close() sends nothing, since the peer is the parent's. */
void tls_disown(struct tls *tls);

/*
 * Like recv(2) and send(2) on a non-blocking socket. -1 with EAGAIN: wait for *out_wants (POLLIN or POLLOUT) and call again. -1 with
 * EPROTO: see tls_error().
 */
int tls_handshake(struct tls *tls, short *out_wants); /* 0 when done */
ssize_t tls_read(struct tls *tls, void *out, size_t size, short *out_wants);
ssize_t tls_write(struct tls *tls, const void *data, size_t len, short *out_wants);
const char *tls_error(const struct tls *tls);

#endif
