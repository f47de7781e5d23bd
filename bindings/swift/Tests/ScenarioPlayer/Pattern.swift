/// A scenario that is wrong, or a step that did not give what it must.
public struct Fault: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

extension JSON {
    /// Whether this value fits a pattern.
    func fits(_ pattern: JSON) -> Bool {
        switch (pattern, self) {
        case (.object(let members), _) where members["one_of"] != nil:
            members["one_of"]?.list?.contains { fits($0) } ?? false
        case (.object(let members), .object):
            members.allSatisfy { name, member in self[name].fits(member) }
        case (.list(let patterns), .list(let values)):
            patterns.count == values.count && zip(patterns, values).allSatisfy { $1.fits($0) }
        case ("*", _):
            !isNull
        default:
            pattern == self
        }
    }

    /// This value with every `${reference}` in it replaced.
    func replaced(_ kept: [String: JSON]) throws -> JSON {
        switch self {
        case .text(let text): try Self.replaced(text, kept)
        case .list(let values): .list(try values.map { try $0.replaced(kept) })
        case .object(let members): .object(try members.mapValues { try $0.replaced(kept) })
        default: self
        }
    }

    private static func replaced(_ text: String, _ kept: [String: JSON]) throws -> JSON {
        if text.hasPrefix("${"), text.firstIndex(of: "}") == text.indices.last {
            return try lookedUp(text.dropFirst(2).dropLast(), kept)
        }
        var whole = ""
        var rest = Substring(text)
        while let opening = rest.firstRange(of: "${") {
            whole += rest[..<opening.lowerBound]
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstIndex(of: "}") else { throw Fault("\(text) has no closing brace") }
            switch try lookedUp(rest[..<closing], kept) {
            case .text(let value): whole += value
            case .integer(let value): whole += String(value)
            case .number(let value): whole += String(value)
            case let other: throw Fault("\(other) stands in the middle of \(text)")
            }
            rest = rest[rest.index(after: closing)...]
        }
        return .text(whole + rest)
    }

    private static func lookedUp(_ reference: Substring, _ kept: [String: JSON]) throws -> JSON {
        try reference.split(separator: ".").reduce(.object(kept)) { value, part in
            if case .list(let values) = value, let place = Int(part), values.indices.contains(place) {
                return values[place]
            }
            guard let member = value.members?[String(part)] else { throw Fault("nothing is kept as \(reference)") }
            return member
        }
    }
}
