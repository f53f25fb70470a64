// The answer to a DNS query, as a function of the query and of what the cluster's names stand for.
//
// Specified by https://github.com/kubernetes/dns/blob/master/docs/specification.md, version 1.1.0.

/// What to do about a query.
enum DNSOutcome: Sendable, Hashable {
    case answer(DNSMessage)
    /// The name is not ours: ask a resolver of the machine.
    case forward
    /// The name is ours and stands for one that is not: ask for `target`, and answer with both.
    case chase(DNSMessage, target: DNSName)
    /// No query at all; an answer could be answered in turn, without end.
    case ignore
}

struct Answerer: Sendable {
    /// Of cluster IPs, which stay as long as their Service.
    static let serviceTTL: UInt32 = 30
    /// Of endpoints, and of the absence of a name.
    static let endpointTTL: UInt32 = 5
    /// The largest UDP message that we take and, without being asked, the size that no path should have to fragment.
    static let payloadSize: UInt16 = 1232
    static let aliasLimit = 8

    let domain: DNSName
    private let domainLabels: [String]
    /// The addresses of the DNS server as the cluster knows them.
    let serverAddresses: [AddressBytes]
    /// Reverse names in these ranges are ours even if nothing has them.
    let reverseRanges: [AddressRange]

    init(domain: DNSName, serverAddresses: [AddressBytes] = [], reverseRanges: [AddressRange] = []) {
        self.domain = domain
        domainLabels = domain.texts
        self.serverAddresses = serverAddresses
        self.reverseRanges = reverseRanges
    }

    /// - Parameters:
    ///   - records: changed only in that a table of reverse names may be made on the way.
    ///   - ready: false as long as the cluster's objects have not been read.
    ///   - rotation: any number; answers with several addresses begin with another one for another number.
    func outcome(
        _ query: DNSMessage, _ records: inout DNSRecords, ready: Bool = true, rotation: Int = 0
    ) -> DNSOutcome {
        guard !query.isResponse else { return .ignore }
        var response = Self.response(to: query)
        func fail(_ code: UInt16) -> DNSOutcome {
            response.responseCode = code
            return .answer(response)
        }
        if let edns = query.edns, edns.version != 0 { return fail(DNSResponseCode.badVersion) }
        guard query.opcode == 0 else { return fail(DNSResponseCode.notImplemented) }
        guard query.questions.count == 1, let question = query.questions.first else {
            return fail(DNSResponseCode.formatError)
        }
        guard question.class == 1, question.type != .axfr, question.type != .ixfr else {
            return fail(DNSResponseCode.refused)
        }
        let labels = question.name.texts
        let isOurs: Bool
        if Self.has(labels, suffix: domainLabels) {
            isOurs = true
        } else if let address = ReverseName.address(labels) {
            isOurs = reverseRanges.contains { $0.contains(address) } || !records.names(of: address).isEmpty
        } else {
            isOurs = false
        }
        guard isOurs else { return .forward }
        guard ready else { return fail(DNSResponseCode.serverFailure) }
        return answer(question, labels, &response, &records, rotation)
    }

    static func response(to query: DNSMessage) -> DNSMessage {
        var response = DNSMessage()
        response.id = query.id
        response.isResponse = true
        response.opcode = query.opcode
        response.recursionDesired = query.recursionDesired
        response.recursionAvailable = true
        response.questions = query.questions
        if query.edns != nil { response.edns = DNSExtension(payloadSize: payloadSize) }
        return response
    }

    private static func has(_ labels: [String], suffix: [String]) -> Bool {
        labels.count >= suffix.count && labels.suffix(suffix.count).elementsEqual(suffix)
    }

    private func answer(
        _ question: DNSQuestion, _ labels: [String], _ response: inout DNSMessage, _ records: inout DNSRecords,
        _ rotation: Int
    ) -> DNSOutcome {
        response.authoritative = true
        var name = question.name, labels = labels
        for _ in 0..<Self.aliasLimit {
            let found: DNSLookup
            if Self.has(labels, suffix: domainLabels) {
                let below = Array(labels.dropLast(domainLabels.count))
                found = lookup(below, name, question.type, records)
            } else if let address = ReverseName.address(labels) {
                found = reverse(address, name, question.type, &records)
            } else {
                return .chase(response, target: name)
            }
            switch found {
            case .records(let answers, let additionals):
                response.answers += Self.rotated(answers, by: rotation)
                response.additionals += additionals
                return .answer(response)
            case .alias(let target):
                response.answers.append(
                    DNSRecord(name: name, ttl: Self.endpointTTL, payload: .name(.cname, target)))
                if question.type == .cname { return .answer(response) }
                name = target
                labels = target.texts
            case .noData, .noName:
                if case .noName = found { response.responseCode = DNSResponseCode.nameError }
                response.authorities = [authority(records.serial)]
                return .answer(response)
            }
        }
        response.responseCode = DNSResponseCode.serverFailure
        return .answer(response)
    }

    /// Turns the answers so that clients which take the first one spread over all.
    private static func rotated(_ answers: [DNSRecord], by rotation: Int) -> [DNSRecord] {
        guard answers.count > 1 else { return answers }
        let start = ((rotation % answers.count) + answers.count) % answers.count
        return Array(answers[start...] + answers[..<start])
    }

    func authority(_ serial: UInt32) -> DNSRecord {
        DNSRecord(
            name: domain, ttl: Self.endpointTTL,
            payload: .authority(
                server: serverName, mailbox: Self.below(["hostmaster"], domain), serial: serial, refresh: 7200,
                retry: 1800, expire: 86400, minimum: Self.endpointTTL))
    }

    var serverName: DNSName { Self.below(["ns", "dns"], domain) }

    static func below(_ labels: [String], _ name: DNSName) -> DNSName {
        DNSName(labels: labels.map { Array($0.utf8) } + name.labels)
    }
}
