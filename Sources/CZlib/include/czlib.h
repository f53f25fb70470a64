// zlib's deflate as Swift can call it: `deflateInit2` is a macro, which Swift does not see.
#ifndef MARTLET_CZLIB_H
#define MARTLET_CZLIB_H

#include <stddef.h>

/// Compresses `size` bytes at `source` into `target` (`capacity` bytes) in gzip's format at level 1, as fast as it goes.
/// Returns how many bytes were written, 0 if they did not fit.
size_t martlet_gzip(const unsigned char *source, size_t size, unsigned char *target, size_t capacity);

/// What `size` bytes can become at most.
size_t martlet_gzip_bound(size_t size);

/// The reverse, for tests. Returns how many bytes were written, 0 if `source` is not whole or does not fit.
size_t martlet_gunzip(const unsigned char *source, size_t size, unsigned char *target, size_t capacity);

#endif
