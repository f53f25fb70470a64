// Conditions on devices, as device classes and claims have them: `device.attributes["gpu.example.com"].memory > 10`.

import KubeTypes

/// A compiled selector of resource.k8s.io (CELDeviceSelector; KEP-4381). The API server refuses those that are wrong,
/// the scheduler runs them.
public struct DeviceSelector: Sendable {
    /// What is wrong with the text of a selector.
    public struct Problem: Error, Sendable, Hashable {
        public let detail: String
        /// Not the author's fault.
        public let isInternal: Bool
    }

    /// The most that one evaluation may cost, at the worst and in fact.
    public static let costLimit: UInt64 = 1_000_000

    private let program: CELProgram
    /// What an evaluation may cost at the worst.
    public let worstCost: UInt64

    private static let device = "device"
    private static let attribute = DeclaredType(.any, isNullable: true, maxElements: 64, minSerializedSize: 1)
    private static let attributes = DeclaredType.map(attribute, maxElements: 32)
    private static let quantity = DeclaredType.scalar(.quantity, minSerializedSize: 8)
    private static let amounts = DeclaredType.map(quantity, maxElements: 32)
    private static let declared: DeclaredType = {
        func field(_ name: String, _ type: DeclaredType) -> (String, DeclaredType.Field) {
            (name, .init(jsonName: name, type: type))
        }
        let fields = [
            field("driver", .scalar(.string, maxElements: 63, minSerializedSize: 2)),
            field("allowMultipleAllocations", .scalar(.bool, maxElements: 1, minSerializedSize: 4)),
            field("attributes", .map(attributes, maxElements: 32)),
            field("capacity", .map(amounts, maxElements: 32)),
        ]
        return .object("kubernetes.DRADevice", fields: Dictionary(uniqueKeysWithValues: fields))
    }()

    /// The sizes of what is below `device`. Attributes are as large under every name.
    private struct Sizes: CELSizeEstimator {
        func size(at path: [String]) -> CELCostRange? {
            guard path.first == device else { return nil }
            var type = declared
            for name in path.dropFirst() {
                switch name {
                case "@items", "@values":
                    guard let element = type.element else { return nil }
                    type = element
                case "@keys":
                    // Domains outside, identifiers inside.
                    guard let element = type.element else { return nil }
                    return CELCostRange(0, element.element == nil ? 32 : 63)
                default:
                    if let field = type.fields?[name] {
                        type = field.type
                    } else if type === attributes {
                        type = attribute
                    } else {
                        return nil
                    }
                }
            }
            return CELCostRange(0, type.maxElements)
        }
    }

    /// - Parameter formats: For the library `format`, by name.
    public init(_ text: String, formats: [String: NamedFormat]) throws(Problem) {
        let environment = CELEnvironment(
            variables: [Self.device: Self.declared.type], declared: [Self.declared], formats: formats,
            hasBind: true)
        let compilation = environment.compile(text)
        if let problem = compilation.problem {
            throw Problem(detail: "compilation failed: \(problem)", isInternal: false)
        }
        guard compilation.type == .bool || compilation.type == .dyn else {
            throw Problem(
                detail: "must evaluate to bool or the unknown type, not \(compilation.type)", isInternal: false)
        }
        do throws(CELError) {
            program = try compilation.program()
        } catch {
            throw Problem(detail: "program instantiation failed: \(error.message)", isInternal: false)
        }
        worstCost = compilation.cost(Sizes()).maximum
    }

    public func matches(_ device: DeviceValue) throws(CELError) -> Bool {
        switch program.run([Self.device: device.value], costLimit: Self.costLimit).result {
        case .success(.bool(let result)): return result
        case .success(let other):
            throw CELError("CEL result of type \(other.type.name) could not be converted to bool")
        case .failure(let error): throw error
        }
    }
}

/// A device as selectors see it.
public struct DeviceValue: Sendable {
    public enum Attribute: Sendable, Hashable {
        case bool(Bool)
        case int(Int64)
        case string(String)
        /// By semver 2.0.0.
        case version(String)
    }

    let value: CELValue

    /// - Parameters:
    ///   - attributes: By name; those without a domain are in the driver's.
    ///   - capacity: In the same way.
    /// - Throws: where a version is none.
    public init(
        driver: String, allowsMultipleAllocations: Bool, attributes: [String: Attribute], capacity: [String: Quantity]
    ) throws(CELError) {
        var values: [String: CELValue] = [:]
        for (name, attribute) in attributes {
            switch attribute {
            case .bool(let bool): values[name] = .bool(bool)
            case .int(let int): values[name] = .int(int)
            case .string(let text): values[name] = .string(text)
            case .version(let text):
                do throws(CELError) {
                    values[name] = .object(try SemverValue(text))
                } catch {
                    throw CELError("attribute \(name): parse semantic version: \(error.message)")
                }
            }
        }
        value = .map(
            .values(
                CELDictionary(fields: [
                    "driver": .string(driver), "allowMultipleAllocations": .bool(allowsMultipleAllocations),
                    "attributes": Self.byDomain(values, driver),
                    "capacity": Self.byDomain(capacity.mapValues { .object(QuantityValue($0)) }, driver),
                ])))
    }

    /// Names in their domains. A domain that is not there is an empty one, so that a selector need not ask first.
    private static func byDomain(_ values: [String: CELValue], _ driver: String) -> CELValue {
        var domains: [String: [String: CELValue]] = [:]
        for (name, value) in values {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            domains[parts.count == 2 ? parts[0] : driver, default: [:]][parts.last ?? ""] = value
        }
        return .map(
            .values(
                CELDictionary(
                    fields: domains.mapValues { .map(.values(CELDictionary(fields: $0))) }, holdsEmptyMaps: true)))
    }
}
