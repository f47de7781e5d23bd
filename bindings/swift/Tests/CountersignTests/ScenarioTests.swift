import Foundation
import ScenarioPlayer
import Testing

/// The names of the scenarios that passed in this run, one a line, in the folder of the build.
private let passedFile = Built.folder.appendingPathComponent("scenarios-passed.txt")
private let passed = Guarded<Set<String>>([])

@Suite("Scenarios", .serialized)
struct ScenarioTests {
    @Test(arguments: Table.shared.names)
    func scenario(name: String) async throws {
        try await Table.shared.play(name)
        #expect(Callbacks.onMainThread == [])
        let names = passed.with {
            $0.insert(name)
            return $0.sorted()
        }
        try Data(names.map { $0 + "\n" }.joined().utf8).write(to: passedFile, options: .atomic)
    }

    @Test func theTableIsThere() throws {
        let names = Table.shared.names
        // So the script `test` counts them, which must know how many there are when this process has crashed.
        let file = Table.root.appendingPathComponent("tests/scenarios/scenarios.json")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("      \"name\":") } == names.count)
        #expect(names.count >= 40)
        #expect(Set(names).count == names.count)
        #expect(names.count == Table.shared.scenarios.count)
    }

    /// One other outcome in the table is a failure here: what is expected is read from it and nowhere else.
    @Test func anotherOutcomeInTheTableFails() async throws {
        let file = Table.root.appendingPathComponent("tests/scenarios/scenarios.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        let name = "link_that_is_none"
        let start = try #require(text.range(of: "\"name\": \"\(name)\""))
        let outcome = try #require(text.range(of: "\"malformed\"", range: start.upperBound..<text.endIndex))
        let flipped = try Table(Data(text.replacingCharacters(in: outcome, with: "\"unreachable\"").utf8))
        try await Table(Data(text.utf8)).play(name)
        await #expect(throws: Fault.self) { try await flipped.play(name) }
    }

    @Test func whatIsNoStepIsAFailure() async throws {
        for steps: JSON in [
            [["phone": "maya", "does": "dance"]], [["world": "dance"]], [["run": "dance", "with": [:]]],
            [["phone": "maya", "does": "enrol", "link": "${nothing}"]], [["site": "POST /v1/nothing"]], "dance",
        ] {
            let table = Table(procedures: [:], scenarios: [["name": "wrong", "steps": steps]])
            await #expect(throws: Fault.self, "\(steps)") { try await table.play("wrong") }
        }
    }
}
