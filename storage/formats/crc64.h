/*
 * CRC-64 as RDB files and DUMP have it: the polynomial of Jones (0xad93d23594c935a9), reflected, from 0, not inverted.
 */
#ifndef STORAGE_FORMATS_CRC64_H
#define STORAGE_FORMATS_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Extends the checksum `crc`, 0 at first, by `len` bytes. Any thread. */
uint64_t crc64(uint64_t crc, const void *data, size_t len);

#endif
