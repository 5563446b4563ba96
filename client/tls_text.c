#include "client/tls_text.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* Takes ownership of the certificate. */
typedef bool take_certificate(SSL_CTX *ssl, X509 *certificate, int index);

static bool trust(SSL_CTX *ssl, X509 *certificate, int index)
{
	(void)index;
	bool taken = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), certificate) == 1;

	X509_free(certificate);
	return taken;
}

static bool use(SSL_CTX *ssl, X509 *certificate, int index)
{
	bool taken = index == 0 ? SSL_CTX_use_certificate(ssl, certificate) == 1 : SSL_CTX_add1_chain_cert(ssl, certificate) == 1;

	X509_free(certificate);
	return taken;
}

/* Reads each certificate of the text. There must be at least one. */
static bool take_all(SSL_CTX *ssl, const char *pem, take_certificate *take)
{
	BIO *text = BIO_new_mem_buf(pem, -1);
	X509 *certificate = NULL;
	int count = 0;
	bool good = text != NULL;

	while (good && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL)
		good = take(ssl, certificate, count++);
	BIO_free(text);
	/* OpenSSL reports the end of the text as an error. */
	bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	if (good && count > 0 && is_end)
		ERR_clear_error();
	return good && count > 0 && is_end;
}

bool tls_text_trust(SSL_CTX *ssl, const char *pem)
{
	return take_all(ssl, pem, trust);
}

bool tls_text_use_chain(SSL_CTX *ssl, const char *pem)
{
	return take_all(ssl, pem, use);
}

bool tls_text_use_key(SSL_CTX *ssl, const char *pem)
{
	BIO *text = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = text ? PEM_read_bio_PrivateKey(text, NULL, NULL, NULL) : NULL;
	bool good = key && SSL_CTX_use_PrivateKey(ssl, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(text);
	return good;
}
