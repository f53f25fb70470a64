// Conntrack's entries, read and deleted through netlink: https://docs.kernel.org/userspace-api/netlink/intro.html,
// linux/netfilter/nfnetlink_conntrack.h. No tool has to be installed for it.

import Glibc
import KubeTypes
import NIOPosix

/// Messages of the kernel's connection tracking, as bytes.
enum ConntrackMessage {
    /// Numbers of linux/netfilter/nfnetlink_conntrack.h.
    private enum Attribute {
        static let original: UInt16 = 1, reply: UInt16 = 2, identifier: UInt16 = 12, zone: UInt16 = 18
        static let addresses: UInt16 = 1, ports: UInt16 = 2
        static let number: UInt16 = 1, sourcePort: UInt16 = 2, destinationPort: UInt16 = 3
        static func source(_ family: IPFamily) -> UInt16 { family == .ipv4 ? 1 : 3 }
        static func destination(_ family: IPFamily) -> UInt16 { family == .ipv4 ? 2 : 4 }
        static let nested: UInt16 = 0x8000
    }

    private static let subsystem: UInt16 = 1 << 8
    private static let new = subsystem, get = subsystem | 1, delete = subsystem | 2
    private static let request: UInt16 = 1, acknowledge: UInt16 = 4, dump: UInt16 = 0x300
    private static let errorType: UInt16 = 2, doneType: UInt16 = 3
    static let udp: UInt8 = 17

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { bytes(number.bigEndian) }

    private static func message(_ type: UInt16, _ flags: UInt16, _ family: IPFamily, _ attributes: [UInt8]) -> [UInt8] {
        let family = UInt8(family == .ipv4 ? AF_INET : AF_INET6)
        return bytes(UInt32(20 + attributes.count)) + bytes(type) + bytes(flags) + bytes(UInt32(1)) + bytes(UInt32(0))
            + [family, 0, 0, 0] + attributes
    }

    private static func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        return bytes(UInt16(4 + value.count)) + bytes(type) + value + padding
    }

    /// Asks for all entries of a family.
    static func list(_ family: IPFamily) -> [UInt8] { message(get, request | dump, family, []) }

    /// Asks for one entry to be deleted; answered with an acknowledgement.
    static func delete(_ flow: Flow) -> [UInt8] {
        let family = flow.destination.family
        let addresses =
            attribute(Attribute.source(family), flow.source.bytes)
            + attribute(Attribute.destination(family), flow.destination.bytes)
        let ports =
            attribute(Attribute.number, [udp])
            + attribute(Attribute.sourcePort, bigEndian(UInt16(truncatingIfNeeded: flow.sourcePort)))
            + attribute(Attribute.destinationPort, bigEndian(UInt16(truncatingIfNeeded: flow.destinationPort)))
        var attributes = attribute(
            Attribute.original | Attribute.nested,
            attribute(Attribute.addresses | Attribute.nested, addresses)
                + attribute(Attribute.ports | Attribute.nested, ports))
        if let identifier = flow.identifier { attributes += attribute(Attribute.identifier, bigEndian(identifier)) }
        if let zone = flow.zone { attributes += attribute(Attribute.zone, bigEndian(zone)) }
        return message(delete, request | acknowledge, family, attributes)
    }

    /// What a packet from the kernel holds.
    struct Answer: Sendable, Hashable {
        var flows: [Flow] = []
        /// Nothing more is coming.
        var isComplete = false
        /// `errno`, where the kernel refused; 0 is an acknowledgement.
        var error: Int32?
    }

    static func parse(_ packet: [UInt8]) -> Answer {
        var answer = Answer()
        var rest = packet[...]
        while rest.count >= 16 {
            let length = Int(number(rest, UInt32.self)), type = number(rest.dropFirst(4), UInt16.self)
            guard length >= 16, length <= rest.count else { break }
            let body = rest.prefix(length).dropFirst(16)
            switch type {
            case doneType: answer.isComplete = true
            case errorType:
                answer.isComplete = true
                if body.count >= 4 { answer.error = -number(body, Int32.self) }
            case new: if body.count >= 4, let flow = flow(body.dropFirst(4)) { answer.flows.append(flow) }
            default: break
            }
            rest = rest.dropFirst(min(length + (4 - length % 4) % 4, rest.count))
        }
        return answer
    }

    private static func number<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _: Number.Type) -> Number {
        bytes.prefix(Number.bitWidth / 8).enumerated().reduce(0) { $0 | Number($1.element) << Number($1.offset * 8) }
    }

    private static func attributes(_ bytes: ArraySlice<UInt8>) -> [UInt16: ArraySlice<UInt8>] {
        var found: [UInt16: ArraySlice<UInt8>] = [:]
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(number(rest, UInt16.self))
            guard length >= 4, length <= rest.count else { break }
            found[number(rest.dropFirst(2), UInt16.self) & 0x3fff] = rest.prefix(length).dropFirst(4)
            rest = rest.dropFirst(min(length + (4 - length % 4) % 4, rest.count))
        }
        return found
    }

    private struct Tuple {
        let source: IPAddress, sourcePort: Int
        let destination: IPAddress, destinationPort: Int
    }

    private static func tuple(_ bytes: ArraySlice<UInt8>?) -> Tuple? {
        guard let bytes else { return nil }
        let parts = attributes(bytes)
        guard let addresses = parts[Attribute.addresses].map(attributes),
            let ports = parts[Attribute.ports].map(attributes), ports[Attribute.number]?.first == udp
        else { return nil }
        func port(_ type: UInt16) -> Int? {
            guard let bytes = ports[type], bytes.count == 2 else { return nil }
            return bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        for family in IPFamily.allCases {
            let size = family == .ipv4 ? 4 : 16
            guard let source = addresses[Attribute.source(family)], source.count == size,
                let destination = addresses[Attribute.destination(family)], destination.count == size,
                let sourcePort = port(Attribute.sourcePort), let destinationPort = port(Attribute.destinationPort)
            else { continue }
            return Tuple(
                source: IPAddress(family: family, bytes: Array(source)), sourcePort: sourcePort,
                destination: IPAddress(family: family, bytes: Array(destination)), destinationPort: destinationPort)
        }
        return nil
    }

    /// Nil for what is not UDP.
    private static func flow(_ bytes: ArraySlice<UInt8>) -> Flow? {
        let parts = attributes(bytes)
        guard let original = tuple(parts[Attribute.original]), let reply = tuple(parts[Attribute.reply]) else {
            return nil
        }
        var flow = Flow(
            source: original.source, sourcePort: original.sourcePort, destination: original.destination,
            destinationPort: original.destinationPort, replySource: reply.source, replySourcePort: reply.sourcePort)
        flow.identifier = parts[Attribute.identifier].map { $0.reduce(0) { $0 << 8 | UInt32($1) } }
        flow.zone = parts[Attribute.zone].map { $0.reduce(0) { $0 << 8 | UInt16($1) } }
        return flow
    }
}

/// The kernel's table of connections, of this network namespace.
enum Conntrack {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Deletes the UDP entries of a family that `isStale` says.
    /// - Returns: how many were deleted.
    @discardableResult
    static func delete(_ family: IPFamily, where isStale: @escaping @Sendable (Flow) -> Bool) async throws -> Int {
        try await NIOThreadPool.singleton.runIfActive {
            let socket = try open()
            defer { close(socket) }
            let stale = try exchange(socket, ConntrackMessage.list(family)).filter(isStale)
            // What was over in the meantime is as good as deleted.
            for flow in stale { _ = try? exchange(socket, ConntrackMessage.delete(flow)) }
            return stale.count
        }
    }

    private static func open() throws -> Int32 {
        // AF_NETLINK, NETLINK_NETFILTER of linux/netlink.h
        let descriptor = socket(16, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 12)
        guard descriptor >= 0 else { throw failure("a netlink socket") }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    private static func failure(_ what: String, _ number: Int32 = errno) -> Failure {
        Failure(description: "\(what): \(String(cString: strerror(number)))")
    }

    private static func exchange(_ socket: Int32, _ message: [UInt8]) throws -> [Flow] {
        guard send(socket, message, message.count, 0) == message.count else { throw failure("conntrack") }
        var flows: [Flow] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("conntrack") }
            let answer = ConntrackMessage.parse(Array(buffer[..<count]))
            flows += answer.flows
            if let error = answer.error, error != 0 { throw failure("conntrack", error) }
            if answer.isComplete { return flows }
        }
    }
}
