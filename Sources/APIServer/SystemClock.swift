// The system's clock as API times, and names and uids from random numbers.

import Dispatch
import KubeTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

enum SystemClock {
    static func now() -> Time {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Time(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// Nanoseconds of a clock that only goes forward, for measuring.
    static func monotonic() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
}

enum RandomNames {
    /// The letters and digits that generated names end in: no vowels, so that no words come out.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
    private static let hexadecimal = Array("0123456789abcdef".utf8)

    static func suffix(_ random: () -> UInt64) -> String {
        var bits = random()
        var text = ""
        for _ in 0..<5 {
            text.unicodeScalars.append(UnicodeScalar(alphabet[Int(bits % UInt64(alphabet.count))]))
            bits /= UInt64(alphabet.count)
        }
        return text
    }

    /// A name that begins with `base`, cut so that it stays a valid label.
    static func generate(_ base: String, _ random: () -> UInt64) -> String { String(base.prefix(58)) + suffix(random) }

    /// A random UUID (RFC 9562, version 4).
    static func uuid(_ random: () -> UInt64) -> String {
        let high = random() & 0xffff_ffff_ffff_0fff | 0x4000
        let low = random() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for index in 0..<32 {
                if [8, 12, 16, 20].contains(index) {
                    buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 16 ? high : low
                buffer[position] = hexadecimal[Int(word >> UInt64(60 - index % 16 * 4) & 15)]
                position += 1
            }
            return position
        }
    }
}
