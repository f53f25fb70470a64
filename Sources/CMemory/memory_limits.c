#include "memory_limits.h"
