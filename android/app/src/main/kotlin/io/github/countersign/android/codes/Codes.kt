package io.github.countersign.android.codes

import io.github.countersign.AuthenticatorException
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.ForeignCode
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.SECOND
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.core.loaded
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The codes of other services as they are shown. */
data class CodesState(
    /** All of them, in the person's order. */
    val codes: Loaded<List<ForeignCode>> = Loaded.Loading,
    /** Those that answer to what is searched, by their id; null while nothing is searched. */
    val found: Set<String>? = null,
    /** Seconds since they were read: what is taken off each code's time. */
    val secondsPassed: Long = 0,
    /** The codes by counter that were asked for, by their id. */
    val counted: Map<String, String> = emptyMap(),
    /** Why the last change was not kept. */
    val told: Told? = null,
)

/** What is behind the codes of other services. */
class CodesModel(private val core: Core, private val ticks: Ticks, private val scope: CoroutineScope) {
    private val shown = MutableStateFlow(CodesState())
    private val reading = Mutex()
    private var readAt = 0L

    @Volatile private var searched = ""

    /** What the screen shows. */
    val state: StateFlow<CodesState> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { read() } }
        scope.launch { ticks.seconds.collect { tick() } }
    }

    /** Reads them again. */
    suspend fun read() = reading.withLock {
        readAt = ticks.elapsedMillis()
        val search = searched
        var found: Set<String>? = null
        val codes =
            loaded {
                core.use { library ->
                    if (search.isNotBlank()) found = library.findForeignCodes(search).map { it.id }.toSet()
                    library.foreignCodes()
                }
            }
        shown.update { it.copy(codes = codes, found = found, secondsPassed = 0) }
    }

    /** Shows only those of whose service, account or group each word is a part. */
    fun search(text: String) {
        if (searched == text) return
        searched = text
        scope.launch { read() }
    }

    /** Shows the next code by counter, which serves once. */
    fun next(code: String) = changing { library ->
        val digits = library.nextForeignCode(code)
        shown.update { it.copy(counted = it.counted + (code to digits)) }
    }

    /** Removes a code from this phone. */
    fun remove(code: String) = changing { it.removeForeignCode(code) }

    /** Gives a code other names. */
    fun rename(code: String, issuer: String, account: String) =
        changing { it.renameForeignCode(code, issuer.ifBlank { null }, account) }

    /** Puts a code into the group of this name; into none where it is blank. */
    fun group(code: String, group: String) = changing { it.groupForeignCode(code, group.ifBlank { null }) }

    /** Moves a code one place up or down, among those that it is shown with. */
    fun move(code: String, isUp: Boolean) = changing { library ->
        moved(library.foreignCodes(), code, isUp)?.let { library.arrangeForeignCodes(it) }
    }

    private fun changing(change: suspend (AuthenticatorInterface) -> Unit) {
        scope.launch {
            val told =
                try {
                    core.use(change)
                    null
                } catch (failure: AuthenticatorException) {
                    failure.told()
                }
            shown.update { it.copy(told = told) }
            core.touched()
        }
    }

    private suspend fun tick() {
        val codes = (shown.value.codes as? Loaded.There)?.value ?: return
        val passed = (ticks.elapsedMillis() - readAt) / SECOND
        if (codes.any { code -> code.shown?.let { it.secondsLeft.toLong() <= passed } == true }) return read()
        shown.update { it.copy(secondsPassed = passed) }
    }
}

/** Codes that stand together under the name of their group; those in none have null. */
data class Group(val name: String?, val codes: List<ForeignCode>)

/** The codes as a screen has them: those without a group first, then the groups by their names. */
fun groupsOf(codes: List<ForeignCode>): List<Group> = codes.groupBy { it.group }.map { Group(it.key, it.value) }
    .sortedWith(compareBy(nullsFirst(String.CASE_INSENSITIVE_ORDER)) { it.name })

/** The ids in the order in which this code has changed places with its neighbour in its group; null at the edge. */
fun moved(codes: List<ForeignCode>, code: String, isUp: Boolean): List<String>? {
    val group = groupsOf(codes).map { it.codes }.firstOrNull { group -> group.any { it.id == code } } ?: return null
    val place = group.indexOfFirst { it.id == code }
    val other = group.getOrNull(if (isUp) place - 1 else place + 1)?.id ?: return null
    return codes.map {
        when (it.id) {
            code -> other
            other -> code
            else -> it.id
        }
    }
}
