import Countersign
import CountersignPlatform
import Foundation
import ScenarioPlayer
import Testing

/// The code in the documents is code that runs here.
@Suite("Documentation", .timeLimit(.minutes(1)))
struct DocumentationTests {
    private static let package = Table.root.appendingPathComponent("bindings/swift")

    private static func lines(_ file: URL) throws -> [Substring] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The fenced blocks of Swift in a document.
    private func blocks(_ file: URL) throws -> [[Substring]] {
        var (blocks, open): ([[Substring]], [Substring]?) = ([], nil)
        for line in try Self.lines(file) {
            if line == "```swift" {
                open = []
            } else if line == "```", let block = open {
                (blocks, open) = (blocks + [block], nil)
            } else {
                open?.append(line)
            }
        }
        return blocks
    }

    /// Whether the block stands in the source, however far it is indented there.
    private func isIn(_ source: [Substring], _ block: [Substring]) -> Bool {
        source.indices.contains { start in
            let region = source[start...].prefix(block.count)
            let indent = region.first?.prefix { $0 == " " } ?? ""
            return region.count == block.count
                && zip(region, block).allSatisfy {
                    $0 == $1 || ($0.hasPrefix(indent) && $0.dropFirst(indent.count) == $1)
                }
        }
    }

    private func example(_ name: String) throws -> [Substring] {
        try Self.lines(Self.package.appendingPathComponent("Tests/CountersignTests/\(name).swift"))
    }

    @Test func theReadmeShowsTheExampleThatRuns() throws {
        let blocks = try blocks(Table.root.appendingPathComponent("README.md"))
        #expect(blocks.count == 1)
        #expect(try blocks.map { $0 + [""] } == [example("ReadmeExample")])
        #expect(try #require(blocks.first).count { !$0.isEmpty } <= 15)
    }

    @Test func everyBlockOfTheArticlesIsCodeThatRuns() throws {
        let articles = Self.package.appendingPathComponent("Sources/CountersignPlatform/Countersign.docc")
        let source = try example("ArticleExamples")
        var found = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: articles.path) {
            for block in try blocks(articles.appendingPathComponent(name)) {
                #expect(isIn(source, block), "\(name): \(block.joined(separator: "\n"))")
                found += 1
            }
        }
        #expect(found >= 6)
        #expect(!isIn(source, ["let authenticator = nothing"]))
    }

    /// A person of the world, with a link for a phone.
    private func invited(_ world: World) async throws -> (user: String, enrolment: String, link: String) {
        let user = try await world.step(["site": "POST /v1/users", "body": ["name": "maya"]])["body"]["id"].text ?? ""
        let opened = try await world.step(["site": .text("POST /v1/users/\(user)/enrolments")])["body"]
        return (user, try #require(opened["id"].text), try #require(opened["link"].text))
    }

    private func confirm(_ world: World, _ enrolment: String, _ code: String) async throws {
        let confirmed = try await world.step([
            "site": .text("POST /v1/enrolments/\(enrolment)/confirm"), "body": ["code": .text(code)],
        ])
        #expect(confirmed["status"] == 200)
    }

    private func ask(_ world: World, _ user: String, from ip: String = "198.51.100.7") async throws -> String {
        let body: JSON = ["user_id": .text(user), "context": ["ip": .text(ip)]]
        let asked = try await world.step(["site": "POST /v1/challenges", "body": body])
        return try #require(asked["body"]["id"].text)
    }

    private func state(_ world: World, _ challenge: String) async throws -> String? {
        try await world.step(["site": .text("GET /v1/challenges/\(challenge)")])["body"]["state"].text
    }

    @Test(arguments: [("198.51.100.7", "approved"), ("203.0.113.9", "denied")])
    func theExampleOfTheReadmeAnswers(ip: String, becomes: String) async throws {
        let world = try await World.begin()
        let (user, enrolment, link) = try await invited(world)
        let asked = Guarded("")
        let vault = FileKeyVaultNotForPhones(file: world.folder.appendingPathComponent("vault"))
        try await answer(world.folder.appendingPathComponent("store").path, vault, link: link) { code in
            try await confirm(world, enrolment, code)
            let challenge = try await ask(world, user, from: ip)
            asked.with { $0 = challenge }
        }
        #expect(try await state(world, asked.now) == becomes)
        await world.end()
    }

    @Test func theCodeOfTheArticlesRuns() async throws {
        let world = try await World.begin()
        let (user, enrolment, link) = try await invited(world)
        let examples = ArticleExamples(
            store: world.folder.appendingPathComponent("store"), vault: InMemoryKeyVaultNotForPhones())
        let authenticator = try await examples.open()
        #expect(try await examples.text(authenticator, link: "no link") == "Ask for a new link.")
        let account = try await examples.enrol(authenticator, link: link) { try await confirm(world, enrolment, $0) }
        #expect(try await examples.text(authenticator, link: link) == "maya")
        let challenge = try await ask(world, user)
        #expect(
            try await examples.watch(authenticator, account: account).first?.hasPrefix("Customer area asks maya, ")
                == true)
        let prompt = try #require(await authenticator.pending().first).challenge
        #expect(try await examples.answer(authenticator, prompt, number: nil) == "Done.")
        #expect(try await state(world, challenge) == "approved")
        #expect(try await examples.code(authenticator, of: account).contains(", for "))
        #expect(examples.notify(Data("{}".utf8)) == nil)
        await world.end()
    }

    /// What a notification extension does, with a push that came.
    @Test func theExampleOfANotificationSpeaks() async throws {
        let world = try await World.begin()
        let player = Interpreter(world: world)
        try await player.play([
            ["run": "enrolled", "with": [:]], ["run": "register", "with": [:]], ["run": "ask", "with": [:]],
            ["world": "push", "registration": "${registration}", "as": "push"],
        ])
        let store = world.folder.appendingPathComponent("maya")
        let vault = FileKeyVaultNotForPhones(file: store.appendingPathExtension("vault"))
        let push = try #require(await player.value("push")["message_b64u"].text.flatMap(Data.init(base64URL:)))
        let said = ArticleExamples(store: store, vault: vault).notify(push)
        #expect(said == "Customer area: Une connexion attend votre réponse.")
        await world.end()
    }
}
