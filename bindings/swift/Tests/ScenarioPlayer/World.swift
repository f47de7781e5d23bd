import Countersign
import CountersignPlatform
import Foundation

/// The program that plays the world around phones. It ends with this process, when its standard input closes.
final class WorldProgram: @unchecked Sendable {
    static let shared = Result { try WorldProgram() }

    let url: String
    /// Kept for its standard input. Nothing of it is used after the start.
    private let process = Process()

    private init() throws {
        let environment = ProcessInfo.processInfo.environment
        let built = environment["CARGO_TARGET_DIR"] ?? Table.root.appendingPathComponent("target").path
        let (said, input) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: built).appendingPathComponent("debug/scenario-world")
        process.arguments = ["--folder", FileManager.default.temporaryDirectory.path]
        process.standardOutput = said
        process.standardInput = input
        try process.runWithSignals()
        let line = said.fileHandleForReading.firstLine()
        guard let url = line.split(separator: " ").last, line.hasPrefix("Listening on ") else {
            throw Fault("the world said \(line)")
        }
        self.url = String(url)
    }
}

extension Process {
    /// Starts it. A thread of this process may block signals, and a child would inherit that: a server could not be
    /// stopped.
    func runWithSignals() throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }
}

extension FileHandle {
    /// What comes until the line ends, or everything does.
    func firstLine() -> String {
        var line = Data()
        while let byte = try? read(upToCount: 1), byte != Data("\n".utf8), !byte.isEmpty {
            line += byte
        }
        return String(decoding: line, as: UTF8.self)
    }
}

/// One scenario's world.
public struct World: Sendable {
    /// Where phones keep their stores.
    public let folder: URL
    /// Whether its network cuts connections in the middle.
    let cuts = Guarded(false)
    private let url: String
    private let transport: URLSessionTransport

    /// A fresh one.
    public static func begin() async throws -> World {
        let (transport, worlds) = (URLSessionTransport(), try WorldProgram.shared.get().url + "/worlds")
        let begun = try await post([:], to: worlds, by: transport)
        guard let number = begun["number"].integer, let folder = begun["folder"].text else {
            throw Fault("a world began with \(begun)")
        }
        return World(folder: URL(fileURLWithPath: folder), url: "\(worlds)/\(number)", transport: transport)
    }

    /// Does one step, and gives what came of it.
    public func step(_ step: JSON) async throws -> JSON {
        if step["world"] == "network" {
            cuts.with { $0 = !step["behaves"]["cut_after"].isNull }
        }
        return try await Self.post(step, to: url, by: transport)
    }

    /// Ends it, with its servers and files.
    public func end() async {
        let request = HttpRequest(
            method: "DELETE", url: url, headers: [], body: Data(), timeout: 60, maxResponseLength: 1 << 20)
        _ = try? await transport.send(request: request)
    }

    private static func post(_ body: JSON, to url: String, by transport: URLSessionTransport) async throws -> JSON {
        let request = HttpRequest(
            method: "POST", url: url, headers: [HttpHeader(name: "content-type", value: "application/json")],
            body: body.data, timeout: 120, maxResponseLength: 1 << 24)
        let response = try await transport.send(request: request)
        let gave = try JSON(response.body)
        guard response.status < 300 else { throw Fault("\(body): \(gave["fault"])") }
        return gave
    }
}
