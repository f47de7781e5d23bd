import Countersign
import CountersignPlatform
import Foundation
import ScenarioPlayer
import Testing

/// What a notification costs, in a process of its own. A figure is printed and never asserted.
@Suite("Figures")
struct FigureTests {
    @Test func aNotification() async throws {
        let world = try await World.begin()
        let player = Interpreter(world: world)
        try await player.play([
            ["run": "enrolled", "with": [:]], ["run": "register", "with": [:]], ["run": "ask", "with": [:]],
            ["world": "push", "registration": "${registration}", "as": "push"],
        ])
        let push = try #require(await player.value("push")["message_b64u"].text.flatMap(Data.init(base64URL:)))
        let store = world.folder.appendingPathComponent("maya")
        let vault = FileKeyVaultNotForPhones(file: store.appendingPathExtension("vault"))
        var took: [TimeInterval] = []
        var grown = Self.residentKilobytes()
        for _ in 0..<200 {
            let began = ProcessInfo.processInfo.systemUptime
            let opener = try PushOpener.open(directory: store.path, vault: vault, clock: SystemClock())
            guard case .ask = try opener.openPush(push: push) else { throw CocoaError(.featureUnsupported) }
            took.append(ProcessInfo.processInfo.systemUptime - began)
        }
        grown = Self.residentKilobytes() - grown
        let median = took.sorted()[took.count / 2] * 1000
        print("A notification: \(String(format: "%.2f", median)) ms (the median of \(took.count), a debug library)")
        print("200 notifications: \(grown) KB more resident")
        await world.end()
    }

    private static func residentKilobytes() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (pages.flatMap { Int($0[1]) } ?? 0) * 4
    }
}
