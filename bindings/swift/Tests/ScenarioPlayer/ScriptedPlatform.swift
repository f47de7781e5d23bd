import Countersign
import CountersignPlatform
import Foundation

/// What the library called, and on which threads.
public enum Callbacks {
    private static let seen = Guarded<(counts: [String: Int], onMainThread: [String])>(([:], []))

    static func noted(_ part: String) {
        let isMain = Thread.isMainThread
        seen.with {
            $0.counts[part, default: 0] += 1
            if isMain { $0.onMainThread.append(part) }
        }
    }

    /// How often each part was called so far.
    public static var counts: [String: Int] { seen.now.counts }
    /// The calls that came on the thread that draws, where a vault or a disk would freeze an app.
    public static var onMainThread: [String] { seen.now.onMainThread }
}

/// The objects of a phone's platform that are alive.
public enum Alive {
    private static let count = Guarded(0)

    static func begin() { count.with { $0 += 1 } }
    static func end() { count.with { $0 -= 1 } }
    public static var now: Int { count.now }
}

/// How a vault gives its keys.
enum VaultBehaves: String { case well, locked, unreadable, another }

/// How hardware keys sign.
enum KeysBehave: String {
    case well, invalidated, unavailable
    case notConfirmed = "not_confirmed"
}

/// A vault in a file, with the world's keys as its hardware.
final class ScriptedVault: KeyVault {
    let isHardware = Guarded(false)
    let behaves = Guarded(VaultBehaves.well)
    let keysBehave = Guarded(KeysBehave.well)
    private let file: FileKeyVaultNotForPhones
    private let name: String
    private let world: World?
    private let made = Guarded<[String: ScriptedKey]>([:])

    init(store: URL, world: World?) {
        file = FileKeyVaultNotForPhones(file: store.appendingPathExtension("vault"))
        name = store.lastPathComponent
        self.world = world
        Alive.begin()
    }

    deinit { Alive.end() }

    func storageKey(opens: Opens) throws -> Data {
        Callbacks.noted("storageKey")
        switch behaves.now {
        case .well: return try file.storageKey(opens: opens)
        case .locked: throw VaultError.Locked
        case .unreadable: throw VaultError.Unreadable
        case .another: return Data(try file.storageKey(opens: opens).reversed())
        }
    }

    func create(name: String, purpose: Purpose, attestationChallenge: Data?) async throws -> Bool {
        Callbacks.noted("create")
        guard isHardware.now, let world else { return false }
        let hardwareName = "\(self.name) \(name)"
        guard let gave = try? await world.step(["world": "make_key", "name": .text(hardwareName)]),
            let half = gave["public_b64u"].text.flatMap(Data.init(base64URL:))
        else { throw KeyError.Unavailable }
        let key = ScriptedKey(
            name: hardwareName, half: half, asks: purpose == .approval, behave: keysBehave, world: world)
        made.with { $0[name] = key }
        return true
    }

    func load(name: String) throws -> any DeviceKey {
        Callbacks.noted("load")
        guard keysBehave.now != .invalidated, let key = made.now[name] else { throw KeyError.Invalidated }
        return key
    }

    func destroy(name: String) {
        Callbacks.noted("destroy")
        made.with { $0[name] = nil }
    }
}

/// A key that passes for hardware: the world signs with it.
final class ScriptedKey: DeviceKey {
    private let name: String
    private let half: Data
    private let asks: Bool
    private let behave: Guarded<KeysBehave>
    private let world: World

    init(name: String, half: Data, asks: Bool, behave: Guarded<KeysBehave>, world: World) {
        (self.name, self.half, self.asks, self.behave, self.world) = (name, half, asks, behave, world)
        Alive.begin()
    }

    deinit { Alive.end() }

    func publicKey() -> Data {
        Callbacks.noted("publicKey")
        return half
    }

    func asksPerson() -> Bool {
        Callbacks.noted("asksPerson")
        return asks
    }

    func attestation() -> [Data] { [] }

    func sign(message: Data) async throws -> Data {
        Callbacks.noted("sign")
        switch behave.now {
        case .invalidated: throw KeyError.Invalidated
        case .unavailable: throw KeyError.Unavailable
        case .notConfirmed where asks: throw KeyError.NotConfirmed
        case .well, .notConfirmed: break
        }
        let step: JSON = ["world": "sign", "name": .text(name), "message_b64u": .text(message.base64URL)]
        guard let gave = try? await world.step(step),
            let signature = gave["signature_b64u"].text.flatMap(Data.init(base64URL:))
        else { throw KeyError.Unavailable }
        return signature
    }
}

/// The system's clock, wrong by so many seconds.
final class WrongClock: Countersign.Clock {
    let ahead = Guarded<Int64>(0)

    init() { Alive.begin() }
    deinit { Alive.end() }

    func now() -> Date {
        Callbacks.noted("now")
        return Date(timeIntervalSinceNow: TimeInterval(ahead.now))
    }
}

/// Gives the library what the table says.
final class ScriptedRegistrar: PushRegistrar {
    let gives = Guarded<[PushRegistration]>([])

    init() { Alive.begin() }
    deinit { Alive.end() }

    func registrations(accountId: String, rejected: Bool, webpushPublicKey: String?) async -> [PushRegistration] {
        Callbacks.noted("registrations")
        return gives.now
    }
}

/// The transport of this package, which notes that it was called.
final class NotedTransport: Transport {
    private let session = URLSessionTransport()
    private let world: World?

    init(world: World?) {
        self.world = world
        Alive.begin()
    }

    deinit { Alive.end() }

    func send(request: HttpRequest) async throws -> HttpResponse {
        Callbacks.noted("send")
        #if os(Linux)
            if world?.cuts.now == true { return try await SocketTransport.send(request) }
        #endif
        return try await session.send(request: request)
    }
}
