import Countersign
import CountersignPlatform

func answer(_ store: String, _ vault: any KeyVault, link: String, type: (String) async throws -> Void) async throws {
    let app = try await Authenticator.open(
        directory: store, vault: vault, transport: URLSessionTransport(), clock: SystemClock(), push: nil)
    let account = try await app.enrol(link: link, deviceName: "My desktop")
    if case .proposed(let code) = account.state { try await type(code) }  // on the signed-in page
    _ = try await app.pull(accountId: account.id, waitSeconds: 25)  // a push is quicker: app.receive(push:)
    for challenge in try await app.pending().map(\.challenge) {
        let isMe = challenge.context.ip == "198.51.100.7"  // ask the person
        if isMe { _ = try await app.approve(challengeId: challenge.id, number: nil) }
        if !isMe { _ = try await app.deny(challengeId: challenge.id) }
    }
}
