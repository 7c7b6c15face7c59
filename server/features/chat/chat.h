/* chat.h — the door of the feature. */
#ifndef SERVER_FEATURES_CHAT_H
#define SERVER_FEATURES_CHAT_H

#include "feature/feature.h"

extern const struct feature chat_feature;

#endif
