import Countersign
import Foundation
import ScenarioPlayer
import Testing

/// The shared vectors, through the library.
@Suite("Vectors")
struct VectorTests {
    private func read() throws -> JSON {
        try JSON(Data(contentsOf: Table.root.appendingPathComponent("tests/vectors/countersign.json")))
    }

    private func list(_ file: JSON, _ name: String, _ atLeast: Int) throws -> [JSON] {
        let cases = try #require(file[name].list)
        #expect(cases.count >= atLeast)
        return cases
    }

    /// The inputs of an accepted case: its own, and the usual ones beside them.
    private func inputs(_ file: JSON, _ accepted: JSON) throws -> [String: JSON] {
        let usual = try #require(file["usual"].members)
        return usual.merging(try #require(accepted["inputs"].members)) { _, own in own }
    }

    private func check(_ name: String, _ inputs: JSON) throws -> JSON {
        try JSON(text: checkVector(check: name, inputs: inputs.description))
    }

    /// The stable code of a refusal, as the variant that it is.
    private func refusal(_ name: String, _ inputs: JSON) -> String? {
        do {
            _ = try checkVector(check: name, inputs: inputs.description)
            return nil
        } catch {
            return JSON.code(of: error)
        }
    }

    @Test func whatIsAcceptedGivesWhatItSays() throws {
        let file = try read()
        for one in try list(file, "accepted", 49) {
            let name = try #require(one["name"].text)
            #expect(try check(#require(one["check"].text), .object(inputs(file, one))) == one["gives"], "\(name)")
        }
    }

    @Test func whatIsRefusedHasItsCode() throws {
        let file = try read()
        let accepted = try list(file, "accepted", 49)
        for one in try list(file, "refused", 402) {
            let like = try #require(accepted.first { $0["name"] == one["like"] })
            let instead = try #require(one["instead"].members)
            let inputs = try self.inputs(file, like).merging(instead) { _, instead in instead }
            let code = refusal(try #require(like["check"].text), .object(inputs))
            #expect(code == one["code"].text, "\(one["name"]), like \(one["like"])")
        }
    }
}
