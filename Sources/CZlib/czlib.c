#include "czlib.h"

#include <limits.h>
#include <zlib.h>

size_t martlet_gzip_bound(size_t size) {
    // zlib's own bound, and the longer header and trailer of gzip.
    return compressBound((uLong)size) + 32;
}

size_t martlet_gzip(const unsigned char *source, size_t size, unsigned char *target, size_t capacity) {
    if (size > UINT_MAX || capacity > UINT_MAX) return 0;
    z_stream stream = {0};
    // 16 added to the window's size means gzip.
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (unsigned char *)source;
    stream.avail_in = (uInt)size;
    stream.next_out = target;
    stream.avail_out = (uInt)capacity;
    int result = deflate(&stream, Z_FINISH);
    size_t written = stream.total_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? written : 0;
}

size_t martlet_gunzip(const unsigned char *source, size_t size, unsigned char *target, size_t capacity) {
    if (size > UINT_MAX || capacity > UINT_MAX) return 0;
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return 0;
    stream.next_in = (unsigned char *)source;
    stream.avail_in = (uInt)size;
    stream.next_out = target;
    stream.avail_out = (uInt)capacity;
    int result = inflate(&stream, Z_FINISH);
    size_t written = stream.total_out;
    inflateEnd(&stream);
    return result == Z_STREAM_END ? written : 0;
}
