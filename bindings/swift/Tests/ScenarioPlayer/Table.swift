import Foundation

/// The table that every language reads: `tests/scenarios/scenarios.json`.
public struct Table: Sendable {
    public let procedures: JSON
    public let scenarios: [JSON]

    /// The folder of the whole project.
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The table of the project; without scenarios when there is none, which is for the tests to say.
    public static let shared =
        (try? Data(contentsOf: root.appendingPathComponent("tests/scenarios/scenarios.json")))
        .flatMap { try? Table($0) } ?? Table(procedures: .null, scenarios: [])

    /// Reads a table.
    public init(_ data: Data) throws {
        let table = try JSON(data)
        self.init(procedures: table["procedures"], scenarios: table["scenarios"].list ?? [])
    }

    public init(procedures: JSON, scenarios: [JSON]) {
        self.procedures = procedures
        self.scenarios = scenarios
    }

    /// The names of the scenarios, in their order.
    public var names: [String] { scenarios.compactMap(\.["name"].text) }

    /// Plays one scenario in a world of its own.
    public func play(_ name: String) async throws {
        guard let scenario = scenarios.first(where: { $0["name"].text == name }) else {
            throw Fault("there is no scenario \(name)")
        }
        let world = try await World.begin()
        do {
            _ = try await Interpreter(world: world, procedures: procedures).play(scenario["steps"])
        } catch {
            await world.end()
            throw error
        }
        await world.end()
    }
}
