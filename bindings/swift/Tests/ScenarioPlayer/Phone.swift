import Countersign
import Foundation

/// A phone of a scenario: the library, and the platform that the table scripts.
actor Phone {
    private let store: URL
    private let world: World?
    private let vault: ScriptedVault
    private let clock = WrongClock()
    private let registrar = ScriptedRegistrar()
    private var authenticator: Authenticator?

    init(store: URL, world: World?) {
        self.store = store
        self.world = world
        vault = ScriptedVault(store: store, world: world)
    }

    /// Does one step.
    func act(_ step: JSON) async throws -> JSON {
        do {
            return try await done(step)
        } catch let error as AuthenticatorError {
            return .refused(error)
        }
    }

    private func done(_ step: JSON) async throws -> JSON {
        switch try step.text("does") {
        case "open":
            vault.isHardware.with { $0 = step["keys"] == "hardware" }
            authenticator = try await opened()
        case "close": authenticator = nil
        case "vault": try set(vault.behaves, step.text("behaves"))
        case "keys": try set(vault.keysBehave, step.text("behave"))
        case "clock": clock.ahead.with { $0 = step["ahead"].integer ?? 0 }
        case "registrar":
            let registrations = try step.registrations()
            registrar.gives.with { $0 = registrations }
        case "receive_and_die": return try ReceivingProcess.receive(step.text("push"), into: store)
        case "notification":
            let opener = try PushOpener.open(directory: store.path, vault: vault, clock: clock)
            return .opened(try opener.openPush(push: step.push()))
        case let verb: return try await asked(verb, step)
        }
        return [:]
    }

    private func opened() async throws -> Authenticator {
        try await Authenticator.open(
            directory: store.path, vault: vault, transport: NotedTransport(world: world), clock: clock, push: registrar)
    }

    private func set<Word: RawRepresentable<String>>(_ word: Guarded<Word>, _ text: String) throws {
        guard let new = Word(rawValue: text) else { throw Fault("nothing behaves \(text)") }
        word.with { $0 = new }
    }

    /// What the library does.
    private func asked(_ verb: String, _ step: JSON) async throws -> JSON {
        guard let authenticator else { throw Fault("the phone is not open") }
        switch verb {
        case "enrol":
            let (link, name) = (try step.text("link"), try step.text("device_name"))
            return .account(try await authenticator.enrol(link: link, deviceName: name))
        case "accounts": return .list(try await authenticator.accounts().map(JSON.account))
        case "receive": return .received(try await authenticator.receive(push: step.push()))
        case "pending": return .list(try await authenticator.pending().map(JSON.prompt))
        case "history":
            return .list(try await authenticator.history(most: UInt32(step["most"].integer ?? 100)).map(JSON.past))
        case "open_link": return .text(try await authenticator.openLink(link: step.text("link")))
        case "approve":
            let (id, number) = (try step.text("challenge"), step["number"].text)
            return .outcome(try await authenticator.approve(challengeId: id, number: number))
        case "deny": return .outcome(try await authenticator.deny(challengeId: step.text("challenge")))
        case "report": return .outcome(try await authenticator.report(challengeId: step.text("challenge")))
        default: return try await asked(verb, step, of: try step.text("account"), authenticator)
        }
    }

    /// What the library does about one account.
    private func asked(_ verb: String, _ step: JSON, of id: String, _ authenticator: Authenticator) async throws -> JSON
    {
        switch verb {
        case "pull":
            let wait = UInt32(step["wait"].integer ?? 0)
            return .pulled(try await authenticator.pull(accountId: id, waitSeconds: wait))
        case "code": return .code(try await authenticator.code(accountId: id))
        case "devices": return .list(try await authenticator.devices(accountId: id).map(JSON.device))
        case "register_push":
            try await authenticator.registerPush(accountId: id, registrations: step.registrations())
        case "remove": try await authenticator.remove(accountId: id)
        case "forget": try await authenticator.forget(accountId: id)
        default: throw Fault("a phone does not \(verb)")
        }
        return [:]
    }
}

extension JSON {
    func text(_ name: String) throws -> String {
        guard let text = self[name].text else { throw Fault("\(name) is missing in \(self)") }
        return text
    }

    func registrations() throws -> [PushRegistration] {
        guard let registrations = self["registrations"].list else { throw Fault("\(self) has no registrations") }
        return try registrations.map { try $0.registration() }
    }

    func push() throws -> Data {
        guard let push = Data(base64URL: try text("push")) else { throw Fault("\(self) has no push") }
        return push
    }
}
