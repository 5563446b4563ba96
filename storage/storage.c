#include "storage.h"

bool storage_init(struct storage *storage)
{
	*storage = (struct storage){ 0 };
	memory_open(&storage->memory);
	storage->access = access_create(&storage->memory);
	if (!storage->access)
		memory_close(&storage->memory);
	return storage->access != NULL;
}

void storage_fini(struct storage *storage)
{
	access_destroy(&storage->access);
	memory_close(&storage->memory);
}
