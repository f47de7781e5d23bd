/// Does what the table says, step by step. It knows no scenario.
public actor Interpreter {
    private let world: World
    private let procedures: JSON
    private var phones: [String: Phone] = [:]
    private var kept: [String: JSON]

    /// In a fresh world.
    public init(world: World, procedures: JSON = Table.shared.procedures) {
        self.world = world
        self.procedures = procedures
        kept = ["folder": .text(world.folder.path)]
    }

    /// What is kept under this name.
    public func value(_ name: String) -> JSON { kept[name] ?? .null }

    /// Plays the steps, and gives what the last of them gave.
    @discardableResult
    public func play(_ steps: JSON) async throws -> JSON {
        guard let steps = steps.list else { throw Fault("steps are a list") }
        var gave = JSON.null
        for step in steps {
            gave =
                if let procedure = step["run"].text {
                    try await run(procedure, with: step["with"])
                } else if !step["repeat"].isNull {
                    try await again(step)
                } else {
                    try await act(step)
                }
        }
        return gave
    }

    private func run(_ procedure: String, with: JSON) async throws -> JSON {
        guard let given = try with.replaced(kept).members else { throw Fault("with is an object") }
        let body = procedures[procedure]
        guard !body.isNull else { throw Fault("no procedure \(procedure)") }
        for (name, value) in body["defaults"].members ?? [:] where given[name] == nil {
            kept[name] = try value.replaced(kept)
        }
        kept.merge(given) { _, given in given }
        do {
            return try await play(body["steps"])
        } catch {
            throw Fault("\(procedure): \(error)")
        }
    }

    private func again(_ step: JSON) async throws -> JSON {
        guard let from = step["from"].integer, let by = step["by"].integer, let most = step["at_most"].integer,
            let counting = step["counting"].text
        else { throw Fault("a repeat counts") }
        for count in stride(from: from, through: most, by: Int64.Stride(by)) {
            kept[counting] = .integer(count)
            do {
                let gave = try await play(step["repeat"])
                if gave.fits(try step["until"].replaced(kept)) { return gave }
            } catch {
                throw Fault("\(counting) \(count): \(error)")
            }
        }
        throw Fault("\(counting) went past \(most)")
    }

    /// A step of the world, of the relying party or of a phone.
    private func act(_ step: JSON) async throws -> JSON {
        let step = try step.replaced(kept)
        let gave =
            if let name = step["phone"].text { try await phone(name).act(step) } else { try await world.step(step) }
        let isRight =
            if let pattern = step.members?["gives"] {
                gave.fits(pattern)
            } else if step["site"].isNull {
                gave["error"].isNull
            } else {
                (200..<300).contains(gave["status"].integer ?? 0)
            }
        guard isRight else { throw Fault("\(step) gave \(gave)") }
        if let name = step["as"].text { kept[name] = gave }
        return gave
    }

    private func phone(_ name: String) -> Phone {
        if let phone = phones[name] { return phone }
        let phone = Phone(store: world.folder.appendingPathComponent(name), world: world)
        phones[name] = phone
        return phone
    }
}
