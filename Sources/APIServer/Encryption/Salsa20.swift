// XSalsa20 with Poly1305, as NaCl's `secretbox` has it ("Extending the Salsa20 nonce", D. J. Bernstein; the Salsa20
// specification; RFC 8439 for Poly1305).

enum Salsa20 {
    private static let constants: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]

    private static func rounds(_ input: [UInt32]) -> [UInt32] {
        var x = input
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            func rotated(_ sum: UInt32, _ bits: UInt32) -> UInt32 { sum << bits | sum >> (32 - bits) }
            x[b] ^= rotated(x[a] &+ x[d], 7)
            x[c] ^= rotated(x[b] &+ x[a], 9)
            x[d] ^= rotated(x[c] &+ x[b], 13)
            x[a] ^= rotated(x[d] &+ x[c], 18)
        }
        for _ in 0..<10 {
            quarter(0, 4, 8, 12)
            quarter(5, 9, 13, 1)
            quarter(10, 14, 2, 6)
            quarter(15, 3, 7, 11)
            quarter(0, 1, 2, 3)
            quarter(5, 6, 7, 4)
            quarter(10, 11, 8, 9)
            quarter(15, 12, 13, 14)
        }
        return x
    }

    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { index in
            var word: UInt32 = 0
            for offset in 0..<4 { word |= UInt32(bytes[index + offset]) << UInt32(8 * offset) }
            return word
        }
    }

    private static func bytes(_ words: [UInt32]) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
    }

    /// The state for a key of 32 bytes and 16 bytes of input.
    private static func state(_ key: [UInt8], _ input: [UInt32]) -> [UInt32] {
        let key = words(key[...])
        return [constants[0]] + key[0..<4] + [constants[1]] + input + [constants[2]] + key[4..<8] + [constants[3]]
    }

    /// A key of 32 bytes from another and 16 bytes.
    static func hsalsa20(key: [UInt8], input: ArraySlice<UInt8>) -> [UInt8] {
        let result = rounds(state(key, words(input)))
        return bytes([0, 5, 10, 15, 6, 7, 8, 9].map { result[$0] })
    }

    /// The key stream for a nonce of 8 bytes, from its beginning.
    static func stream(key: [UInt8], nonce: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        let nonce = words(nonce)
        var output: [UInt8] = []
        output.reserveCapacity(count + 64)
        var block: UInt64 = 0
        while output.count < count {
            let input = state(
                key, nonce + [UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32)])
            let mixed = rounds(input)
            output += bytes(zip(mixed, input).map { $0 &+ $1 })
            block += 1
        }
        output.removeLast(output.count - count)
        return output
    }
}

enum Poly1305 {
    /// The tag of a message under a one-time key of 32 bytes, in limbs of 26 bits.
    static func tag(_ message: ArraySlice<UInt8>, key: [UInt8]) -> [UInt8] {
        func word(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt64 {
            var word: UInt64 = 0
            for index in 0..<4 { word |= UInt64(bytes[bytes.startIndex + offset + index]) << UInt64(8 * index) }
            return word
        }
        let mask: UInt64 = 0x3ff_ffff
        let half = key[0..<16]
        let r: [UInt64] = [
            word(half, 0) & 0x3ff_ffff, word(half, 3) >> 2 & 0x3ff_ff03, word(half, 6) >> 4 & 0x3ff_c0ff,
            word(half, 9) >> 6 & 0x3f0_3fff, word(half, 12) >> 8 & 0x00f_ffff,
        ]
        let s = r.map { $0 * 5 }
        var h: [UInt64] = [0, 0, 0, 0, 0]
        var rest = message
        while !rest.isEmpty {
            var block = Array(rest.prefix(16))
            let isFull = block.count == 16
            rest = rest.dropFirst(16)
            if !isFull {
                block.append(1)
                block += [UInt8](repeating: 0, count: 16 - block.count)
            }
            let bytes = block[...]
            h[0] += word(bytes, 0) & mask
            h[1] += word(bytes, 3) >> 2 & mask
            h[2] += word(bytes, 6) >> 4 & mask
            h[3] += word(bytes, 9) >> 6 & mask
            h[4] += word(bytes, 12) >> 8 | (isFull ? 1 << 24 : 0)
            // The product; what goes beyond 130 bits comes back at the bottom, five times.
            var d = [UInt64](repeating: 0, count: 5)
            for limb in 0..<5 {
                for other in 0..<5 {
                    let factor: UInt64 = other <= limb ? r[limb - other] : s[limb + 5 - other]
                    d[limb] += h[other] * factor
                }
            }
            for index in 0..<4 {
                d[index + 1] += d[index] >> 26
                h[index] = d[index] & mask
            }
            h[4] = d[4] & mask
            h[0] += (d[4] >> 26) * 5
            h[1] += h[0] >> 26
            h[0] &= mask
        }
        for index in [1, 2, 3] {
            h[index + 1] += h[index] >> 26
            h[index] &= mask
        }
        h[0] += (h[4] >> 26) * 5
        h[4] &= mask
        h[1] += h[0] >> 26
        h[0] &= mask
        // The remainder by 2^130 - 5, chosen without a branch.
        var g = h
        g[0] += 5
        for index in 0..<4 {
            g[index + 1] += g[index] >> 26
            g[index] &= mask
        }
        g[4] = g[4] &- (1 << 26)
        let keep = UInt64(bitPattern: Int64(bitPattern: g[4]) >> 63)
        for index in 0..<5 { h[index] = h[index] & keep | g[index] & ~keep & mask }
        var low: [UInt64] = []
        for index in 0..<4 {
            let down = UInt64(6 * index)
            let up = UInt64(26 - 6 * index)
            low.append((h[index] >> down | h[index + 1] << up) & 0xffff_ffff)
        }
        let pad = key[16..<32]
        var carry: UInt64 = 0
        var tag: [UInt8] = []
        for index in 0..<4 {
            let sum = low[index] + word(pad, 4 * index) + carry
            carry = sum >> 32
            tag += (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) }
        }
        return tag
    }
}

/// Encryption with a key of 32 bytes and a nonce of 24: the tag first, then the message.
enum SecretBox {
    static let nonceSize = 24
    static let overhead = 16

    private static func stream(_ key: [UInt8], _ nonce: ArraySlice<UInt8>, _ count: Int) -> [UInt8] {
        let subkey = Salsa20.hsalsa20(key: key, input: nonce.prefix(16))
        return Salsa20.stream(key: subkey, nonce: nonce.dropFirst(16), count: count)
    }

    static func seal(_ message: [UInt8], key: [UInt8], nonce: ArraySlice<UInt8>) -> [UInt8] {
        let stream = stream(key, nonce, 32 + message.count)
        let encrypted = zip(message, stream.dropFirst(32)).map { $0 ^ $1 }
        return Poly1305.tag(encrypted[...], key: Array(stream[..<32])) + encrypted
    }

    /// Nil where the tag is not that of the message.
    static func open(_ box: ArraySlice<UInt8>, key: [UInt8], nonce: ArraySlice<UInt8>) -> [UInt8]? {
        guard box.count >= overhead else { return nil }
        let encrypted = box.dropFirst(overhead)
        let stream = stream(key, nonce, 32 + encrypted.count)
        let expected = Poly1305.tag(encrypted, key: Array(stream[..<32]))
        // Every byte is looked at, so that the time says nothing.
        guard zip(expected, box.prefix(overhead)).reduce(UInt8(0), { $0 | ($1.0 ^ $1.1) }) == 0 else { return nil }
        return zip(encrypted, stream.dropFirst(32)).map { $0 ^ $1 }
    }
}
