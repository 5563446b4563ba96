/*
 * The simulated disk: actors/persistence/disk.h in memory. It remembers what has been made durable and every change since: writes, sizes, names.
 *
 * When the power is cut, the fate of these changes is one of four:
 * - none: no change since the last sync of its file, or of its directory, is there;
 * - all: all are;
 * - sectors: any part of them, by sectors of 512 bytes; the size of a file and each name are any that it had since;
 * - metadata: all sizes and names are there and no data: what a file has grown by is zeros or garbage.
 *
 * Renaming is atomic; it is durable with sync_directory() of the new name's directory. A failed sync loses the changes for good, although
 * they can still be read; a later sync doesn't bring them back.
 *
 * Calls are counted, and tests number them from the next one, which is 1. Descriptors are never used again. Nothing here is an error of the test
 * but a bad path ("..").
 */
#ifndef TESTS_SIMULATION_DISK_H
#define TESTS_SIMULATION_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/persistence/disk.h"
#include "transport/buffer.h"

enum disk_fate { FATE_NONE, FATE_ALL, FATE_SECTORS, FATE_METADATA, DISK_FATES };

enum disk_call {
	CALL_OPEN, CALL_CLOSE, CALL_PWRITEV, CALL_PREAD, CALL_SIZE, CALL_SYNC, CALL_START_WRITEBACK, CALL_TRUNCATE, CALL_ALLOCATE,
	CALL_RENAME, CALL_UNLINK, CALL_MAKE_DIRECTORY, CALL_SYNC_DIRECTORY, CALL_LIST, CALL_FREE_SPACE, CALL_LOCK, DISK_CALLS
};

/* Instead of an errno value: a write writes only half, or one byte; other calls are as ever. */
#define DISK_SHORT_WRITE (-1)

struct simulated_disk;

/* Empty, with room for all. The seed decides the fates' details. */
struct simulated_disk *simulated_disk_create(uint64_t seed);
void simulated_disk_destroy(struct simulated_disk **disk);
/* What the code under test gets. */
const struct disk *simulated_disk_functions(struct simulated_disk *disk);

/* Calls since simulated_disk_create(). */
uint64_t simulated_disk_calls(const struct simulated_disk *disk);
/* The n-th call from now does nothing and gives this error, once; a sync loses its changes, a close closes. 0: none. */
void simulated_disk_fail_call(struct simulated_disk *disk, uint64_t n, int error);
/* So do the n-th call from now and all after it; 0: none any more. */
void simulated_disk_fail_from(struct simulated_disk *disk, uint64_t n, int error);
/* Whether that call has come. */
bool simulated_disk_has_failed(const struct simulated_disk *disk);
/* Every such call gives this error from now on; 0: none does. */
void simulated_disk_fail_all(struct simulated_disk *disk, enum disk_call call, int error);
/* So do the n-th such call from now and all such after it. */
void simulated_disk_fail_all_from(struct simulated_disk *disk, enum disk_call call, uint64_t n, int error);

/*
 * Whether such calls stand still until told otherwise, or until the power is cut; then they do what they should. The caller is on a fiber
 * (host_use_fiber()).
 */
void simulated_disk_hang(struct simulated_disk *disk, enum disk_call call, bool hangs);
/* Calls that stand still. */
unsigned simulated_disk_hanging(const struct simulated_disk *disk);

/* The power is cut before the n-th call from now: until the restart every call gives EIO and does nothing. 0: never. */
void simulated_disk_cut_at(struct simulated_disk *disk, uint64_t n);
void simulated_disk_cut(struct simulated_disk *disk);
bool simulated_disk_is_cut(const struct simulated_disk *disk);
/* After a cut: what is there now is durable. No descriptor is open, no lock held, no failure ordered. */
void simulated_disk_restart(struct simulated_disk *disk, enum disk_fate fate);
/*
 * As when the process is killed: closes descriptors and releases locks; all changes are there, and as durable as before. After a cut: the
 * process was killed there, and the machine goes on.
 */
void simulated_disk_kill(struct simulated_disk *disk);

/* The sizes of all files that have a name or are open may add up to this. */
void simulated_disk_set_capacity(struct simulated_disk *disk, uint64_t bytes);
uint64_t simulated_disk_used(const struct simulated_disk *disk);

/* ---- for tests; these count as no call and never fail ---- */

/* Creates or replaces the file, durably; its directory exists. */
void simulated_disk_put(struct simulated_disk *disk, const char *path, const void *data, size_t len);
/* Appends what can be read; false: there is no such file. */
bool simulated_disk_get(struct simulated_disk *disk, const char *path, struct buffer *out);
bool simulated_disk_has(struct simulated_disk *disk, const char *path);
/* Makes all there is durable. */
void simulated_disk_settle(struct simulated_disk *disk);
unsigned simulated_disk_open_descriptors(const struct simulated_disk *disk);

#endif
