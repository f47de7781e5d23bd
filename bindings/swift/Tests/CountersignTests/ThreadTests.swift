import Countersign
import CountersignPlatform
import Foundation
import ScenarioPlayer
import Testing

/// In a process of its own: it counts what the whole process holds.
@Suite("Threads", .serialized, .timeLimit(.minutes(2)))
@MainActor
struct ThreadTests {
    /// Counts how often the thread that draws had time for something else.
    private final class Heartbeat {
        private(set) var beats = 0
        private(set) var longestPause: TimeInterval = 0
        private var isOver = false

        func beat() async {
            var last = Date()
            while !isOver {
                await Task.yield()
                longestPause = max(longestPause, -last.timeIntervalSinceNow)
                last = Date()
                beats += 1
            }
        }

        func stop() { isOver = true }
    }

    /// What the process holds.
    private struct Held: Equatable, CustomStringConvertible {
        let parts = Alive.now
        let foreignFutures = uniffiForeignFutureHandleCountCountersign()
        let files = Held.entries("/proc/self/fd")
        let threads = Held.entries("/proc/self/task")

        var description: String { "\(parts) parts, \(foreignFutures) futures, \(files) files, \(threads) threads" }

        private static func entries(_ folder: String) -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0
        }

        /// What is held once that has been the same for a second: systems close connections in their own time.
        @MainActor static func settled() async -> Held {
            let deadline = Date(timeIntervalSinceNow: 20)
            var (held, since) = (Held(), Date())
            while since.timeIntervalSinceNow > -1, deadline.timeIntervalSinceNow > 0 {
                await Task.yield()
                let now = Held()
                if now != held { (held, since) = (now, Date()) }
            }
            return held
        }
    }

    private let enrolled: JSON = [
        ["run": "enrolled", "with": ["keys": "hardware"]], ["run": "ask", "with": [:]],
    ]

    /// Different calls on one open phone; the number says which.
    private func call(_ number: Int, _ player: Interpreter) -> JSON {
        let account: JSON = "${account.id}"
        switch number % 9 {
        case 0: return [["phone": "maya", "does": "pull", "account": account, "wait": 1]]
        case 1: return [["phone": "maya", "does": "accounts", "gives": [["state": "confirmed"]]]]
        case 2: return [["phone": "maya", "does": "devices", "account": account]]
        case 3: return [["phone": "maya", "does": "code", "account": account]]
        case 4: return [["phone": "maya", "does": "receive", "push": "e30", "gives": ["error": "malformed"]]]
        case 5: return [["phone": "maya", "does": "history"]]
        case 6: return [["phone": "maya", "does": "notification", "push": "e30", "gives": ["error": "malformed"]]]
        case 7: return [["phone": "maya", "does": "open_link", "link": "no link", "gives": ["error": "malformed"]]]
        default:
            return [
                [
                    "phone": "maya", "does": "enrol", "link": "no link", "device_name": "x",
                    "gives": ["error": "malformed"],
                ]
            ]
        }
    }

    /// A thousand calls at one time, every seventh cancelled in the middle. Gives how many were refused for the
    /// cancelling.
    private func storm(_ player: Interpreter) async throws -> Int {
        let calls = (0..<1000).map { number in
            let step = call(number, player)
            return Task { try await player.play(step) }
        }
        var cancelled = 0
        for (number, call) in calls.enumerated() where number % 7 == 0 {
            await Task.yield()
            call.cancel()
        }
        for (number, call) in calls.enumerated() {
            do {
                _ = try await call.value
            } catch {
                #expect(number % 7 == 0, "\(number): \(error)")
                cancelled += 1
            }
        }
        return cancelled
    }

    /// The life of a phone: enrolled, used by a thousand calls at one time, and gone.
    private func life() async throws {
        let world = try await World.begin()
        let player = Interpreter(world: world)
        try await player.play(enrolled)
        #expect(Alive.now >= 6, "what is counted is there: four parts and two keys")
        let heart = Heartbeat()
        let beating = Task { await heart.beat() }
        let began = Date()
        let cancelled = try await storm(player)
        let took = Date().timeIntervalSince(began)
        heart.stop()
        await beating.value
        print(
            "1000 calls in \(took) s, \(cancelled) cancelled; the longest pause of the main actor \(heart.longestPause) s"
        )
        #expect(cancelled > 0, "what is cancelled in the middle ends there")
        #expect(heart.beats > 1000 && heart.longestPause < 2)
        // The library still works.
        try await player.play([["phone": "maya", "does": "pull", "account": "${account.id}"]])
        await world.end()
    }

    @Test func aThousandCallsAtOnceLeaveNothing() async throws {
        // The first life opens what the library and the system keep for as long as the process lives.
        try await life()
        let before = await Held.settled()
        try await life()
        let after = await Held.settled()
        print("Before: \(before). After: \(after)")
        #expect(before.parts == 0 && before.foreignFutures == 0)
        #expect(after.parts == 0 && after.foreignFutures == 0)
        // The system's own pool comes and goes, by some for each processor.
        #expect(after.threads <= before.threads + 2 * ProcessInfo.processInfo.activeProcessorCount)
        #expect(after.files <= before.files)
        #expect(Callbacks.onMainThread == [])
        for part in ["send", "now", "storageKey", "create", "load", "publicKey", "asksPerson", "sign", "registrations"]
        {
            #expect(Callbacks.counts[part] ?? 0 > 0, "\(part) was never called")
        }
    }
}
