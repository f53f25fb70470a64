#pragma once
#include <stddef.h>

/// The table of types: see types.table beside the source.
extern const unsigned char martlet_types_table[];
extern const size_t martlet_types_table_size;
