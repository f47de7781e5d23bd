import Countersign
import Foundation

/// The name of a variant in the words of the table: `AlreadyAnswered` and `alreadyAnswered` are `already_answered`.
private func word<Variant>(_ variant: Variant) -> String {
    let name = Mirror(reflecting: variant).children.first?.label ?? String(describing: variant)
    return name.reduce(into: "") { word, letter in
        if letter.isUppercase && !word.isEmpty { word += "_" }
        word += letter.lowercased()
    }
}

extension JSON {
    /// A refusal of the library.
    static func refused(_ error: AuthenticatorError) -> JSON {
        if case .ServerRefused(let code, _) = error { return ["error": "server_refused", "server_code": .text(code)] }
        return ["error": .text(errorCode(error: error))]
    }

    /// The stable code of an error; none when the library does not have it.
    public static func code(of error: any Error) -> String? {
        (error as? AuthenticatorError).flatMap { refused($0)["error"].text }
    }

    static func account(_ account: Account) -> JSON {
        var shown: [String: JSON] = [
            "id": .text(account.id), "organisation": .text(account.organisation), "account": .text(account.account),
            "server_url": .text(account.serverUrl), "device_name": .text(account.deviceName),
            "state": .text(word(account.state)), "confirmation_code": nil, "end_reason": nil,
        ]
        switch account.state {
        case .proposed(let code): shown["confirmation_code"] = .text(code)
        case .confirmed: break
        case .ended(let reason): shown["end_reason"] = .text(word(reason))
        }
        return .object(shown)
    }

    static func challenge(_ challenge: Challenge) -> JSON {
        let digits: JSON = if case .number(let digits) = challenge.policy { .integer(Int64(digits)) } else { nil }
        let context = challenge.context
        return [
            "id": .text(challenge.id), "account_id": .text(challenge.accountId),
            "relying_party": .text(challenge.relyingParty), "account": .text(challenge.account),
            "question": .text(word(challenge.question)),
            "policy": .text(word(challenge.policy)), "digits": digits,
            "binding_message": challenge.bindingMessage.json,
            "details": .list(challenge.details.map { ["label": .text($0.label), "value": .text($0.value)] }),
            "context": [
                "ip": context.ip.json, "place": context.place.json, "browser": context.browser.json,
                "system": context.system.json,
            ],
        ]
    }

    static func prompt(_ prompt: Prompt) -> JSON {
        [
            "account": account(prompt.account), "challenge": challenge(prompt.challenge),
            "seconds_left": .integer(Int64(prompt.timeLeft)), "answering": .bool(prompt.answering),
        ]
    }

    static func past(_ past: Past) -> JSON {
        ["challenge": challenge(past.challenge), "outcome": outcome(past.outcome)]
    }

    static func outcome(_ outcome: Outcome) -> JSON { .text(word(outcome)) }

    static func received(_ received: Received) -> JSON {
        let id =
            switch received {
            case .new(let id), .known(let id), .changed(let id), .retracted(let id): id
            }
        return ["received": .text(word(received)), "challenge": .text(id)]
    }

    static func pulled(_ pulled: Pulled) -> JSON {
        [
            "state": .text(word(pulled.state)), "received": .list(pulled.received.map(received)),
            "refused": .list(pulled.refused.map(JSON.text)), "push": pulled.push.map { word($0) }.json,
            "ended": pulled.ended.map { word($0) }.json,
        ]
    }

    static func device(_ device: Device) -> JSON {
        [
            "id": .text(device.id), "name": .text(device.name), "state": .text(word(device.state)),
            "this_device": .bool(device.thisDevice),
        ]
    }

    static func code(_ code: OneTimeCode) -> JSON {
        ["code": .text(code.code), "seconds_left": .integer(Int64(code.secondsLeft)), "next": .text(code.next)]
    }

    static func opened(_ push: OpenedPush) -> JSON {
        switch push {
        case .ask(let challenge): ["ask": .challenge(challenge)]
        case .withdraw(let id): ["withdraw": .text(id)]
        }
    }

    /// A registration, as the world gives it.
    func registration() throws -> PushRegistration {
        switch (self["gateway"].text, self["token"].text) {
        case ("webpush", _):
            guard let endpoint = self["endpoint"].text, let p256dh = self["p256dh"].text, let auth = self["auth"].text
            else { break }
            let key = self["application_server_key"].text
            return .webPush(endpoint: endpoint, p256dh: p256dh, auth: auth, applicationServerKey: key)
        case ("fcm", let token?):
            return .fcm(token: token)
        case ("apns", let token?):
            let environment: ApnsEnvironment = self["environment"] == "sandbox" ? .sandbox : .production
            return .apns(token: token, environment: environment, topic: self["topic"].text)
        default: break
        }
        throw Fault("\(self) is no registration")
    }
}
