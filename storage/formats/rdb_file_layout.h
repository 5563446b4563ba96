/*
 * The opcodes of RDB files, for rdb_file_write.c and rdb_file_read.c. They share their byte with the types of values (rdb.h).
 */
#ifndef STORAGE_FORMATS_RDB_FILE_LAYOUT_H
#define STORAGE_FORMATS_RDB_FILE_LAYOUT_H

#define RDB_MAGIC "REDIS"
#define VALKEY_MAGIC "VALKEY"
/* The magic and the version in digits; VALKEY leaves one digit less. */
#define RDB_MAGIC_BYTES 9u
#define RDB_CHECKSUM_BYTES 8u
#define RDB_CHECKSUM_SINCE 5u

enum rdb_opcode {
	OPCODE_META_OR_SLOT_IMPORT = 243, /* Redis 8.6: metadata of a key by a module. Valkey 9: slots that move in */
	OPCODE_SLOT_INFO = 244,           /* Redis 7.4, in a cluster: a hint */
	OPCODE_FUNCTION2 = 245,
	OPCODE_FUNCTION_PRE_GA = 246,
	OPCODE_MODULE_AUX = 247,
	OPCODE_IDLE = 248,
	OPCODE_FREQ = 249,
	OPCODE_AUX = 250,
	OPCODE_RESIZEDB = 251,
	OPCODE_EXPIRETIME_MS = 252,
	OPCODE_EXPIRETIME = 253,          /* in seconds, before Redis 2.6 */
	OPCODE_SELECTDB = 254,
	OPCODE_EOF = 255,
};

#endif
