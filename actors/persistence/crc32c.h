/*
 * CRC-32C (Castagnoli: polynomial 0x1edc6f41, reflected, inverted at both ends), as iSCSI and ext4 have it. Any thread.
 */
#ifndef ACTORS_PERSISTENCE_CRC32C_H
#define ACTORS_PERSISTENCE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Extends the checksum `crc`, 0 at first, by these bytes: crc32c(crc32c(0, a), b) is the checksum of a followed by b. */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);
/* The same without the CPU's instruction for it. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes);

#endif
