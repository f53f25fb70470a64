/// The tree that the parser makes of an expression, and in which the checker notes what it finds out.

/// A node of the tree. A class, because macros share parts of it and the checker writes into it; it never leaves the
/// compilation.
final class Expression {
    indirect enum Kind {
        case literal(CELValue)
        case identifier(String)
        case select(Expression, field: String, testOnly: Bool)
        case call(target: Expression?, function: String, arguments: [Expression])
        /// The positions of the elements that are written with `?`.
        case list([Expression], optional: Set<Int>)
        case map([MapEntry])
        case structure(String, [FieldInitializer])
        case comprehension(Comprehension)
    }

    struct MapEntry {
        let key: Expression
        let value: Expression
        let isOptional: Bool
    }

    struct FieldInitializer {
        let name: String
        let value: Expression
        let isOptional: Bool
        /// Where the colon is.
        let offset: Int
    }

    /// A fold: `accumulator` starts as `initial` and becomes `step` for each element of `range` while `condition`
    /// holds; the value is `result`.
    struct Comprehension {
        let range: Expression
        let variable: String
        /// The second variable of a comprehension over indexes and values, or keys and values.
        let secondVariable: String?
        let accumulator: String
        let initial: Expression
        let condition: Expression
        let step: Expression
        let result: Expression
    }

    let id: Int
    /// Code points from the beginning of the text to where errors about this node are shown.
    let offset: Int
    var kind: Kind
    /// Set by the checker.
    var type: CELType?
    /// The overloads that may be meant, set by the checker.
    var overloads: [String] = []

    init(id: Int, offset: Int, _ kind: Kind) {
        self.id = id
        self.offset = offset
        self.kind = kind
    }

    /// The dotted name that `a.b.c` spells; nil for anything else.
    var qualifiedName: String? {
        switch kind {
        case .identifier(let name): name
        case .select(let operand, let field, testOnly: false): operand.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }

    var literalString: String? {
        if case .literal(.string(let text)) = kind { text } else { nil }
    }
}

/// The names that operators have as functions.
enum Operator {
    static let conditional = "_?_:_"
    static let and = "_&&_"
    static let or = "_||_"
    static let not = "!_"
    static let negate = "-_"
    static let equals = "_==_"
    static let notEquals = "_!=_"
    static let add = "_+_"
    static let index = "_[_]"
    static let optionalIndex = "_[?_]"
    static let optionalSelect = "_?._"
    static let `in` = "@in"
    static let notStrictlyFalse = "@not_strictly_false"
    static let mapInsert = "cel.@mapInsert"

    static let relations = [
        "<": "_<_", "<=": "_<=_", ">": "_>_", ">=": "_>=_", "==": equals, "!=": notEquals, "in": `in`,
    ]
    static let sums = ["+": add, "-": "_-_"]
    static let products = ["*": "_*_", "/": "_/_", "%": "_%_"]
}
