import Countersign
import CountersignPlatform
import Foundation
import ScenarioPlayer
import Testing

/// A network that takes a request and never answers. It notes when it is told to give up, and when it is gone.
private final class SilentTransport: Transport {
    enum Event { case asked, gaveUp, gone }

    let events: AsyncStream<Event>
    private let happens: AsyncStream<Event>.Continuation

    init() { (events, happens) = AsyncStream.makeStream() }
    deinit { happens.yield(.gone) }

    func send(request: HttpRequest) async throws -> HttpResponse {
        happens.yield(.asked)
        let never = AsyncStream<Never> { _ in }
        for await _ in never {}
        happens.yield(.gaveUp)
        throw TransportError.Unreachable(reason: "it was cancelled")
    }
}

@Suite("Cancellation", .timeLimit(.minutes(1)))
struct CancellationTests {
    private let link =
        "https://login.example/enrol#t=\(String(repeating: "A", count: 43))&k=\(String(repeating: "A", count: 43))"

    private func open(_ transport: any Transport) async throws -> Authenticator {
        let store = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        return try await Authenticator.open(
            directory: store.path, vault: InMemoryKeyVaultNotForPhones(), transport: transport, clock: SystemClock(),
            push: nil)
    }

    /// The generator's own Swift would wait here until the network answers: `bindings/swift/generate` mends it.
    @Test func reachesTheTransport() async throws {
        let transport = SilentTransport()
        let authenticator = try await open(transport)
        var events = transport.events.makeAsyncIterator()
        let call = Task { [link] in try await authenticator.enrol(link: link, deviceName: "Telephone") }
        #expect(await events.next() == .asked)
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(await events.next() == .gaveUp)
        #expect(try await authenticator.accounts() == [])
    }

    @Test func ofATaskBeforeItsCallDoesNothing() async throws {
        let authenticator = try await open(SilentTransport())
        let call = Task { [link] in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await authenticator.enrol(link: link, deviceName: "Telephone")
        }
        await #expect(throws: CancellationError.self) { try await call.value }
    }

    @Test func anObjectThatIsDroppedWhileItsCallRunsLivesUntilTheCallEnds() async throws {
        var transport: SilentTransport? = SilentTransport()
        var events = try #require(transport).events.makeAsyncIterator()
        var authenticator: Authenticator? = try await open(try #require(transport))
        weak var dropped = authenticator
        let call = Task { [link, authenticator] in try await authenticator?.enrol(link: link, deviceName: "Telephone") }
        #expect(await events.next() == .asked)
        (authenticator, transport) = (nil, nil)
        #expect(dropped != nil, "the call holds it")
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(await events.next() == .gaveUp)
        #expect(await events.next() == .gone)
        #expect(dropped == nil)
    }
}
