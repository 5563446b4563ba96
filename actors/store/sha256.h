/*
 * SHA-256 (FIPS 180-4), for the form in which ACL rules show passwords.
 */
#ifndef ACTORS_STORE_SHA256_H
#define ACTORS_STORE_SHA256_H

#include <stddef.h>

#define SHA256_HEX_BYTES 65

/* 64 hexadecimal digits in lower case, and a NUL. */
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_BYTES]);

#endif
