#include "client/origin.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

#include "client/error.h"

qc_error origin_init(struct origin *origin)
{
	void *page = mmap(NULL, sizeof(*origin->mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return error_errno(QC_NO_MEMORY, errno, "mmap");
	origin->mark = page;
	if (madvise(page, sizeof(*origin->mark), MADV_WIPEONFORK) != 0) {
		int number = errno;
		origin_fini(origin);
		return error_errno(QC_INVALID, number, "this kernel does not support MADV_WIPEONFORK");
	}
	atomic_store(origin->mark, ORIGIN_HERE);
	return no_error();
}

void origin_fini(struct origin *origin)
{
	if (origin->mark)
		munmap(origin->mark, sizeof(*origin->mark));
	origin->mark = NULL;
}

bool origin_claim(struct origin *origin)
{
	int found = ORIGIN_ELSEWHERE;

	if (atomic_compare_exchange_strong(origin->mark, &found, ORIGIN_CHANGING))
		return true;
	while (!origin_is_here(origin))
		sched_yield();
	return false;
}

void origin_move(struct origin *origin)
{
	/* Release: a thread that sees the mark also sees what was dropped before. */
	atomic_store_explicit(origin->mark, ORIGIN_HERE, memory_order_release);
}
