/*
 * Certificates and keys from texts (PEM) instead of files.
 */
#ifndef CLIENT_TLS_TEXT_H
#define CLIENT_TLS_TEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Each is false when the text holds no such thing, or is broken: OpenSSL's queue of errors tells more. */
bool tls_text_trust(SSL_CTX *ssl, const char *pem);
/* The certificate first, then those that lead to one that is trusted. */
bool tls_text_use_chain(SSL_CTX *ssl, const char *pem);
bool tls_text_use_key(SSL_CTX *ssl, const char *pem);

#endif
