// The tables as bytes of the binary, so that it stays one file and they need no compiling.
#include "api_table.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

const unsigned char martlet_types_table[] = {
#embed "types.table"
};
const size_t martlet_types_table_size = sizeof martlet_types_table;
