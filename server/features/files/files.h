/* files.h — the door of the feature: the files of a session. */
#ifndef SERVER_FEATURES_FILES_H
#define SERVER_FEATURES_FILES_H

#include "feature/feature.h"

extern const struct feature files_feature;

#endif
