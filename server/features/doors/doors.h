/* doors.h — the door of the feature. */
#ifndef SERVER_FEATURES_DOORS_H
#define SERVER_FEATURES_DOORS_H

#include "feature/feature.h"

extern const struct feature doors_feature;

#endif
