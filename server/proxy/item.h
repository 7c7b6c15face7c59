/* item.h — a list in one text: "one, two ,three". */
#ifndef SERVER_ITEM_H
#define SERVER_ITEM_H

#include "ground/bytes.h"

/* The next item of the list at *at, without the blanks around it; *at moves on. Begin with the list itself. False: there is none
 * left, or the list holds nothing but blanks. An item may be empty ("one,,three"), but nothing
 * behind the last comma is no item. */
bool item_next(const char **at, struct bytes *out);

#endif
