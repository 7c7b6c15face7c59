/* crdt.h — everything at once. */
#ifndef CRDT_CRDT_H
#define CRDT_CRDT_H

#include "crdt/awareness.h"
#include "crdt/doc.h"
#include "crdt/edit.h"
#include "crdt/observe.h"
#include "crdt/position.h"
#include "crdt/snapshot.h"
#include "crdt/text.h"
#include "crdt/type.h"
#include "crdt/undo.h"
#include "crdt/update.h"
#include "crdt/updates.h"
#include "crdt/value.h"

#endif
