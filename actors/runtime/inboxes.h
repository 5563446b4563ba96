/*
 * Part of messages.h: messages.def for one receiver, or a few. Whoever includes it has defined TO_STORE(name), say; it is called for
 * each message to the store. An actor that is added has its two lines here.
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
#ifndef TO_OBSERVER
#define TO_OBSERVER(name)
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
#undef TO_OBSERVER
#undef TO_SUBSCRIBER
#undef TO_BLOCKING_SUBSCRIBER
#undef TO_REAPER
#undef TO_WORKER
