/*
 * Certificates and keys from texts (PEM) instead of files.
 */
#ifndef CLIENT_TLS_TEXT_H
#define CLIENT_TLS_TEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* False if the text is invalid or contains no such item: see OpenSSL's error queue. */
bool tls_text_trust(SSL_CTX *ssl, const char *pem);
/* The client's certificate comes first, then the chain to a trusted one. */
bool tls_text_use_chain(SSL_CTX *ssl, const char *pem);
bool tls_text_use_key(SSL_CTX *ssl, const char *pem);

#endif
