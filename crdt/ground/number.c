/* number.c — see number.h. snprintf and strtod know the locale's decimal point, so none is ever shown to them. */
#include "ground/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 17, READ_DIGITS_MAX = 700, EXPONENT_MAX = 100000 };

/* The fewest decimal digits that name `number` > 0, and the power of ten of the first. */
static size_t number_digits(double number, char digits[DIGITS_MAX], int *out_exponent) {
    for (int count = 1;; count++) {
        char text[NUMBER_TEXT_MAX];
        int size = snprintf(text, sizeof text, "%.*e", count - 1, number);
        const char *e = memchr(text, 'e', (size_t)size);
        if (count < DIGITS_MAX && strtod(text, NULL) != number)
            continue;
        size_t filled = 0;
        for (const char *at = text; at < e; at++)
            if (*at >= '0' && *at <= '9')
                digits[filled++] = *at;
        *out_exponent = atoi(e + 1);
        return filled;
    }
}

static size_t number_put(char *out, size_t size, char character, int times) {
    for (; times > 0; times--)
        out[size++] = character;
    return size;
}

size_t number_write(double number, char out[NUMBER_TEXT_MAX]) {
    if (isnan(number) || isinf(number)) {
        const char *word = isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
        memcpy(out, word, strlen(word));
        return strlen(word);
    }
    size_t size = 0;
    if (number == 0) {
        out[0] = '0';
        return 1;
    }
    if (number < 0)
        out[size++] = '-';
    char digits[DIGITS_MAX] = "";
    int exponent;
    int count = (int)number_digits(fabs(number), digits, &exponent);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int point = exponent + 1; /* where the decimal point stands, counted from the first digit */
    if (point > 21 || point <= -6) {
        out[size++] = digits[0];
        if (count > 1)
            out[size++] = '.';
        memcpy(out + size, digits + 1, (size_t)count - 1);
        size += (size_t)count - 1;
        return size + (size_t)snprintf(out + size, NUMBER_TEXT_MAX - size, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
    }
    if (point <= 0) {
        out[size++] = '0';
        out[size++] = '.';
        size = number_put(out, size, '0', -point);
    }
    for (int i = 0; i < count; i++) {
        if (i == point && point > 0)
            out[size++] = '.';
        out[size++] = digits[i];
    }
    return number_put(out, size, '0', point - count);
}

double number_read(struct bytes text) {
    char digits[READ_DIGITS_MAX + 1 + NUMBER_TEXT_MAX];
    size_t count = 0;
    long exponent = 0; /* of the digits taken as a whole number */
    bool behind_point = false;
    bool more = false;
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative;
    for (; at < text.size && text.data[at] != 'e' && text.data[at] != 'E'; at++) {
        if (text.data[at] == '.') {
            behind_point = true;
            continue;
        }
        exponent -= behind_point;
        if (count == 0 && text.data[at] == '0')
            continue;
        if (count < READ_DIGITS_MAX) {
            digits[count++] = (char)text.data[at];
        } else {
            more |= text.data[at] != '0';
            exponent++;
        }
    }
    if (count == 0)
        return negative ? -0.0 : 0.0;
    if (more) { /* away from the middle between two doubles */
        digits[count++] = '1';
        exponent--;
    }
    if (at < text.size) {
        at++;
        bool minus = at < text.size && text.data[at] == '-';
        at += at < text.size && (text.data[at] == '-' || text.data[at] == '+');
        long written = 0;
        for (; at < text.size; at++)
            written = written < EXPONENT_MAX ? written * 10 + (text.data[at] - '0') : written;
        exponent += minus ? -written : written;
    }
    snprintf(digits + count, sizeof digits - count, "e%ld", exponent);
    double number = strtod(digits, NULL);
    return negative ? -number : number;
}
