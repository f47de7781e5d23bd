import Foundation

/// A process that takes in a push on a phone's store and is killed without mercy.
public enum ReceivingProcess {
    /// In the process of the tests: gives what the other one said before it was killed.
    static func receive(_ push: String, into store: URL) throws -> JSON {
        let (process, said, input) = (Process(), Pipe(), Pipe())
        process.executableURL = Built.folder.appendingPathComponent("ReceiveAndDie")
        process.arguments = [store.path, push]
        process.standardOutput = said
        process.standardInput = input
        try process.runWithSignals()
        let line = said.fileHandleForReading.firstLine()
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        guard process.terminationReason == .uncaughtSignal else { throw Fault("it ended by itself: \(line)") }
        return try JSON(text: line)
    }

    /// In the other one: receives, says what came of it, and waits for its end.
    public static func run(store: String, push: String) async throws {
        let phone = Phone(store: URL(fileURLWithPath: store), world: nil)
        var gave = try await phone.act(["does": "open"])
        if gave["error"].isNull {
            gave = try await phone.act(["does": "receive", "push": .text(push)])
        }
        FileHandle.standardOutput.write(gave.data + Data("\n".utf8))
        _ = try FileHandle.standardInput.readToEnd()
    }
}

/// Where the package was built: beside the program of the tests.
public enum Built {
    public static var folder: URL {
        #if canImport(Darwin)
            Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL.deletingLastPathComponent()
                ?? Bundle.main.bundleURL
        #else
            URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        #endif
    }
}
