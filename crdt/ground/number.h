/* number.h — doubles as JavaScript reads and prints them, whatever the locale. */
#ifndef GROUND_NUMBER_H
#define GROUND_NUMBER_H

#include "ground/bytes.h"

enum { NUMBER_TEXT_MAX = 32 };

/* Prints the shortest digits that read back as `number`, in the form of ECMAScript's Number::toString: 1e21, 0.1, 1e-7, NaN,
 * -Infinity; -0 prints as 0. Answers the size; no NUL is written. */
size_t number_write(double number, char out[NUMBER_TEXT_MAX]);

/* Reads decimal text as JSON has it: [-] digits [. digits] [e [±] digits]. The text must have that form. Correctly rounded for up
 * to 700 significant digits; those beyond only say that there is more. */
double number_read(struct bytes text);

#endif
