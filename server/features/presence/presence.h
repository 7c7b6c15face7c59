/* presence.h — the door of the feature. */
#ifndef SERVER_FEATURES_PRESENCE_H
#define SERVER_FEATURES_PRESENCE_H

#include "feature/feature.h"

extern const struct feature presence_feature;

#endif
