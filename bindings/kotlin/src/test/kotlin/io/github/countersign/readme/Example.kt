package io.github.countersign.readme

import io.github.countersign.*
import java.nio.file.Path

suspend fun answer(folder: Path, link: String, type: suspend (String) -> Unit, isMe: (Challenge) -> Boolean) {
    val vault = FileKeyVaultNotForPhones(folder.resolve("vault")) // on a phone: your own, over its Keystore
    val store = folder.resolve("store").toString()
    Authenticator.open(store, vault, HttpUrlConnectionTransport(), SystemClock, null).use { app ->
        val account = app.enrol(link, "My desktop")
        type((account.state as AccountState.Proposed).confirmationCode) // on the signed-in page
        app.pull(account.id, 25u) // waits 25 s at most; a push is quicker: app.receive(bytes)
        for ((_, challenge) in app.pending()) {
            if (isMe(challenge)) app.approve(challenge.id, null) else app.deny(challenge.id)
        }
    }
}
