/// Regular expressions with RE2's syntax and in linear time.
///
/// Specified in https://github.com/google/re2/wiki/Syntax; messages are those of Go's `regexp`. A pattern becomes a
/// nondeterministic automaton that is run over the text with all its states at once, so that no pattern can make it go
/// back; the work of one search is limited all the same.
public struct RegularExpression: Sendable {
    /// Why a pattern is none.
    public struct Problem: Error, Equatable {
        public let message: String
        public init(message: String) { self.message = message }
    }

    /// A search took more steps than one may.
    public struct Exhausted: Error {}

    /// Steps of the automaton that one search may take; a few seconds at most.
    static let mostSteps = 200_000_000

    private let program: RegexProgram
    private let mostSteps: Int

    public init(_ pattern: String) throws(Problem) { try self.init(pattern, mostSteps: Self.mostSteps) }

    init(_ pattern: String, mostSteps: Int) throws(Problem) {
        self.mostSteps = mostSteps
        var parser = RegexParser(pattern)
        var compiler = RegexCompiler()
        program = try compiler.compile(try parser.parse())
    }

    /// Whether some part of `text` matches.
    public func isFound(in text: String) throws(Exhausted) -> Bool {
        var search = Search(program, Array(text.unicodeScalars), stepsLeft: mostSteps)
        return try search.find(from: 0, wantsRange: false) != nil
    }

    /// The matches from left to right that do not overlap, at most `limit`.
    public func matches(in text: String, limit: Int) throws(Exhausted) -> [String] {
        var search = Search(program, Array(text.unicodeScalars), stepsLeft: mostSteps)
        var found: [String] = []
        var position = 0
        var previousEnd = -1
        while found.count < limit, position <= search.text.count,
            let range = try search.find(from: position, wantsRange: true)
        {
            var isAccepted = true
            if range.isEmpty {
                // Right behind a match, nothing is no further match.
                isAccepted = range.lowerBound != previousEnd
                position = range.upperBound + 1
            } else {
                position = range.upperBound
            }
            previousEnd = range.upperBound
            if isAccepted { found.append(String(String.UnicodeScalarView(search.text[range]))) }
        }
        return found
    }

    /// One run of the automaton over a text.
    private struct Search {
        let text: [Unicode.Scalar]
        private let program: RegexProgram
        private var stepsLeft: Int
        /// For each instruction, the position for which it was last taken up.
        private var marks: [Int]
        private var generation = 0

        init(_ program: RegexProgram, _ text: [Unicode.Scalar], stepsLeft: Int) {
            self.program = program
            self.text = text
            self.stepsLeft = stepsLeft
            marks = [Int](repeating: -1, count: program.instructions.count)
        }

        private struct Thread {
            let instruction: Int
            let start: Int
        }

        /// The leftmost match; of several there, the one that comes first in the pattern.
        mutating func find(from start: Int, wantsRange: Bool) throws(Exhausted) -> Range<Int>? {
            var threads: [Thread] = []
            var next: [Thread] = []
            var found: Range<Int>?
            var position = start
            generation += 1
            while true {
                if found == nil, !program.isAnchored || position == 0 {
                    try add(program.start, position, position, to: &threads)
                }
                if threads.isEmpty, found != nil || program.isAnchored { return found }
                generation += 1
                next.removeAll(keepingCapacity: true)
                for thread in threads {
                    let instruction = program.instructions[thread.instruction]
                    if case .match = instruction {
                        found = thread.start..<position
                        if !wantsRange { return found }
                        break
                    }
                    if position < text.count, instruction.accepts(text[position], program.sets) {
                        try add(thread.instruction + 1, thread.start, position + 1, to: &next)
                    }
                }
                swap(&threads, &next)
                if position >= text.count { return found }
                position += 1
            }
        }

        /// Takes up an instruction and all that can be reached from it without reading on.
        private mutating func add(
            _ first: Int, _ start: Int, _ position: Int, to threads: inout [Thread]
        ) throws(Exhausted) {
            var open = [first]
            while let index = open.popLast() {
                guard marks[index] != generation else { continue }
                marks[index] = generation
                stepsLeft -= 1
                if stepsLeft < 0 { throw Exhausted() }
                switch program.instructions[index] {
                case .jump(let target): open.append(target)
                case .split(let preferred, let other):
                    open.append(other)
                    open.append(preferred)
                case .assert(let assertion): if holds(assertion, position) { open.append(index + 1) }
                default: threads.append(Thread(instruction: index, start: start))
                }
            }
        }

        private func holds(_ assertion: RegexAssertion, _ position: Int) -> Bool {
            switch assertion {
            case .textStart: return position == 0
            case .textEnd: return position == text.count
            case .lineStart: return position == 0 || text[position - 1] == "\n"
            case .lineEnd: return position == text.count || text[position] == "\n"
            case .wordBoundary, .noWordBoundary:
                let before = position > 0 && RegexSet.word.contains(text[position - 1])
                let after = position < text.count && RegexSet.word.contains(text[position])
                return (before != after) == (assertion == .wordBoundary)
            }
        }
    }
}

/// What a pattern is made of.
indirect enum RegexNode {
    case empty
    case scalar(Unicode.Scalar, foldsCase: Bool)
    case any(includingNewline: Bool)
    case set(RegexSet)
    case assertion(RegexAssertion)
    case sequence([RegexNode])
    case alternatives([RegexNode])
    /// `maximum` is nil for any number.
    case repetition(RegexNode, minimum: Int, maximum: Int?, isLazy: Bool)
}

enum RegexAssertion: Sendable { case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary }

/// The instructions of the automaton. Those that read a code point go on to the next one.
struct RegexProgram: Sendable {
    enum Instruction: Sendable {
        case scalar(Unicode.Scalar)
        case foldedScalar(Unicode.Scalar)
        case any
        case anyButNewline
        case set(Int)
        case jump(Int)
        case split(preferred: Int, Int)
        case assert(RegexAssertion)
        case match

        func accepts(_ scalar: Unicode.Scalar, _ sets: [RegexSet]) -> Bool {
            switch self {
            case .scalar(let own): own == scalar
            case .foldedScalar(let own): RegexSet.folded(scalar) == own
            case .any: true
            case .anyButNewline: scalar != "\n"
            case .set(let index): sets[index].contains(scalar)
            default: false
            }
        }
    }

    var instructions: [Instruction] = []
    var sets: [RegexSet] = []
    let start = 0
    /// Whether only the beginning of the text can match.
    var isAnchored = false
}

/// Lays a pattern out as instructions.
struct RegexCompiler {
    private static let mostInstructions = 50_000
    private var program = RegexProgram()

    mutating func compile(_ node: RegexNode) throws(RegularExpression.Problem) -> RegexProgram {
        try emit(node)
        try append(.match)
        if case .assert(.textStart)? = program.instructions.first { program.isAnchored = true }
        return program
    }

    private mutating func append(_ instruction: RegexProgram.Instruction) throws(RegularExpression.Problem) {
        guard program.instructions.count < Self.mostInstructions else {
            throw RegularExpression.Problem(message: "error parsing regexp: expression too large")
        }
        program.instructions.append(instruction)
    }

    private var next: Int { program.instructions.count }

    private mutating func emit(_ node: RegexNode) throws(RegularExpression.Problem) {
        switch node {
        case .empty: break
        case .scalar(let scalar, let foldsCase):
            try append(foldsCase ? .foldedScalar(RegexSet.folded(scalar)) : .scalar(scalar))
        case .any(let includingNewline): try append(includingNewline ? .any : .anyButNewline)
        case .set(let set):
            program.sets.append(set)
            try append(.set(program.sets.count - 1))
        case .assertion(let assertion): try append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternatives(let nodes):
            var jumps: [Int] = []
            for (position, node) in nodes.enumerated() {
                guard position < nodes.count - 1 else {
                    try emit(node)
                    break
                }
                let split = next
                try append(.match)
                try emit(node)
                jumps.append(next)
                try append(.match)
                program.instructions[split] = .split(preferred: split + 1, next)
            }
            for jump in jumps { program.instructions[jump] = .jump(next) }
        case .repetition(let node, let minimum, let maximum, let isLazy):
            for _ in 0..<minimum { try emit(node) }
            guard let maximum else {
                let split = next
                try append(.match)
                try emit(node)
                try append(.jump(split))
                program.instructions[split] = Self.split(split + 1, next, isLazy)
                return
            }
            guard maximum > minimum else { return }
            var splits: [Int] = []
            for _ in minimum..<maximum {
                splits.append(next)
                try append(.match)
                try emit(node)
            }
            for split in splits { program.instructions[split] = Self.split(split + 1, next, isLazy) }
        }
    }

    private static func split(_ inside: Int, _ beyond: Int, _ isLazy: Bool) -> RegexProgram.Instruction {
        isLazy ? .split(preferred: beyond, inside) : .split(preferred: inside, beyond)
    }
}
