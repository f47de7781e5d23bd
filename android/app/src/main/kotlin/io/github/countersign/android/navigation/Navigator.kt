package io.github.countersign.android.navigation

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/** The one place for navigation: the places that a person went through, the present one last. */
class Navigator(restored: List<String> = emptyList()) {
    private val stack = MutableStateFlow(restored.mapNotNull(::placeOf).ifEmpty { listOf(Place.Accounts) })

    /** Never empty. */
    val places: StateFlow<List<Place>> = stack.asStateFlow()

    /** Where the person is. */
    val here: Place get() = stack.value.last()

    /** Goes on to a place. A place of the bar is a new beginning; the present place is not repeated. */
    fun go(place: Place) = stack.update { places ->
        when {
            place == Place.Accounts -> listOf(place)
            place in tabs -> listOf(Place.Accounts, place)
            places.last() == place -> places
            else -> places.filterNot { it == place } + place
        }
    }

    /** Goes on to a place, so that "back" does not lead to the present one. */
    fun replace(place: Place) = stack.update { places ->
        (places.dropLast(1) - place).ifEmpty { listOf(Place.Accounts) } +
            place
    }

    /** Goes back; false at the first place, where the system takes over. */
    fun back(): Boolean {
        if (stack.value.size < 2) return false
        stack.update { if (it.size < 2) it else it.dropLast(1) }
        return true
    }

    /** What survives the end of the process. */
    fun saved(): List<String> = stack.value.map(Place::text)
}
