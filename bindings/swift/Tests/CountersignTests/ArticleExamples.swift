import Countersign
import CountersignPlatform
import Foundation
import ScenarioPlayer
import Testing

/// The code of the articles, in their words; `DocumentationTests` holds the two together.
struct ArticleExamples {
    let store: URL
    let vault: any KeyVault

    func open() async throws -> Authenticator {
        let authenticator = try await Authenticator.open(
            directory: store.path, vault: vault, transport: URLSessionTransport(), clock: SystemClock(), push: nil)
        return authenticator
    }

    func enrol(_ authenticator: Authenticator, link: String, show: (String) async throws -> Void) async throws
        -> Account
    {
        let account = try await authenticator.enrol(link: link, deviceName: "Maya's Mac")
        if case .proposed(let confirmationCode) = account.state {
            try await show(confirmationCode)
        }
        return account
    }

    func text(_ authenticator: Authenticator, link: String) async throws -> String {
        do {
            let account = try await authenticator.enrol(link: link, deviceName: "Maya's Mac")
            return account.account
        } catch AuthenticatorError.Unreachable {
            return "No network: the same link goes on where it stopped."
        } catch AuthenticatorError.InvalidTicket, AuthenticatorError.Malformed {
            return "Ask for a new link."
        }
    }

    func watch(_ authenticator: Authenticator, account: Account) async throws -> [String] {
        let pulled = try await authenticator.pull(accountId: account.id, waitSeconds: 25)
        if pulled.state == .void { try await authenticator.forget(accountId: account.id) }

        let prompts = try await authenticator.pending()
        return prompts.map { "\($0.challenge.relyingParty) asks \($0.challenge.account), \(Int($0.timeLeft)) s left" }
    }

    func answer(_ authenticator: Authenticator, _ challenge: Challenge, number: String?) async throws -> String {
        switch try await authenticator.approve(challengeId: challenge.id, number: number) {
        case .approved: return "Done."
        case .wrongNumber: return "That was another number. The sign-in was stopped."
        default: return "It was over already."
        }
    }

    func code(_ authenticator: Authenticator, of account: Account) async throws -> String {
        let shown = try await authenticator.code(accountId: account.id)
        return "\(shown.code), for \(shown.secondsLeft) s"
    }

    func notify(_ push: Data) -> String? {
        guard let opener = try? PushOpener.open(directory: store.path, vault: vault, clock: SystemClock()),
            case .ask(let challenge)? = try? opener.openPush(push: push)
        else { return nil }
        let language = languageFromTag(tag: "fr-CH") ?? .english
        let body = sentence(which: .questionAnnouncement, language: language, values: [:])
        return "\(challenge.relyingParty): \(body)"
    }
}
