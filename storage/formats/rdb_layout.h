/*
 * The marks of lengths and string forms in RDB, for rdb_write.c and rdb_read.c. rdb.h describes the layout.
 */
#ifndef STORAGE_FORMATS_RDB_LAYOUT_H
#define STORAGE_FORMATS_RDB_LAYOUT_H

/* The two highest bits of the first byte, or the whole byte. */
#define LENGTH_KIND 0xc0u
#define LENGTH_6 0x00u
#define LENGTH_14 0x40u
#define LENGTH_32 0x80u
#define LENGTH_64 0x81u
#define LENGTH_IS_FORM 0xc0u

/* In the lower bits, with LENGTH_IS_FORM. */
enum { FORM_INT8, FORM_INT16, FORM_INT32, FORM_LZF };

#endif
