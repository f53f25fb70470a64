// Memory in pages larger than the usual (Kubernetes documentation, *Manage HugePages*): names, and what the kernel has.

import CRI
import KubeTypes

enum HugePages {
    /// Resources are called `hugepages-2Mi`, `hugepages-1Gi`.
    static let prefix = "hugepages-"

    /// Bytes of a page; nil for a resource that is none.
    static func size(of resource: String) -> Int64? {
        guard resource.hasPrefix(prefix), let size = Quantity(String(resource.dropFirst(prefix.count)))?.value, size > 0
        else { return nil }
        return size
    }

    /// `64KB`, `2MB`, `1GB`: how control groups and runtimes name a size.
    static func kernelName(_ bytes: Int64) -> String {
        for (shift, unit) in [(30, "GB"), (20, "MB")] where bytes >= 1 << shift { return "\(bytes >> shift)\(unit)" }
        return "\(bytes >> 10)KB"
    }

    /// Bytes that the kernel has set aside, by the resources' names, from a directory like `/sys/kernel/mm/hugepages`.
    static func reserved(in directory: String) -> [String: Int64] {
        var result: [String: Int64] = [:]
        for name in Files.list(directory) where name.hasPrefix(prefix) && name.hasSuffix("kB") {
            guard let kilobytes = Int64(name.dropFirst(prefix.count).dropLast(2)),
                let text = Files.text("\(directory)/\(name)/nr_hugepages"),
                let count = Int64(text.prefix(while: \.isNumber))
            else { continue }
            result[prefix + Quantity(kilobytes * 1024, format: .binary).canonical] = count * kilobytes * 1024
        }
        return result
    }

    /// The size of the pages that a volume of this medium is made of: `HugePages-2Mi`, or `HugePages` in a pod that asks
    /// for one size only.
    static func size(ofMedium medium: String, in pod: Pod) throws(ConfigError) -> Int64 {
        let requested = PodResources.total(.requests, of: pod.spec.json, overhead: false)
            .filter { $0.value.nanos > 0 }.keys.compactMap(size(of:)).sorted()
        if medium == "HugePages" {
            guard let size = requested.first else {
                throw ConfigError("medium \(medium) is used, but the pod requests no huge pages")
            }
            guard requested.count == 1 else {
                throw ConfigError("medium \(medium) can not be used if the pod requests multiple huge page sizes")
            }
            return size
        }
        let name = medium.dropFirst("HugePages-".count)
        guard let size = Self.size(of: prefix + name) else {
            throw ConfigError("cannot get page size from medium \(medium)")
        }
        guard requested.contains(size) else {
            throw ConfigError("medium \(medium) is used, but the pod requests no huge pages of that size")
        }
        return size
    }
}
