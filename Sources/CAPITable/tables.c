// The tables as bytes of the binary, so that it stays one file and they need no compiling.
#include "api_table.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char types[] = {
#embed "types.table"
};

static const unsigned char older_types[] = {
#embed "types-older.table"
};

static const unsigned char resources[] = {
#embed "resources.table"
};

static const unsigned char rules[] = {
#embed "rules.table"
};

const unsigned char *martlet_table(enum martlet_table which, size_t *size) {
    switch (which) {
    case martlet_types: *size = sizeof types; return types;
    case martlet_older_types: *size = sizeof older_types; return older_types;
    case martlet_resources: *size = sizeof resources; return resources;
    case martlet_rules: *size = sizeof rules; return rules;
    }
    *size = 0;
    return 0;
}
