package io.github.countersign.android.world

import org.json.JSONArray
import org.json.JSONObject
import org.json.JSONTokener
import java.io.File
import java.net.HttpURLConnection
import java.net.URI
import java.nio.file.Files
import java.util.Base64

/** The world of all tests: real server, push networks, relying party. The program ends with this process. */
private object WorldProgram {
    private val folder = Files.createTempDirectory("countersign-android").toFile()
    private val process: Process =
        ProcessBuilder(File(System.getProperty("countersign.programs"), "scenario-world").path, "--folder", folder.path)
            .redirectError(File(folder, "errors"))
            .start()
    private val url: String = checkNotNull(process.inputStream.bufferedReader().readLine()) {
        File(folder, "errors").readText()
    }.removePrefix("Listening on ")

    fun send(method: String, path: String, body: String): Any? {
        val connection = URI("$url/worlds$path").toURL().openConnection() as HttpURLConnection
        connection.requestMethod = method
        connection.setRequestProperty("Content-Type", "application/json")
        if (body.isNotEmpty()) {
            connection.doOutput = true
            connection.outputStream.use { it.write(body.toByteArray()) }
        }
        val stream = if (connection.responseCode >= 400) connection.errorStream else connection.inputStream
        val text = stream?.use { it.readBytes().decodeToString() }.orEmpty()
        check(connection.responseCode < 400) { "$body: $text" }
        return if (text.isEmpty()) null else JSONTokener(text).nextValue()
    }
}

/** One test's world: tests/scenarios/README.md has its words. */
class World : AutoCloseable {
    private val begun = WorldProgram.send("POST", "", "") as JSONObject
    private val number = begun.getInt("number")

    /** Does one step, and gives what came of it. */
    fun step(vararg members: Pair<String, Any?>): JSONObject =
        WorldProgram.send("POST", "/$number", JSONObject(mapOf(*members)).toString()) as JSONObject

    /** What becomes of the phone's connections: "clear" or "down". */
    fun network(behaves: String) {
        step("world" to "network", "behaves" to behaves)
    }

    /** An app is installed: its registration at a push network. */
    fun install(gateway: String): JSONObject = step("world" to "install", "gateway" to gateway)

    /** The next push for a registration, as the network hands it to the app. */
    fun push(registration: JSONObject): ByteArray =
        Base64.getUrlDecoder().decode(step("world" to "push", "registration" to registration).getString("message_b64u"))

    /** The relying party. */
    val site = Site(this)

    override fun close() {
        WorldProgram.send("DELETE", "/$number", "")
    }
}

/** The relying party of a world, which calls its server. */
class Site(private val world: World) {
    /** A call that must be done. */
    fun call(call: String, body: JSONObject? = null): JSONObject {
        val members = listOfNotNull("site" to call, body?.let { "body" to it }).toTypedArray()
        val answer = world.step(*members)
        check(answer.getInt("status") / 100 == 2) { "$call: $answer" }
        return answer.optJSONObject("body") ?: JSONObject()
    }

    /** The id of a new user. */
    fun user(name: String = "maya"): String = call("POST /v1/users", JSONObject(mapOf("name" to name))).getString("id")

    /** The link that enrols a phone. */
    fun link(user: String): String = call("POST /v1/users/$user/enrolments").getString("link")

    /** Types on the page the digits that the phone shows. */
    fun confirm(enrolment: String, digits: String) {
        call("POST /v1/enrolments/$enrolment/confirm", JSONObject(mapOf("code" to digits.filter(Char::isDigit))))
    }

    /** Asks for a YES. */
    fun ask(user: String, digits: Int? = null, message: String? = null, seconds: Int = 600): JSONObject {
        val asked = JSONObject(mapOf("user_id" to user, "expires_in" to seconds))
        asked.put("context", JSONObject(mapOf("ip" to "198.51.100.7", "user_agent" to FIREFOX)))
        message?.let { asked.put("binding_message", it) }
        digits?.let { asked.put("policy", JSONObject(mapOf("mode" to "number", "digits" to it))) }
        return call("POST /v1/challenges", asked)
    }

    /** What became of a challenge. */
    fun state(challenge: String): String = call("GET /v1/challenges/$challenge").getString("state")

    /** Waits at the server until a challenge is answered, as a sign-in page does. */
    fun awaitAnswer(challenge: String): String = call("GET /v1/challenges/$challenge?wait=20").getString("state")

    /** Takes the approval: the sign-in page goes on. */
    fun claim(challenge: String): String = call("POST /v1/challenges/$challenge/claim").getString("state")

    private companion object {
        const val FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    }
}

/** The members of an array. */
fun JSONArray.objects(): List<JSONObject> = (0 until length()).map(::getJSONObject)
