import KubeTypes

/// Deals each flow a hand of queues: two flows rarely share all of theirs, so one that floods its queues leaves others a
/// queue without it (KEP-1040, "Shuffle Sharding").
enum ShuffleSharding {
    /// FNV-1a over a schema's name and a flow's distinguisher.
    static func hash(_ schema: String, _ flow: String) -> UInt64 {
        var mixed = FNV1a()
        mixed.mix(schema.utf8)
        mixed.mix([0])
        mixed.mix(flow.utf8)
        var hash = mixed.value
        // The product's low bits hardly depend on the last bytes: mix before they are taken apart.
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash
    }

    /// `size` different queues of `count`, chosen by `hash`.
    static func hand(_ hash: UInt64, size: Int, of count: Int) -> [Int] {
        var rest = hash
        var hand: [Int] = []
        for dealt in 0..<min(size, count) {
            let left = UInt64(count - dealt)
            var card = Int(rest % left)
            rest /= left
            // The card-th of those that are left.
            for taken in hand.sorted() where taken <= card { card += 1 }
            hand.append(card)
        }
        return hand
    }
}
