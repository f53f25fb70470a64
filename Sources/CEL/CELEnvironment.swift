import JSON

/// What expressions may name, and how they are compiled.
///
/// The functions are those that Kubernetes v1.36 gives to every expression; variables and object types are the host's.
public struct CELEnvironment: Sendable {
    /// The types of the variables.
    public let variables: [String: CELType]
    let objectTypes: [String: any CELObjectType]
    private let findObjectType: (@Sendable (String) -> (any CELObjectType)?)?
    let formats: [String: NamedFormat]
    private let hasBind: Bool
    let declarations = Declarations.standard

    /// What one evaluation may cost unless the caller says otherwise; Kubernetes' limit per call.
    public static let costLimit: UInt64 = 1_000_000

    /// - Parameters:
    ///   - objectTypes: The types that variables have and that expressions construct, by name.
    ///   - declared: Types that schemas declare; the object types within them come along.
    ///   - formats: For the library `format`, by name.
    ///   - hasBind: Whether expressions may give values names with `cel.bind`.
    ///   - findObjectType: Knows further object types, of which there are more than can be listed.
    public init(
        variables: [String: CELType], objectTypes: [String: any CELObjectType] = [:], declared: [DeclaredType] = [],
        formats: [String: NamedFormat] = [:], hasBind: Bool = false,
        findObjectType: (@Sendable (String) -> (any CELObjectType)?)? = nil
    ) {
        self.variables = variables
        self.findObjectType = findObjectType
        var found: [String: DeclaredType] = [:]
        for type in declared { type.objects(into: &found) }
        self.objectTypes = objectTypes.merging(found.mapValues { $0 as any CELObjectType }) { own, _ in own }
        self.formats = formats
        self.hasBind = hasBind
    }

    func type(ofName name: String) -> CELType? {
        if let type = variables[name] { return type }
        if let type = Declarations.typeNames[name] { return .type(type) }
        return objectType(named: name) == nil ? nil : .type(.object(name))
    }

    func objectType(named name: String) -> (any CELObjectType)? { objectTypes[name] ?? findObjectType?(name) }

    func overloads(of function: String) -> [Overload]? {
        let name = function.hasPrefix(".") ? String(function.dropFirst()) : function
        if let overloads = declarations.functions[name] { return overloads }
        guard name.hasPrefix("format."), formats[String(name.dropFirst(7))] != nil else { return nil }
        return [Overload(id: name, isMember: false, arguments: [], result: .namedFormat, parameters: [])]
    }

    /// Parses and checks an expression.
    public func compile(_ text: String) -> CELCompilation {
        let (parsed, issues) = Parser.parse(text, withBind: hasBind)
        guard let expression = parsed else {
            return CELCompilation(text: text, expression: nil, type: .error, issues: issues.issues, environment: self)
        }
        let type = Checker.check(expression, in: self, issues: issues)
        if issues.isEmpty { LiteralValidator.validate(expression, issues: issues) }
        return CELCompilation(
            text: text, expression: issues.isEmpty ? expression : nil, type: type, issues: issues.issues,
            environment: self)
    }
}

/// An expression after parsing and checking. Not for keeping: `program()` is.
public struct CELCompilation {
    public let text: String
    let expression: Expression?
    /// The type of the value; of no meaning where there are issues.
    public let type: CELType
    public let issues: [CELIssue]
    private let environment: CELEnvironment

    init(
        text: String, expression: Expression?, type: CELType, issues: [CELIssue], environment: CELEnvironment
    ) {
        self.text = text
        self.expression = expression
        self.type = type
        self.issues = issues
        self.environment = environment
    }

    /// What is wrong, as cel-go shows it; nil where nothing is.
    public var problem: String? { issues.isEmpty ? nil : CELIssue.description(of: issues, in: text) }

    /// What can be run. Throws where constants in it cannot be computed, and where there are issues.
    public func program() throws(CELError) -> CELProgram {
        guard let expression else { throw CELError(problem ?? "nothing to run") }
        var planner = Planner(environment)
        do throws(Planner.Problem) {
            let step = try planner.plan(expression)
            return CELProgram(step: step, localCount: planner.localCount, type: type)
        } catch {
            throw CELError(error.message)
        }
    }

    /// The least and the most that an evaluation may cost.
    public func cost(_ sizes: any CELSizeEstimator) -> CELCostRange {
        guard let expression else { return CELCostRange(0) }
        var estimator = CostEstimator(sizes)
        return estimator.cost(of: expression)
    }

    /// Whether the expression looks at a field of a variable by its name: `claims.email`.
    public func selects(_ field: String, of variable: String) -> Bool {
        func visit(_ expression: Expression) -> Bool {
            if case .select(let operand, field, _) = expression.kind, case .identifier(variable) = operand.kind {
                return true
            }
            return expression.parts.contains(where: visit)
        }
        return expression.map(visit) ?? false
    }

    /// The names of variables that the expression uses.
    public var usedVariables: Set<String> {
        var names: Set<String> = []
        func visit(_ expression: Expression) {
            if case .identifier(let name) = expression.kind { names.insert(name) }
            for part in expression.parts { visit(part) }
        }
        if let expression { visit(expression) }
        return names
    }
}

/// A compiled expression.
public struct CELProgram: Sendable {
    private let step: any Step
    private let localCount: Int
    public let type: CELType

    init(step: any Step, localCount: Int, type: CELType) {
        self.step = step
        self.localCount = localCount
        self.type = type
    }

    /// The value, or why there is none, and what it cost.
    public func run(
        _ variables: [String: CELValue], costLimit: UInt64 = CELEnvironment.costLimit
    ) -> (result: Result<CELValue, CELError>, cost: UInt64) {
        let run = Evaluation(variables, localCount: localCount, limit: costLimit)
        do throws(CELError) {
            return (.success(try step.evaluate(run)), run.cost)
        } catch {
            return (.failure(error), run.cost)
        }
    }
}
