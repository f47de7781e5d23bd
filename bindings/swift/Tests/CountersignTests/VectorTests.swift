import Countersign
import Foundation
import ScenarioPlayer
import Testing

/// The shared vectors, through the library.
@Suite("Vectors")
struct VectorTests {
    private static let folder = Table.root.appendingPathComponent("tests/vectors")

    private func read(_ name: String) throws -> JSON {
        try JSON(Data(contentsOf: Self.folder.appendingPathComponent(name)))
    }

    private func list(_ file: JSON, _ name: String, _ atLeast: Int) throws -> [JSON] {
        let cases = try #require(file[name].list)
        #expect(cases.count >= atLeast)
        return cases
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

    @Test func everyFileIsReadHere() throws {
        let read = ["countersign", "rfc4226", "rfc6238", "rfc7515", "rfc7638", "rfc8188", "rfc8291", "rfc9180"]
        let found = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(found) == Set(read.map { $0 + ".json" } + ["README.md"]))
    }

    @Test func whatIsAcceptedGivesWhatItSays() throws {
        for one in try list(read("countersign.json"), "accepted", 49) {
            let name = try #require(one["name"].text)
            #expect(try check(#require(one["check"].text), one["inputs"]) == one["gives"], "\(name)")
        }
    }

    @Test func whatIsRefusedHasItsCode() throws {
        let file = try read("countersign.json")
        let accepted = try list(file, "accepted", 49)
        for one in try list(file, "refused", 402) {
            let like = try #require(accepted.first { $0["name"] == one["like"] })
            let instead = try #require(one["instead"].members)
            let inputs = try #require(like["inputs"].members).merging(instead) { _, instead in instead }
            let code = refusal(try #require(like["check"].text), .object(inputs))
            #expect(code == one["code"].text, "\(one["name"]), like \(one["like"])")
        }
    }

    @Test func codesAreThePublishedOnes() throws {
        let hotp = try read("rfc4226.json")
        for one in try list(hotp, "vectors", 10) {
            let inputs: JSON = ["secret_hex": hotp["secret_hex"], "digits": hotp["digits"], "count": one["count"]]
            #expect(try check("hotp", inputs) == ["code_utf8": one["hotp_utf8"]])
        }
        let totp = try read("rfc6238.json")
        for one in try list(totp, "vectors", 18) {
            let seed = totp["seeds"][try #require(one["mode"].text)]
            let inputs: JSON = [
                "secret_hex": seed["seed_hex"], "algorithm": one["mode"], "digits": totp["digits"],
                "period": totp["time_step"], "time": one["time"],
            ]
            #expect(try check("totp", inputs) == ["code_utf8": one["totp_utf8"]])
        }
    }

    @Test func keysVerifyAndHaveTheirThumbprints() throws {
        let file = try read("rfc7515.json")
        let header = try #require(file["protected_header_b64u"].text)
        let input = "\(header).\(try #require(file["payload_b64u"].text))"
        let inputs = { (input: String) -> JSON in
            ["jwk": file["jwk"], "input_utf8": .text(input), "signature_b64u": file["signature_b64u"]]
        }
        #expect(try check("signature", inputs(input)) == [:])
        #expect(refusal("signature", inputs(input + "x")) == "bad_signature")
        for one in try list(read("rfc7638.json"), "vectors", 2) where one["jwk"]["kty"] == "EC" {
            #expect(try check("thumbprint", ["jwk": one["jwk"]]) == ["thumbprint_b64u": one["thumbprint_sha256_b64u"]])
        }
    }

    @Test func messagesOpen() throws {
        let push = try read("rfc8291.json")
        #expect(try check("web_push", push) == ["plaintext_b64u": push["plaintext_b64u"]])
        let file = try read("rfc9180.json")
        let message = try list(file, "encryptions", 3)[0]
        let parts = ["aad_hex": message["aad_hex"], "ct_hex": message["ct_hex"]]
        var inputs = try #require(file.members).merging(parts) { _, part in part }
        #expect(try check("hpke", .object(inputs)) == ["pt_hex": message["pt_hex"]])
        inputs["info_hex"] = "00"
        #expect(refusal("hpke", .object(inputs)) == "cannot_open")
    }
}
