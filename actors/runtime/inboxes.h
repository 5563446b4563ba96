/*
 * Part of messages.h: messages.def filtered by receiver. Define TO_STORE(name), for example, before including this file: the macro is
 * used for each message to the store. A new actor needs an #ifndef block and an #undef here.
 */
#ifndef TO_SUPERVISOR
#define TO_SUPERVISOR(name)
#endif
#ifndef TO_REACTOR
#define TO_REACTOR(name)
#endif
#ifndef TO_STORE
#define TO_STORE(name)
#endif
#ifndef TO_AOF
#define TO_AOF(name)
#endif
#ifndef TO_SYNCER
#define TO_SYNCER(name)
#endif
#ifndef TO_SNAPSHOT
#define TO_SNAPSHOT(name)
#endif
#ifndef TO_OBSERVER
#define TO_OBSERVER(name)
#endif
#ifndef TO_REPLICATION
#define TO_REPLICATION(name)
#endif
#ifndef TO_SUBSCRIBER
#define TO_SUBSCRIBER(name)
#endif
#ifndef TO_BLOCKING_SUBSCRIBER
#define TO_BLOCKING_SUBSCRIBER(name)
#endif
#ifndef TO_REAPER
#define TO_REAPER(name)
#endif
#ifndef TO_WORKER
#define TO_WORKER(name)
#endif

#define MESSAGE(name, sender, receiver, gives, meaning) TO_##receiver(name)
#include "actors/runtime/messages.def"

#undef MESSAGE
#undef TO_SUPERVISOR
#undef TO_REACTOR
#undef TO_STORE
#undef TO_AOF
#undef TO_SYNCER
#undef TO_SNAPSHOT
#undef TO_OBSERVER
#undef TO_REPLICATION
#undef TO_SUBSCRIBER
#undef TO_BLOCKING_SUBSCRIBER
#undef TO_REAPER
#undef TO_WORKER
