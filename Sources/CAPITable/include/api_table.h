#pragma once
#include <stddef.h>

/// The tables; each is documented at the head of its file beside the source.
enum martlet_table {
    martlet_types,
    martlet_older_types,
    martlet_resources,
    martlet_rules,
};

/// The bytes of a table and how many there are. They are constant and never go away.
const unsigned char *martlet_table(enum martlet_table which, size_t *size);
