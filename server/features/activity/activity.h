/* activity.h — the door of the feature. */
#ifndef SERVER_FEATURES_ACTIVITY_H
#define SERVER_FEATURES_ACTIVITY_H

#include "feature/feature.h"

extern const struct feature activity_feature;

#endif
